"""Which parts of a project reach the model, over the wire: other files, but none that is ignored, and no secret."""

from __future__ import annotations

import itertools
import random
import string
from pathlib import Path

import pytest

from tests.fakes.codestral import FakeCodestral
from tests.lsp.raw_client import RawClient, texts

CART = "class ShoppingCart:\n    def add_article(self, article, count):\n        self.rows.append((article, count))\n"
MAIN = "from cart import ShoppingCart\n\ncart = ShoppingCart()\ncart.\n"
TOKEN = "gh" + "p_" + "".join(random.Random(3).choices(string.ascii_letters + string.digits, k=36))


def settings(server: FakeCodestral, **more: object) -> dict[str, object]:
    return {"backend": "codestral", "base_url": server.url, "api_key": "k", "debounce": 0, "fallback": [], **more}


async def prompt_of(client: RawClient, server: FakeCodestral, root: Path, text: str, line: int, column: int) -> str:
    """The prompt that an explicit request at a place of ``main.py`` leads to."""
    uri = (root / "main.py").as_uri()
    client.open(text, uri=uri)
    before = len(server.requests)
    await client.reply(client.ask(line, column, uri=uri, kind=1))
    assert len(server.requests) == before + 1
    return str(server.requests[-1].body["prompt"])


async def test_other_open_documents_are_context(tmp_path: Path) -> None:
    async with FakeCodestral(lambda body: "x") as server, RawClient(tmp_path) as client:
        await client.initialize(options=settings(server), root=tmp_path)
        client.open(CART, uri=(tmp_path / "shop/cart.py").as_uri())
        prompt = await prompt_of(client, server, tmp_path, MAIN, 3, 5)
        assert prompt == f"+++++ shop/cart.py\n{CART.rstrip()}\n\n+++++ main.py\n{MAIN.rstrip()}"
        assert server.requests[-1].body["stop"] == "\n+++++ "


async def test_context_can_be_turned_off(tmp_path: Path) -> None:
    async with FakeCodestral(lambda body: "x") as server, RawClient(tmp_path) as client:
        await client.initialize(options=settings(server, context_tokens=0), root=tmp_path)
        client.open(CART, uri=(tmp_path / "shop/cart.py").as_uri())
        assert await prompt_of(client, server, tmp_path, MAIN, 3, 5) == MAIN.rstrip()


async def test_documents_outside_the_workspace_or_hidden_are_no_context(tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / ".fimignore").write_text("private/\n")
    async with FakeCodestral(lambda body: "x") as server, RawClient(tmp_path) as client:
        await client.initialize(options=settings(server), root=project)
        for place in (tmp_path / "elsewhere/cart.py", project / "private/cart.py", project / ".env"):
            client.open(CART, uri=place.as_uri())
        client.open(CART, uri="untitled:cart.py")
        assert await prompt_of(client, server, project, MAIN, 3, 5) == MAIN.rstrip()


async def test_an_ignored_file_is_not_sent_and_a_new_rule_applies_at_once(tmp_path: Path) -> None:
    async with FakeCodestral(lambda body: "x") as server, RawClient(tmp_path) as client:
        (tmp_path / ".gitignore").write_text("generated.py\n")
        await client.initialize(options=settings(server), root=tmp_path)
        for name, want in (("generated.py", []), ("main.py", ["x"])):
            uri = (tmp_path / name).as_uri()
            client.open("a = \n", uri=uri)
            assert texts(await client.reply(client.ask(0, 4, uri=uri, kind=1))) == want
        (tmp_path / ".fimignore").write_text("main.py\n")
        assert texts(await client.reply(client.ask(0, 4, uri=uri, kind=1))) == []
        (tmp_path / ".fimignore").unlink()
        assert texts(await client.reply(client.ask(0, 3, uri=uri, kind=1))) == ["x"]


async def test_secrets_are_masked_only_for_other_machines(tmp_path: Path) -> None:
    """The fake is on this machine, so it sees the text; ``tests/schedule/test_prompt_sender.py`` has the other machines."""
    async with FakeCodestral(lambda body: f'"{TOKEN}")') as server, RawClient(tmp_path) as client:
        await client.initialize(options=settings(server), root=tmp_path)
        text = f'token = "{TOKEN}"\nlogin(\n'
        assert await prompt_of(client, server, tmp_path, text, 1, 6) == text.rstrip()
    assert TOKEN not in client.log


async def test_a_later_rule_applies_to_imported_files_already_read(tmp_path: Path) -> None:
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib/cart.py").write_text(CART)
    text = "from lib.cart import ShoppingCart\n\ncart = ShoppingCart()\ncart.\n"
    uri = (tmp_path / "main.py").as_uri()
    async with FakeCodestral(lambda body: "x") as server, RawClient(tmp_path) as client:
        await client.initialize(options=settings(server), root=tmp_path)
        client.open(text, uri=uri)

        async def sent(version: int) -> str:
            client.insert(3, 5, "a", uri=uri, version=version)
            await client.reply(client.ask(3, 6, uri=uri, kind=1))
            return str(server.requests[-1].body["prompt"])

        version = 2
        while "add_article" not in await sent(version):
            version += 1
        (tmp_path / "lib/.fimignore").write_text("cart.py\n")
        for later in range(version + 1, version + 4):
            assert "add_article" not in await sent(later)


async def test_an_invalid_glob_does_not_disable_the_others(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("[z-a].log\nsecret.py\n")
    async with FakeCodestral(lambda body: "x") as server, RawClient(tmp_path) as client:
        await client.initialize(options=settings(server, exclude=["[z-a].env"]), root=tmp_path)
        for name, want in (("secret.py", []), ("main.py", ["x"])):
            uri = (tmp_path / name).as_uri()
            client.open("a = \n", uri=uri)
            assert texts(await client.reply(client.ask(0, 4, uri=uri, kind=1))) == want


async def test_a_document_behind_a_link_out_of_the_workspace_is_no_context(tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (tmp_path / "outside").mkdir()
    (project / "linked").symlink_to(tmp_path / "outside")
    async with FakeCodestral(lambda body: "x") as server, RawClient(tmp_path) as client:
        await client.initialize(options=settings(server), root=project)
        for uri in ((project / "linked/cart.py").as_uri(), f"{project.as_uri()}/../outside/cart.py"):
            client.open(CART, uri=uri)
        assert await prompt_of(client, server, project, MAIN, 3, 5) == MAIN.rstrip()


@pytest.mark.parametrize("looked_at", ["ignore file", "setting"])
async def test_the_start_of_the_prompt_is_kept_when_rules_or_settings_change(tmp_path: Path, looked_at: str) -> None:
    """Else a server finds nothing of it in its cache: a fresh window begins elsewhere after each new line."""
    text, uri = "".join(f"value_{n} = compute({n})\n" for n in range(600)), (tmp_path / "main.py").as_uri()
    async with FakeCodestral(lambda body: "x") as server, RawClient(tmp_path) as client:
        await client.initialize(options=settings(server), root=tmp_path)
        client.open(text, uri=uri)
        client.open(CART, uri=(tmp_path / "cart.py").as_uri())
        for count in range(6):
            line = 400 + count
            client.insert(line, 0, f"other_{count} = 1\n", uri=uri, version=count + 1)
            if looked_at == "ignore file":
                (tmp_path / ".gitignore").write_text("build/\n" * count)
            else:
                client.notify("workspace/didChangeConfiguration", {"settings": {"top_p": 0.1 * count + 0.1}})
            await client.reply(client.ask(line + 1, 0, uri=uri, kind=1))
    assert len(server.requests) == 6
    starts = [str(request.body["prompt"])[:500] for request in server.requests]
    moved = sum(one != other for one, other in itertools.pairwise(starts))
    assert moved <= 1  # once, after an answer has told how many characters a token has


@pytest.mark.parametrize("end", ["\r\n", "\r", "\n"])
async def test_models_see_line_feeds_and_the_document_keeps_its_own_line_ends(tmp_path: Path, end: str) -> None:
    """In all that is sent: text, context, stop strings; and what comes back is in a second file of the same kind."""
    answer = "add_article(\r\n    a, 1)\n"
    async with FakeCodestral(lambda body: answer) as server, RawClient(tmp_path) as client:
        await client.initialize(options=settings(server, stop=["\r\n\r\n"], multiline="always"), root=tmp_path)
        client.open(CART.replace("\n", end), uri=(tmp_path / "shop/cart.py").as_uri())
        uri = (tmp_path / "main.py").as_uri()
        client.open(f"{MAIN}\nx = 1\n".replace("\n", end), uri=uri)
        assert texts(await client.reply(client.ask(3, 5, uri=uri, kind=1))) == [f"add_article({end}    a, 1)"]
    body = server.requests[0].body
    assert body["prompt"] == f"+++++ shop/cart.py\n{CART.rstrip()}\n\n+++++ main.py\n{MAIN.rstrip()}"
    assert body["suffix"] == "\n\nx = 1\n"
    assert body["stop"] == ["\n\n", "\n+++++ "]


async def test_the_edited_line_is_not_sent_again_in_its_old_form(tmp_path: Path) -> None:
    """Neither from the document itself nor from the same file under another URI."""
    far = "".join(
        f"def total_{n}(invoice, customer):\n    return invoice.amount_{n} * customer.rate\n\n" for n in range(120)
    )
    text, uri = f"{far}total = compute(invoice, customer\n" + "x = 1\n" * 400, (tmp_path / "main.py").as_uri()
    async with FakeCodestral(lambda body: "x") as server, RawClient(tmp_path) as client:
        await client.initialize(options=settings(server, prompt_tokens=600), root=tmp_path)
        client.open(text, uri=uri)
        client.open(text, uri=uri.replace("main", "%6dain"))
        for key, at in ((30, 0), (1, 60), (300, 20)):  # here and there, back again to where one has been
            for column in range(25):
                client.insert(key, 0, "y", uri=uri, version=at + column + 1)
            await client.reply(client.ask(key, 25, uri=uri, kind=1))
            prompt = str(server.requests[-1].body["prompt"])
            assert prompt.endswith("\n" + "y" * 25)
            assert text.split("\n")[key] not in prompt  # what follows the cursor is in the suffix
