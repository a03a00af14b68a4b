"""The completion menu for editors without inline completion: when it is wanted, its entries, its registration."""

from __future__ import annotations

import re
import string
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lsprotocol import types

from fim_lsp.lsp.completion_menu import MenuState, MenuTrigger, completion_list, is_wanted, next_state
from fim_lsp.lsp.to_protocol import Cursor
from fim_lsp.suggest.suggestion import Suggestion
from fim_lsp.text.positions import Encoding
from tests.fakes.codestral import FakeCodestral
from tests.lsp.raw_client import NGRAM, SOURCE, URI, RawClient, write_config

_MENU_ONLY = {"textDocument": {"completion": {"completionItem": {"snippetSupport": True}}}}


def entries(text: str, word: str = "", *, first_line: bool = True, replace: int = 0) -> list[types.CompletionItem]:
    suggestion, cursor = Suggestion(text=text, replace=replace), Cursor(0, len(word), word, Encoding.UTF16)
    return list(completion_list(suggestion, cursor, first_line=first_line).items)


def new_text(item: types.CompletionItem) -> str:
    assert isinstance(item.text_edit, types.TextEdit)
    return item.text_edit.new_text


@pytest.mark.parametrize(
    ("word", "text", "shown"),
    [
        ("ret", "urn x", [("return x", "return x", "return x")]),
        (
            "fo",
            "ur(x)\n    return x",
            [("four(x) …", "four(x)", "four(x)\n    return x"), ("four(x)", "four(x)", "four(x)")],
        ),
        (
            "",
            "\n    if x:\n        y",
            [("↵ if x: …", "if x:", "\n    if x:\n        y"), ("↵ if x:", "if x:", "\n    if x:")],
        ),
        ("pass", "\r\n\r\nx = 1", [("pass ↵ x = 1", "pass", "pass\r\n\r\nx = 1")]),
        ("", "a\r\nb", [("a …", "a", "a\r\nb"), ("a", "a", "a")]),
        ("", "    a", [("a", "    a", "    a")]),
        ("x", "y\tz\u2028!", [("xy z !", "xy\tz\u2028!", "xy\tz\u2028!")]),
        ("", "y" * 70, [("y" * 59 + "…", "y" * 70, "y" * 70)]),
    ],
)
def test_the_whole_and_its_first_line(word: str, text: str, shown: list[tuple[str, str, str]]) -> None:
    assert [(item.label, item.filter_text, new_text(item)) for item in entries(text, word)] == shown


def menu_request(kind: int | None, column: int = 4) -> types.CompletionParams:
    context = None if kind is None else types.CompletionContext(types.CompletionTriggerKind(kind))
    return types.CompletionParams(types.TextDocumentIdentifier(URI), types.Position(0, column), context)


@pytest.mark.parametrize(
    ("requests", "asked"),  # the kind, the column, and the seconds of the last edit and of the request
    [
        ([(1, 4, 9.0, 9.25)], [False]),  # while the user types
        ([(1, 4, 9.0, 9.7)], [True]),
        ([(None, 4, 9.0, 9.7)], [True]),
        ([(1, 4, float("-inf"), 0.0)], [True]),
        ([(2, 4, 9.0, 20.0), (3, 4, 9.0, 20.0)], [False, False]),
        ([(1, 4, 9.0, 9.1), (1, 4, 9.0, 9.3)], [False, True]),
        ([(1, 4, 9.0, 9.1), (1, 4, 9.0, 9.3), (1, 4, 9.0, 9.9)], [False, True, False]),
        ([(1, 4, 9.0, 20.0), (1, 4, 9.0, 21.0)], [True, False]),
        ([(1, 4, 9.0, 20.0), (1, 5, 9.0, 21.0)], [True, True]),
        ([(1, 4, 9.0, 9.1), (1, 4, 9.2, 9.3)], [False, False]),
    ],
)
def test_who_asks(requests: list[tuple[int | None, int, float, float]], asked: list[bool]) -> None:
    trigger = MenuTrigger()
    answers = [
        trigger.is_asked(menu_request(kind, column), edited_at=edited_at, now=now)
        for kind, column, edited_at, now in requests
    ]
    assert answers == asked


async def test_the_menu_is_asked_where_nothing_appears_by_itself(tmp_path: Path) -> None:
    async with FakeCodestral(lambda _: "pha") as server, RawClient(tmp_path) as client:
        options = {"backend": "codestral", "base_url": server.url, "api_key": "k", "debounce": 0, "fallback": []}
        await client.initialize(options={**options, "trigger": "manual"}, capabilities=_MENU_ONLY)
        client.open("x = \n")
        position = {"textDocument": {"uri": URI}, "position": {"line": 0, "character": 6}}
        invoked = {**position, "context": {"triggerKind": 1}}
        client.insert(0, 4, "al")
        typed = client.request("textDocument/completion", {**position, "context": {"triggerKind": 3}})
        assert (await client.reply(typed))["result"] == {"isIncomplete": True, "items": []}
        by_the_editor = client.request("textDocument/completion", invoked)
        await client.reply(by_the_editor)
        by_a_key = await client.reply(client.request("textDocument/completion", invoked))
        again = await client.reply(client.request("textDocument/completion", invoked))
        assert [item["label"] for item in again["result"]["items"]] == ["alpha"]
        assert len(server.requests) == 1
        assert by_a_key["result"] == again["result"]


def test_one_entry_where_two_are_one_too_many() -> None:
    assert len(entries("a\nb", first_line=False)) == 1
    # the first line alone might need other characters replaced than the whole
    assert len(entries("a)\nb", replace=1)) == 1


@given(
    word=st.from_regex(r"\w{0,5}", fullmatch=True),
    text=st.text(st.sampled_from('ab ("`\\$}\t\n\réé🎉\u2028'), min_size=1).filter(str.strip),
)
def test_entries_are_exact_and_can_be_found(word: str, text: str) -> None:
    items = entries(text, word)
    assert new_text(items[0]) == word + text
    for item in items:
        assert (word + text).startswith(new_text(item))
        assert item.insert_text_format == types.InsertTextFormat.PlainText
        assert len(item.label) <= 63
        assert len(item.label.splitlines()) <= 1
        assert item.filter_text
        assert item.filter_text.startswith(word)
    if items[1:]:
        alone = new_text(items[1]).removeprefix(word).lstrip("\r\n")
        assert not re.search(r"[\r\n]", alone)
        assert (word + text).removeprefix(new_text(items[1]))[0] in "\r\n"
    assert sorted(items, key=lambda item: item.sort_text or "") == items


@pytest.mark.parametrize(
    ("setting", "has_inline_completion", "wanted"),
    [
        ("always", True, True), ("always", False, True), ("auto", True, False), ("auto", False, True),
        ("never", True, False), ("never", False, False),
    ],
)  # fmt: skip
def test_when_the_menu_is_wanted(setting: str, has_inline_completion: bool, wanted: bool) -> None:
    assert is_wanted(setting, has_inline_completion=has_inline_completion) is wanted


@pytest.mark.parametrize("wanted", [True, False])
@pytest.mark.parametrize("state", list(MenuState))
def test_what_the_editor_is_told_about_the_menu(state: MenuState, wanted: bool) -> None:
    assert next_state(state, wanted=wanted, dynamic=False) is state
    told = MenuState.REGISTERED if wanted else MenuState.ABSENT
    assert next_state(state, wanted=wanted, dynamic=True) is (state if state is MenuState.ADVERTISED else told)


async def _asked(client: RawClient, line: int, character: int) -> dict[str, Any]:
    place = {"textDocument": {"uri": URI}, "position": {"line": line, "character": character}}
    number = client.request("textDocument/completion", {**place, "context": {"triggerKind": 1}})
    result: dict[str, Any] = (await client.reply(number))["result"]
    return result


def _options(server: FakeCodestral) -> dict[str, object]:
    return {"backend": "codestral", "base_url": server.url, "api_key": "k", "debounce": 0, "multiline": "always"}


async def test_the_menu_of_an_editor_without_inline_completion(tmp_path: Path) -> None:
    async with FakeCodestral(lambda body: "ur(x)\n    return ${x}\\\n") as server, RawClient(tmp_path) as client:
        result = await client.initialize(options=_options(server), capabilities=_MENU_ONLY)
        triggers = result["capabilities"]["completionProvider"]["triggerCharacters"]
        client.open("def fo\n")
        reply = await _asked(client, 0, 6)
    assert {*string.punctuation, " ", "\t", "\n"} - {"_"} == set(triggers)
    assert reply["isIncomplete"] is True
    whole, first = reply["items"]
    place = {"start": {"line": 0, "character": 4}, "end": {"line": 0, "character": 6}}
    assert whole["textEdit"] == {"newText": "four(x)\n    return ${x}\\", "range": place}
    assert first["textEdit"] == {"newText": "four(x)", "range": place}
    assert [item["insertTextFormat"] for item in (whole, first)] == [1, 1]


_CODECS = {Encoding.UTF8: ("utf-8", 1), Encoding.UTF16: ("utf-16-le", 2), Encoding.UTF32: ("utf-32-le", 4)}


@pytest.mark.parametrize("encoding", list(Encoding))
async def test_edits_are_exact_in_each_encoding(tmp_path: Path, encoding: Encoding) -> None:
    before, word, after = 'party = "🎉é👩‍🚀"; größe(', "höh", ")"
    codec, size = _CODECS[encoding]

    def units(text: str) -> int:
        return len(text.encode(codec)) // size

    async with FakeCodestral(lambda body: "e, weit) + 1") as server, RawClient(tmp_path) as client:
        capabilities = {**_MENU_ONLY, "general": {"positionEncodings": [encoding.value]}}
        await client.initialize(options={**_options(server), "multiline": "auto"}, capabilities=capabilities)
        client.open(before + word + after)
        (item,) = (await _asked(client, 0, units(before + word)))["items"]
    edit = item["textEdit"]
    assert edit["newText"] == "höhe, weit) + 1"
    start = {"line": 0, "character": units(before)}
    assert edit["range"] == {"start": start, "end": {"line": 0, "character": units(before + word + after)}}


async def test_eglot_gets_one_entry(tmp_path: Path) -> None:
    async with FakeCodestral(lambda body: "ur(x)\n    return x") as server, RawClient(tmp_path) as client:
        number = client.request(
            "initialize",
            {
                "processId": None,
                "clientInfo": {"name": "Eglot"},
                "capabilities": _MENU_ONLY,
                "initializationOptions": _options(server),
            },
        )
        await client.reply(number)
        client.notify("initialized", {})
        client.open("def fo\n")
        assert [item["label"] for item in (await _asked(client, 0, 6))["items"]] == ["four(x) …"]


def ask_menu(client: RawClient) -> int:
    place = {"textDocument": {"uri": URI}, "position": {"line": 41, "character": 19}}
    return client.request("textDocument/completion", place)


async def test_the_menu_answers_once_it_is_switched_on(tmp_path: Path) -> None:
    async with RawClient(tmp_path) as client:
        result = await client.initialize(options=NGRAM)
        assert "completionProvider" not in result["capabilities"]
        client.open(SOURCE)
        assert (await client.reply(ask_menu(client)))["result"]["items"] == []
        client.notify("workspace/didChangeConfiguration", {"settings": {"menu": "always"}})
        [item] = (await client.reply(ask_menu(client)))["result"]["items"]
        assert item["textEdit"]["newText"].startswith("alpha, beta)")
        assert client.requests == []


@pytest.mark.parametrize("by", ["editor", "file"])
async def test_the_menu_is_registered_and_unregistered_where_the_editor_can(tmp_path: Path, by: str) -> None:
    capabilities = {"textDocument": {"inlineCompletion": {}, "completion": {"dynamicRegistration": True}}}
    async with RawClient(tmp_path) as client:
        await client.initialize(options=NGRAM, capabilities=capabilities)
        client.open(SOURCE)
        for number, menu in enumerate(("always", "never", "always"), 1):
            for _ in range(2):  # once is enough
                if by == "file":
                    write_config(tmp_path, f'menu = "{menu}"\n' + "#" * number)
                    await client.reply(client.ask(41, 19))
                else:
                    client.notify("workspace/didChangeConfiguration", {"settings": {"menu": menu}})
            await client.until(lambda number=number: len(client.requests) == number)
            assert bool((await client.reply(ask_menu(client)))["result"]["items"]) == (menu == "always")
        asked = client.requests
    assert [request["method"] for request in asked] == [
        "client/registerCapability", "client/unregisterCapability", "client/registerCapability",
    ]  # fmt: skip
    [registration] = asked[0]["params"]["registrations"]
    assert registration["method"] == "textDocument/completion"
    assert "." in registration["registerOptions"]["triggerCharacters"]
    [unregistration] = asked[1]["params"]["unregisterations"]
    assert unregistration == {"id": registration["id"], "method": "textDocument/completion"}


async def test_what_was_advertised_is_not_registered_as_well(tmp_path: Path) -> None:
    capabilities = {"textDocument": {"completion": {"dynamicRegistration": True}}}
    async with RawClient(tmp_path) as client:
        result = await client.initialize(options=NGRAM, capabilities=capabilities)
        assert "completionProvider" in result["capabilities"]
        client.open(SOURCE)
        for menu, items in (("always", 1), ("never", 0), ("auto", 1)):
            client.notify("workspace/didChangeConfiguration", {"settings": {"menu": menu}})
            assert len((await client.reply(ask_menu(client)))["result"]["items"]) == items
        assert client.requests == []


@given(st.text(alphabet="`~\n ![](x)<>", min_size=1), st.integers(0, 12))
def test_no_text_ends_the_fence_of_its_preview(text: str, backticks: int) -> None:
    """Outside of it, an editor would load ``![](https://…)``. As CommonMark ends a fence: by as many backticks or more."""
    suggestion = Suggestion(text=f"a{text}\n{'`' * backticks}\n{text}b")
    (item, *_) = completion_list(suggestion, Cursor(0, 0, "", Encoding.UTF16), first_line=False).items
    assert isinstance(item.documentation, types.MarkupContent)
    first, *inside, last = item.documentation.value.split("\n")
    assert set(first) == {"`"}
    assert last == first
    assert not [line for line in inside if re.fullmatch(rf" {{0,3}}`{{{len(first)},}}[ \t]*", line)]
