"""Cells of a notebook see each other, by the client's word or by their URIs, and nothing leaks by another cell."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.fakes.codestral import FakeCodestral
from tests.lsp.raw_client import RawClient, texts

AWARE = {
    "textDocument": {"inlineCompletion": {}},
    "notebookDocument": {"synchronization": {"dynamicRegistration": True}},
}


def settings(server: FakeCodestral, **more: object) -> dict[str, object]:
    return {"backend": "codestral", "base_url": server.url, "api_key": "k", "debounce": 0, "fallback": [], **more}


async def sent(client: RawClient, server: FakeCodestral, uri: str, line: int, column: int) -> tuple[str, str]:
    """Prompt and suffix of an explicit request; two empty texts if nothing was sent."""
    before = len(server.requests)
    await client.reply(client.ask(line, column, uri=uri, kind=1))
    if len(server.requests) == before:
        return "", ""
    body = server.requests[-1].body
    return str(body["prompt"]), str(body.get("suffix", ""))


SCHEMES = {
    "VS Code": ("vscode-notebook-cell:/ws/a.ipynb#{}", ["W0sZmlsZQ%3D%3D", "W6sZmlsZQ%3D%3D", "X10sZmlsZQ%3D%3D"]),
    "VS Code, remote": ("vscode-notebook-cell://ssh-remote%2Bh/ws/a.ipynb#{}", ["W1sZ", "W2sZ", "X13sZ"]),
    "older": ("vscode-notebook-cell:/ws/a.ipynb#{}", ["ch0000001", "ch0000002", "ch0000010"]),
    "fragments of a file": ("file:///ws/a.ipynb#{}", ["1", "2", "10"]),
    "named": ("file:///ws/a.ipynb#{}", ["cell2", "cell9", "cell10"]),
}


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (1, 2, 0)])
async def test_cells_of_one_file_are_ordered_by_their_uris(tmp_path: Path, scheme: str, order: tuple[int, ...]) -> None:
    pattern, names = SCHEMES[scheme]
    uris, cells = [pattern.format(name) for name in names], ["import numpy as np\n", "x = np.\ny = 2", "print(y)"]
    async with FakeCodestral() as server, RawClient(tmp_path) as client:
        await client.initialize(options=settings(server))
        for number in order:
            client.open(cells[number], uri=uris[number])
        client.open("other = 1", uri="vscode-notebook-cell:/ws/b.ipynb#W0sZmlsZQ%3D%3D")
        prompt, suffix = await sent(client, server, uris[1], 0, 7)
        assert (prompt, suffix) == ("import numpy as np\n\nx = np.", "\ny = 2\n\nprint(y)\n\n")
        client.insert(0, 0, "# first\n", uri=uris[0])
        client.notify("textDocument/didClose", {"textDocument": {"uri": uris[2]}})
        prompt, suffix = await sent(client, server, uris[1], 0, 7)
        assert (prompt, suffix) == ("# first\nimport numpy as np\n\nx = np.", "\ny = 2")


async def test_ids_without_an_order_are_in_the_order_of_opening(tmp_path: Path) -> None:
    uris = [f"file:///ws/a.ipynb#{name}" for name in ("f00dfeed-1234", "0badcafe-5678")]
    async with FakeCodestral() as server, RawClient(tmp_path) as client:
        await client.initialize(options=settings(server))
        for uri, text in zip(uris, ["a = 1", "b = "], strict=True):
            client.open(text, uri=uri)
        assert (await sent(client, server, uris[1], 0, 4))[0] == "a = 1\n\nb = "


async def test_files_whose_names_have_a_hash_are_no_cells(tmp_path: Path) -> None:
    async with FakeCodestral() as server, RawClient(tmp_path) as client:
        await client.initialize(options=settings(server))
        for uri in ("file:///ws/c#1.py", "file:///ws/c#/a.py", "file:///ws/c"):
            client.open("a = 1", uri=uri)
        client.open("b = ", uri="file:///ws/c#2.py")
        assert await sent(client, server, "file:///ws/c#2.py", 0, 4) == ("b = ", "")


def document(uri: str, text: str, language: str = "python") -> dict[str, Any]:
    return {"uri": uri, "languageId": language, "version": 1, "text": text}


def structure(start: int, delete: int, *cells: dict[str, Any], close: tuple[str, ...] = ()) -> dict[str, Any]:
    added = [{"kind": 2, "document": cell["uri"]} for cell in cells]
    array = {"start": start, "deleteCount": delete, "cells": added}
    return {"array": array, "didOpen": list(cells), "didClose": [{"uri": uri} for uri in close]}


async def test_a_client_that_knows_notebooks_says_the_order(tmp_path: Path) -> None:
    notebook = {"uri": "file:///ws/a.ipynb", "version": 1}

    def change(**cells: object) -> None:
        client.notify("notebookDocument/didChange", {"notebookDocument": notebook, "change": {"cells": cells}})

    async with FakeCodestral() as server, RawClient(tmp_path) as client:
        result = await client.initialize(options=settings(server), capabilities=AWARE)
        assert result["capabilities"]["notebookDocumentSync"] == {"notebookSelector": [{"notebook": "*"}]}
        cells = [
            document("cell:z", "a = 1"),
            document("cell:m", "# Head\n\ntext", "markdown"),
            document("cell:b", "c = "),
        ]
        kinds = [{"kind": 1 if cell["languageId"] == "markdown" else 2, "document": cell["uri"]} for cell in cells]
        params = {"notebookDocument": {**notebook, "notebookType": "jupyter-notebook", "cells": kinds}}
        client.notify("notebookDocument/didOpen", {**params, "cellTextDocuments": cells})
        assert await sent(client, server, "cell:b", 0, 4) == ("a = 1\n\n# # Head\n#\n# text\n\nc = ", "")

        change(structure=structure(0, 0, document("cell:new", "b = 2\n")))
        place = {"line": 0, "character": 4}
        edit = {"range": {"start": place, "end": place}, "text": "1"}
        change(textContent=[{"document": {"uri": "cell:z", "version": None}, "changes": [edit]}])
        prompt, _ = await sent(client, server, "cell:b", 0, 4)
        assert prompt == "b = 2\n\na = 11\n\n# # Head\n#\n# text\n\nc = "

        change(structure=structure(3, 1))  # the last one goes up
        change(structure={"array": {"start": 0, "deleteCount": 0, "cells": [{"kind": 2, "document": "cell:b"}]}})
        prompt, suffix = await sent(client, server, "cell:b", 0, 4)
        assert (prompt, suffix) == ("c = ", "\n\nb = 2\n\na = 11\n\n# # Head\n#\n# text\n\n")

        change(structure=structure(1, 1, close=("cell:new",)))
        assert (await sent(client, server, "cell:b", 0, 4))[1] == "\n\na = 11\n\n# # Head\n#\n# text\n\n"
        assert await sent(client, server, "cell:new", 0, 4) == ("", "")
        client.notify(
            "notebookDocument/didClose", {"notebookDocument": {"uri": notebook["uri"]}, "cellTextDocuments": []}
        )
        assert await sent(client, server, "cell:b", 0, 4) == ("", "")
        assert client.messages() == []


async def test_what_is_typed_in_a_cell_is_asked_about_and_shown_there(tmp_path: Path) -> None:
    """Typing is seen, the range is the cell's, and an answer is not taken for the same cell below another text."""
    uris = [f"vscode-notebook-cell:/ws/a.ipynb#W{n}sZ" for n in range(2)]
    async with FakeCodestral(lambda body: f"{len(body['prompt'])}") as server, RawClient(tmp_path) as client:
        await client.initialize(options=settings(server))
        client.open("a = 1\n", uri=uris[0])
        client.open("", uri=uris[1])
        client.insert(0, 0, "b = ", uri=uris[1])
        reply = await client.reply(client.ask(0, 4, uri=uris[1]))
        assert texts(reply) == ["11"]
        assert reply["result"]["items"][0]["range"]["start"] == {"line": 0, "character": 4}
        client.insert(0, 0, "z = 2\n", uri=uris[0])
        assert texts(await client.reply(client.ask(0, 4, uri=uris[1], kind=1))) == ["17"]
        assert texts(await client.reply(client.ask(0, 4, uri=uris[1]))) == ["17"]
    assert len(server.requests) == 2


@pytest.mark.parametrize("rule", ["exclude", "ignore file", "local_only"])
@pytest.mark.parametrize("aware", [True, False])
async def test_what_restricts_a_notebook_restricts_each_cell(tmp_path: Path, rule: str, aware: bool) -> None:
    """Also cells whose own URIs say nothing; and a restricted cell is no part of another's prompt."""
    project = tmp_path / "project"
    (project / "secret").mkdir(parents=True)
    if rule == "ignore file":
        (project / ".fimignore").write_text("secret/\n")
    more = {"exclude": {"exclude": ["secret/"]}, "local_only": {"local_only": ["secret/"]}}.get(rule, {})
    async with FakeCodestral() as server, RawClient(tmp_path) as client:
        # a remote host that must not be called: the fake server is on this machine, where local_only text may go
        options = {**settings(server, **more), **({"base_url": "https://fim.invalid"} if rule == "local_only" else {})}
        await client.initialize(options=options, root=project, capabilities=AWARE if aware else None)
        place = (project / "secret/a.ipynb").as_uri()
        uris = (
            ["cell:one", "cell:two"]
            if aware
            else [f"{place.replace('file://', 'vscode-notebook-cell:')}#W{n}s" for n in (0, 1)]
        )
        cells = [document(uri, "password = 1\n") for uri in uris]
        if aware:
            kinds = [{"kind": 2, "document": uri} for uri in uris]
            notebook = {"uri": place, "version": 1, "notebookType": "jupyter-notebook", "cells": kinds}
            client.notify("notebookDocument/didOpen", {"notebookDocument": notebook, "cellTextDocuments": cells})
        else:
            for cell in cells:
                client.open(cell["text"], uri=cell["uri"])
        for uri in uris:
            assert texts(await client.reply(client.ask(0, 12, uri=uri, kind=1))) == []
        assert client.messages() == []
    assert server.requests == []


@pytest.mark.parametrize("rule", ["exclude", "local_only"])
async def test_a_restricted_cell_of_an_open_notebook_stays_out_of_the_others(tmp_path: Path, rule: str) -> None:
    uris = [(tmp_path / name).as_uri() for name in ("secret/a.py", "b.py")]
    cells = [document(uris[0], "password = 1\n"), document(uris[1], "x = ")]
    kinds = [{"kind": 2, "document": uri} for uri in uris]
    notebook = {"uri": "untitled:a.ipynb", "version": 1, "notebookType": "x", "cells": kinds}
    async with FakeCodestral() as server, RawClient(tmp_path) as client:
        await client.initialize(options=settings(server, **{rule: ["secret/"]}), root=tmp_path, capabilities=AWARE)
        client.notify("notebookDocument/didOpen", {"notebookDocument": notebook, "cellTextDocuments": cells})
        prompt, _ = await sent(client, server, uris[1], 0, 4)
    assert "x = " in prompt or rule == "local_only"
    assert "password" not in prompt
