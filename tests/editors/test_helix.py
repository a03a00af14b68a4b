"""Helix with its own defaults and the languages.toml of this repository, in a terminal."""

from __future__ import annotations

import asyncio
import re
import sys
import tomllib

import pytest

from tests.editors.cases import BEFORE, SUGGESTED, Case
from tests.editors.helix import FOLDER, KEYS, SHIPPED, Helix, alone
from tests.editors.picture import picture
from tests.editors.sandbox import Sandbox, writes
from tests.editors.wire import MENU
from tests.fakes.codestral import Behaviour

_PAUSE = 0.03  # seconds between two keys, after which the server may ask


@pytest.fixture
def helix(sandbox: Sandbox) -> Helix:
    """Helix with our server alone."""
    return Helix(sandbox)


AREA = "def area(shape):\n    ‸\n\n\nprint(1)\n"
BLOCK = "    if shape is None:\n        return 0\n    return shape.width * shape.height"


async def test_the_first_line_is_an_entry_of_its_own_next_to_the_whole(helix: Helix) -> None:
    helix.codestral.answer = writes(BLOCK)
    for number, line_end in enumerate(("\n", "\r\n")):
        document = AREA.replace("\n", line_end)
        after = document.replace("‸", BLOCK.strip().split("\n")[0])
        path = await helix.open_at(
            Case(name="", document=document, typed="", completion="", after=after), number=number
        )
        helix.terminal.keys("C-x")
        await helix.terminal.wait_for("if shape is None: …")
        await helix.accept("if shape is None:  ", down=2)
        await helix.save_as(path, after.encode())
    await helix.quit()


async def test_the_whole_block_comes_first_and_is_previewed_in_place(helix: Helix) -> None:
    helix.codestral.answer = writes(BLOCK)
    case = Case(name="", document=AREA, typed="", completion="", after=AREA.replace("    ‸", BLOCK))
    path = await helix.open_at(case)
    helix.terminal.keys("C-x")
    await helix.terminal.wait_for("if shape is None: …")
    picture(helix.terminal, FOLDER / "menu.svg", rows=9)
    helix.terminal.keys("Tab")
    await helix.terminal.wait_for(lambda screen: screen.count("return shape.width * shape.height") == 2)
    helix.terminal.keys("Enter")
    await helix.save_as(path, case.expected)
    await helix.quit()


async def test_typing_what_is_offered_keeps_the_menu_and_makes_no_call(helix: Helix) -> None:
    path = await helix.open_with_suggestion()
    called = len(helix.codestral.requests)
    column, _ = helix.terminal.cursor()
    for count, letter in enumerate("urn fib(n - 1) + fib", start=1):
        helix.terminal.type(letter)
        await helix.terminal.wait_for(lambda _, at=column + count: helix.terminal.cursor()[0] == at)
        await helix.terminal.wait_for(lambda screen: "fib(n - 2" in screen and " text" in screen)
    await helix.all_answered()
    assert len(helix.codestral.requests) == called
    await helix.accept("fib(n - 2)")
    await helix.save_as(path, f"{BEFORE}{SUGGESTED}\n".encode())
    await helix.quit()


async def test_a_fast_typist_makes_one_call_and_killing_helix_leaves_no_server(helix: Helix) -> None:
    helix.codestral.answer = writes(SUGGESTED)
    await helix.open(helix.sandbox.file("demo.py", "def fib(n):\n"), line=1)
    for letter in "\nreturn fib(n - 1) + f":
        helix.terminal.type(letter)
    await helix.terminal.wait_for("fib(n - 2) text")
    await helix.all_answered()
    # Helix may ask once before the first key, about the colon
    burst = [request for request in helix.codestral.requests if "\n" in request.body["prompt"]]
    # On a busy machine, keys arrive with pauses that are long enough for the server to make a call.
    assert 1 <= len(burst) <= 1 + sum(pause > _PAUSE for pause in helix.wire.pauses("textDocument/didChange"))
    helix.terminal.kill(helix.process_name)
    await helix.terminal.ended()


async def test_an_answer_that_comes_late_fits_what_was_typed_since(helix: Helix) -> None:
    """Helix asks once for a word and never cancels: the answer for ``r`` is the only one it gets."""
    gate = asyncio.Event()
    helix.codestral.answer = writes()  # for what Helix asks by itself when it opens the file
    path = helix.sandbox.file("demo.py", BEFORE.rstrip(" ") + "\n")
    await helix.open(path, line=4)
    helix.codestral.behaviour = Behaviour(gate=gate)
    helix.codestral.answer = writes(SUGGESTED)
    before = len(helix.codestral.requests)
    helix.terminal.type("    re")
    await helix.sandbox.until(lambda: len(helix.codestral.requests) > before, "a call")
    helix.terminal.type("turn")
    await helix.terminal.wait_for("    return")
    gate.set()
    await helix.accept(SUGGESTED)
    await helix.save_as(path, f"{BEFORE}{SUGGESTED}\n".encode())
    await helix.quit()


async def test_an_empty_answer_leaves_nothing_on_the_screen(helix: Helix) -> None:
    await helix.open_with_suggestion()
    helix.codestral.answer = writes()
    await helix.type_and_wait("ained = 1 ")
    await helix.terminal.wait_for(lambda screen: screen.splitlines()[3].rstrip().endswith("    retained = 1"))
    screen = await helix.terminal.wait_for("retained = 1", "fib(n - 1)", " text")
    assert [line.split() for line in screen.splitlines()[4:-2]] == [["~"], *[[]] * (len(screen.splitlines()) - 7)]
    await helix.quit()


@pytest.mark.parametrize(
    "before", ["", "x = 1; ", "x = 1\n\n", "é = '🎉'; "], ids=["empty", "one line", "blank", "emoji"]
)
async def test_nothing_reaches_past_the_end_of_the_file(helix: Helix, before: str) -> None:
    typed, rest = "for item in items:", "\n    print(item)"
    helix.codestral.answer = writes(before.rpartition("\n")[2] + typed + rest)
    path = helix.sandbox.file("demo.py", before)
    await helix.open(path, line=before.count("\n") or 1)
    helix.terminal.type(typed)
    await helix.accept("print(item)")
    text = before.removesuffix("\n") + typed
    await helix.save_as(path, f"{text}{rest}\n".encode())
    lines = text.split("\n")
    for reply in helix.wire.replies(MENU):
        for item in reply["result"]["items"]:
            for place in item["textEdit"]["range"].values():
                assert place["line"] < len(lines)
                assert place["character"] <= len(lines[place["line"]].encode())
    await helix.quit()


_OTHER = """
import pathlib
from lsprotocol import types
from pygls.lsp.server import LanguageServer

server = LanguageServer("other", "1")

@server.feature(types.TEXT_DOCUMENT_COMPLETION)
def complete(params):
    return [types.CompletionItem(label="retry_later"), types.CompletionItem(label="retrieve")]

@server.feature(types.INITIALIZED)
def ready(params):
    pathlib.Path(__file__).with_suffix(".ready").touch()

server.start_io()
"""


async def test_beside_another_server_both_are_in_the_menu(sandbox: Sandbox) -> None:
    """With the file as it is in the repository, but for the name of the other server."""
    script = sandbox.folder / "other.py"
    script.write_text(_OTHER)
    other = f'[language-server.other]\ncommand = "{sys.executable}"\nargs = ["{script}"]\n'
    servers = next(each for each in tomllib.loads(SHIPPED)["language"] if each["name"] == "python")["language-servers"]
    line = "language-servers = [" + ", ".join(f'"{name}"' for name in servers) + "]"
    assert line in SHIPPED
    helix = Helix(sandbox, SHIPPED.replace(line, 'language-servers = ["other", "fim-lsp"]') + other)
    # Nothing after a space: there Helix would ask our server alone, and then fill up that menu only.
    helix.codestral.answer = writes(SUGGESTED)
    path = sandbox.file("demo.py", BEFORE + "\n")
    await helix.open(path, line=4)
    await sandbox.until(script.with_suffix(".ready").exists, "the other server")  # Helix asks none that is not ready
    helix.terminal.type("ret")
    await helix.terminal.wait_for(
        lambda screen: "retry_later" in screen and "retrieve" in screen and SUGGESTED in screen
    )
    await helix.accept(SUGGESTED)
    helix.terminal.keys("Escape")
    await helix.terminal.wait_for(" NOR ")
    helix.terminal.type("oretr")
    await helix.terminal.wait_for("retrieve")
    await helix.save_as(path, f"{BEFORE}{SUGGESTED}\n    retr\n".encode())
    await helix.quit()


async def test_commands_answer_at_the_bottom_of_the_screen(helix: Helix) -> None:
    await helix.open_with_suggestion()
    await helix.normal_mode()
    for command, answer in (
        ("why", r"fim-lsp is idle \(codestral"),
        ("status", r"fim-lsp is idle \(codestral"),
        ("doctor", "fim-lsp doctor: No problems"),
        ("stats", "fim-lsp: "),
        ("toggle true", "fim-lsp: Suggestions are on"),
        ('toggleLanguage "python"', "fim-lsp: Suggestions are off for python"),
        ("snooze", "fim-lsp: fim-lsp.snooze takes a number of minutes"),
    ):
        await _answers(helix, f":lsp-workspace-command fim-lsp.{command}\n", answer)
    [why] = [notice for notice in helix.wire.notices() if "demo.py:4:" in notice]
    assert re.search(r"fim-lsp is idle \(.*\) \| \d\d:\d\d:\d\d demo\.py:4:", why)
    await helix.quit()


async def test_the_keys_of_the_page_run_the_commands(helix: Helix) -> None:
    """With config.toml as it is in the repository."""
    (helix.sandbox.home / ".config" / "helix" / "config.toml").write_text(KEYS)
    await helix.open_with_suggestion()
    await helix.normal_mode()
    for key, answer in (
        ("t", "Suggestions are off in this editor"),
        ("t", "Suggestions are on"),
        ("l", "Suggestions are off for python"),
        ("l", "Suggestions are on for python"),
        ("z", "Snoozed until "),
        ("Z", "Suggestions are on"),
        ("m", "appear only when you ask"),
        ("m", "Suggestions are on"),
        ("M", "codestral-latest"),
        ("s", "fim-lsp is idle"),
        ("f", "suggestions are forgotten"),
        ("r", "comes over a new connection"),
    ):
        await _answers(helix, f" i{key}", answer)
    # the last two read what servers write down every ten seconds
    for key, answer in (("d", "the setting backend"), ("c", "counted"), ("w", "erver")):
        helix.terminal.type(f" i{key}")
        await helix.terminal.wait_for(answer)
        helix.terminal.keys("Escape")
        await helix.terminal.wait_for(" NOR ", answer)
    before = len(helix.wire.sent("initialize"))
    helix.terminal.type(" iR")
    await helix.sandbox.until(lambda: len(helix.wire.sent("initialize")) > before, "a new server")
    helix.terminal.type(" io")
    await helix.terminal.wait_for("helix.log")
    assert set(tomllib.loads(KEYS)["keys"]["normal"]["space"]["i"]) == set("tlzZmMsfrdcwRo")
    await helix.leave()


async def _answers(helix: Helix, typed: str, answer: str) -> None:
    """Type a command; the server answers with a message, which is what the screen then shows."""
    seen = len(helix.wire.notices())
    helix.terminal.type(typed)
    await helix.sandbox.until(lambda: len(helix.wire.notices()) > seen, f"the answer to {typed!r}")
    message = helix.wire.notices()[-1]
    assert re.search(answer, message)
    await helix.terminal.wait_for(message[: helix.terminal.columns].rstrip())


async def test_a_warning_that_a_key_has_erased_is_shown_again_at_the_first_pause(helix: Helix) -> None:
    helix.codestral.behaviour = Behaviour(status=401, raw=b'{"detail":"Unauthorized"}')
    await helix.open(helix.sandbox.file("demo.py", BEFORE.rstrip(" ") + "\n"), line=4)
    helix.terminal.type("alpha = ")
    await helix.sandbox.until(helix.wire.notices, "a message")
    helix.terminal.type("beta ")
    await helix.terminal.wait_for("refuses the key (401)")
    assert len(set(helix.wire.notices())) == 1
    helix.terminal.type("+ gamma")
    await helix.terminal.wait_for("+ gamma", "refuses the key")
    await helix.quit()


async def test_the_file_in_the_repository_works_as_it_is(sandbox: Sandbox) -> None:
    helix = Helix(sandbox, SHIPPED)
    await helix.open_with_suggestion()
    await helix.quit()


async def test_settings_can_be_made_in_languages_toml(sandbox: Sandbox) -> None:
    helix = Helix(sandbox, alone("config = { max_tokens = 17, temperature = 0.5 }"))
    await helix.open_with_suggestion()
    assert [helix.wire.sent("initialize")[0]["params"]["initializationOptions"]] == [
        {"max_tokens": 17, "temperature": 0.5}
    ]
    body = sandbox.codestral.requests[0].body
    assert (body["max_tokens"], body["temperature"]) == (17, 0.5)
    await helix.quit()
