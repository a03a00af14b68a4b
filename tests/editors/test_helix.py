"""Helix with its own defaults and the languages.toml of this repository, in a terminal."""

from __future__ import annotations

import asyncio
import os
import re
import sys
import tomllib
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from tests.editors.cases import ACCEPTED, Case
from tests.editors.desk import Desk, writes
from tests.editors.picture import picture, render
from tests.editors.programs import ROOT, program
from tests.editors.terminal import Terminal
from tests.editors.wire import MENU
from tests.fakes.codestral import Behaviour

FOLDER = ROOT / "editors" / "helix"
SHIPPED = (FOLDER / "languages.toml").read_text(encoding="utf-8")


def _alone(config: str = "") -> str:
    """A languages.toml with no other server than ours: what else the machine has stays out of the picture."""
    names = [language["name"] for language in tomllib.loads(SHIPPED)["language"]]
    languages = [f'[[language]]\nname = "{name}"\nlanguage-servers = ["fim-lsp"]\n' for name in names]
    return "\n".join(['[language-server.fim-lsp]\ncommand = "fim-lsp"', config, *languages])


class Helix:
    """The editor on a desk. There is no config.toml: ``idle-timeout`` and all else is as Helix has it."""

    def __init__(self, desk: Desk, languages: str | None = None) -> None:
        self.desk, self.terminal, self.wire = desk, desk.terminal, desk.wire
        config = desk.home / ".config" / "helix"
        config.mkdir(parents=True)
        (config / "languages.toml").write_text(languages or _alone())
        self.log = desk.home / ".cache" / "helix" / "helix.log"
        desk.logs.append(self.log)
        self.executable = program("hx")

    async def open(self, path: Path, *, line: int = 1, column: int | None = None) -> None:
        """Start the editor on a file, in insert mode, and wait until the server has the file.

        ``column`` counts characters, from 1; None is the end of the line.
        """
        self.desk.install()
        self.terminal.start(self.executable, f"{path.name}:{line}:{column or 1}", folder=path.parent)
        await self.desk.until(lambda: self.wire.sent("textDocument/didOpen"), "the server has the file")
        await self.terminal.wait_for(" NOR ")
        self.terminal.type("i" if column else "A")
        await self.terminal.wait_for(" INS ")
        # Asked after a blank, Helix would ask while the server still starts, and ask nothing more until that is answered.
        await self.desk.until(lambda: len(self.wire.sent(MENU)) == len(self.wire.replies(MENU)), "all is answered")

    async def open_at(self, case: Case) -> Path:
        """Start the editor at a case's cursor."""
        path = self.desk.file(case.file, case.content)
        await self.open(path, line=case.line, column=None if case.at_end_of_line else len(case.line_before) + 1)
        return path

    async def accept(self, label: str, *, down: int = 1) -> None:
        """Select an entry of the menu, which is then in the text already, and make it final."""
        await self.terminal.wait_for(f"{label} ")
        self.terminal.keys(*["Tab"] * down)
        await self.terminal.wait_for(" fim-lsp")  # its detail, beside the menu
        self.terminal.keys("Enter")
        await self.terminal.wait_for(lambda screen: " fim-lsp" not in screen)  # the next menu may be open already

    async def save(self) -> None:
        """Leave insert mode and write the file."""
        self.terminal.keys("Escape")
        await self.terminal.wait_for(" NOR ")
        self.terminal.type(":w\n")

    async def saved(self, path: Path, content: bytes) -> None:
        """Write the file, which is then exactly this."""
        await self.save()
        # Helix puts a new file in the old one's place: for a moment there is none.
        await self.desk.until(lambda: _content(path) == content, f"the file is {content!r}")

    async def asked(self, typed: str) -> None:
        """Type something that Helix asks about, and wait until it has its answer."""
        before = len(self.wire.sent(MENU))
        self.terminal.type(typed)
        await self.desk.until(lambda: len(self.wire.sent(MENU)) > before and self.wire.settled(MENU), "it is answered")

    def messages(self) -> Sequence[str]:
        """What the server said to the user."""
        return [each["params"]["message"] for each in self.wire.received("window/showMessage")]

    def errors(self) -> list[str]:
        """The lines of the editor's own log that tell of an error; what other servers write is not Helix's."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        return [line for line in lines if re.search(r"\[ERROR\] (?!\S+ err <-)|\[ERROR\] fim-lsp", line)]

    async def quit(self) -> None:
        """Leave the editor; nothing may stay behind, and no error be in its log.

        Helix sends ``shutdown`` and ``exit`` and kills what it has started in the same moment: there is no exit code to look
        at, and what it logs then is about its own closed channels.
        """
        _keep_picture(self.terminal)
        assert self.errors() == []
        if " NOR " not in self.terminal.screen():
            self.terminal.keys("Escape")
            await self.terminal.wait_for(" NOR ")  # a key right after Escape would be one with Alt
        self.terminal.type(":qa!\n")
        await self.terminal.ended()


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def _keep_picture(terminal: Terminal) -> None:
    """Save the screen in the folder that FIM_LSP_TEST_PICTURES names, if it does."""
    if folder := os.environ.get("FIM_LSP_TEST_PICTURES"):
        name = os.environ["PYTEST_CURRENT_TEST"].rpartition("::")[2].removesuffix(" (call)")
        svg = render(terminal.coloured(), rows=terminal.rows, columns=terminal.columns, cursor=terminal.cursor())
        Path(folder, f"helix-{re.sub(r'[^a-z0-9]+', '-', name.lower())}.svg").write_text(svg, encoding="utf-8")


@pytest.fixture
async def helix(desk: Desk) -> AsyncIterator[Helix]:
    """Helix with our server alone."""
    return Helix(desk)


FIB = "def fib(n):\n    if n < 2:\n        return n\n    "
WHOLE = "return fib(n - 1) + fib(n - 2)"
AREA = "def area(shape):\n    ‸\n\n\nprint(1)\n"
BLOCK = "    if shape is None:\n        return 0\n    return shape.width * shape.height"


async def _with_menu(helix: Helix, *, typed: str = "ret") -> Path:
    """Open a file and type until the entry is there."""
    # Helix asks after the blanks too, and nothing more until it has that answer.
    helix.desk.codestral.answer = writes(f"    {WHOLE}")
    path = helix.desk.file("demo.py", FIB + "\n")
    await helix.open(path, line=4)
    helix.terminal.type(typed)
    await helix.terminal.wait_for(WHOLE)
    return path


@pytest.mark.parametrize("case", ACCEPTED, ids=lambda case: case.name)
async def test_an_accepted_entry_puts_exactly_the_right_text_into_the_file(helix: Helix, case: Case) -> None:
    helix.desk.codestral.answer = writes(case.wants)
    path = await helix.open_at(case)
    helix.terminal.type(case.typed)
    await helix.accept(case.shown)
    await helix.saved(path, case.expected)
    await helix.quit()


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
async def test_the_first_line_is_an_entry_of_its_own_next_to_the_whole(helix: Helix, line_end: str) -> None:
    document = AREA.replace("\n", line_end)
    case = Case(
        name="", document=document, typed="", rest="", after=document.replace("‸", BLOCK.strip().split("\n")[0])
    )
    helix.desk.codestral.answer = writes(BLOCK)
    path = await helix.open_at(case)
    helix.terminal.keys("C-x")
    await helix.terminal.wait_for("if shape is None: …")
    await helix.accept("if shape is None:  ", down=2)
    await helix.saved(path, case.expected)
    await helix.quit()


async def test_the_whole_comes_first_and_is_previewed_in_place(helix: Helix) -> None:
    helix.desk.codestral.answer = writes(BLOCK)
    case = Case(name="", document=AREA, typed="", rest="", after=AREA.replace("    ‸", BLOCK))
    path = await helix.open_at(case)
    helix.terminal.keys("C-x")
    await helix.terminal.wait_for("if shape is None: …")
    picture(helix.terminal, FOLDER / "menu.svg", rows=9)
    helix.terminal.keys("Tab")
    await helix.terminal.wait_for(lambda screen: screen.count("return shape.width * shape.height") == 2)
    helix.terminal.keys("Enter")
    await helix.saved(path, case.expected)
    await helix.quit()


async def test_typing_along_keeps_the_menu_and_makes_no_call(helix: Helix) -> None:
    path = await _with_menu(helix)
    called = len(helix.desk.codestral.requests)
    column, _ = helix.terminal.cursor()
    for count, letter in enumerate("urn fib(n - 1) + fib", start=1):
        helix.terminal.type(letter)
        await helix.terminal.wait_for(lambda _, at=column + count: helix.terminal.cursor()[0] == at)
        await helix.terminal.wait_for(lambda screen: "fib(n - 2" in screen and " text" in screen)
    await helix.desk.until(lambda: helix.wire.settled(MENU), "all is answered")
    assert len(helix.desk.codestral.requests) == called
    await helix.accept("fib(n - 2)")
    await helix.saved(path, f"{FIB}{WHOLE}\n".encode())
    await helix.quit()


async def test_a_fast_typist_makes_one_call(helix: Helix) -> None:
    helix.desk.codestral.answer = writes(WHOLE)
    await helix.open(helix.desk.file("demo.py", "def fib(n):\n"), line=1)
    for letter in "\nreturn fib(n - 1) + f":
        helix.terminal.type(letter)
    await helix.terminal.wait_for("fib(n - 2) text")
    await helix.desk.until(lambda: helix.wire.settled(MENU), "all is answered")
    # Helix may ask once before the first key, about the colon
    burst = [request for request in helix.desk.codestral.requests if "\n" in request.body["prompt"]]
    assert len(burst) == 1
    await helix.quit()


async def test_an_answer_that_comes_late_fits_what_was_typed_since(helix: Helix) -> None:
    """Helix asks nothing more while a word goes on, and takes nothing back: the answer for ``r`` is all it gets."""
    gate = asyncio.Event()
    helix.desk.codestral.answer = writes()  # for what Helix asks by itself when it opens the file
    path = helix.desk.file("demo.py", FIB.rstrip(" ") + "\n")
    await helix.open(path, line=4)
    helix.desk.codestral.behaviour = Behaviour(gate=gate)
    helix.desk.codestral.answer = writes(WHOLE)
    before = len(helix.desk.codestral.requests)
    helix.terminal.type("    re")
    await helix.desk.until(lambda: len(helix.desk.codestral.requests) > before, "the back end is asked")
    helix.terminal.type("turn")
    await helix.terminal.wait_for("    return")
    gate.set()
    await helix.accept(WHOLE)
    await helix.saved(path, f"{FIB}{WHOLE}\n".encode())
    await helix.quit()


async def test_an_empty_answer_leaves_nothing_on_the_screen(helix: Helix) -> None:
    await _with_menu(helix)
    helix.desk.codestral.answer = writes()
    await helix.asked("ained = 1 ")
    await helix.terminal.wait_for(lambda screen: screen.splitlines()[3].rstrip().endswith("    retained = 1"))
    screen = await helix.terminal.wait_for("retained = 1", "fib(n - 1)", " text")
    assert [line.split() for line in screen.splitlines()[4:-2]] == [["~"], *[[]] * (len(screen.splitlines()) - 7)]
    await helix.quit()


@pytest.mark.parametrize(
    "before", ["", "x = 1; ", "x = 1\n\n", "é = '🎉'; "], ids=["empty", "one line", "blank", "emoji"]
)
async def test_nothing_reaches_past_the_end_of_the_file(helix: Helix, before: str) -> None:
    typed, rest = "for item in items:", "\n    print(item)"
    helix.desk.codestral.answer = writes(before.rpartition("\n")[2] + typed + rest)
    path = helix.desk.file("demo.py", before)
    await helix.open(path, line=before.count("\n") or 1)
    helix.terminal.type(typed)
    await helix.accept("print(item)")
    text = before.removesuffix("\n") + typed
    await helix.saved(path, f"{text}{rest}\n".encode())
    lines = text.split("\n")
    for reply in helix.wire.replies(MENU):
        for item in reply["result"]["items"]:
            for place in item["textEdit"]["range"].values():
                assert place["line"] < len(lines)
                assert place["character"] <= len(lines[place["line"]].encode())
    await helix.quit()


_OTHER = """
import sys
from lsprotocol import types
from pygls.lsp.server import LanguageServer

server = LanguageServer("other", "1")

@server.feature(types.TEXT_DOCUMENT_COMPLETION)
def complete(params):
    return [types.CompletionItem(label="retry_later"), types.CompletionItem(label="retrieve")]

server.start_io()
"""


async def test_beside_another_server_both_are_in_the_menu(desk: Desk) -> None:
    """With the file as it is in the repository, but for the name of the other server."""
    script = desk.folder / "other.py"
    script.write_text(_OTHER)
    other = f'[language-server.other]\ncommand = "{sys.executable}"\nargs = ["{script}"]\n'
    servers = next(each for each in tomllib.loads(SHIPPED)["language"] if each["name"] == "python")["language-servers"]
    line = "language-servers = [" + ", ".join(f'"{name}"' for name in servers) + "]"
    assert line in SHIPPED
    helix = Helix(desk, SHIPPED.replace(line, 'language-servers = ["other", "fim-lsp"]') + other)
    path = await _with_menu(helix)
    await helix.terminal.wait_for(lambda screen: "retry_later" in screen and "retrieve" in screen and WHOLE in screen)
    await helix.accept(WHOLE)
    helix.terminal.keys("Escape")
    await helix.terminal.wait_for(" NOR ")
    helix.terminal.type("oretr")
    await helix.terminal.wait_for("retrieve")
    await helix.saved(path, f"{FIB}{WHOLE}\n    retr\n".encode())
    await helix.quit()


async def test_the_file_in_the_repository_works_as_it_is(desk: Desk) -> None:
    helix = Helix(desk, SHIPPED)
    await _with_menu(helix)
    await helix.quit()


async def test_settings_stand_in_languages_toml(desk: Desk) -> None:
    helix = Helix(desk, _alone("config = { max_tokens = 17, temperature = 0.5 }"))
    await _with_menu(helix)
    assert [helix.wire.sent("initialize")[0]["params"]["initializationOptions"]] == [
        {"max_tokens": 17, "temperature": 0.5}
    ]
    body = desk.codestral.requests[0].body
    assert (body["max_tokens"], body["temperature"]) == (17, 0.5)
    await helix.quit()


_REFUSALS = {
    "refuses the key (401)": Behaviour(status=401, raw=b'{"detail":"Unauthorized"}'),
    "(429)": Behaviour(status=429, raw=b'{"message":"Requests rate limit exceeded"}', headers={"Retry-After": "60"}),
    "nothing listens there": Behaviour(),
}


@pytest.mark.parametrize("trouble", _REFUSALS)
async def test_trouble_is_told_once_and_never_in_the_way(helix: Helix, trouble: str) -> None:
    desk = helix.desk
    if trouble == "nothing listens there":
        desk.settings["base_url"] = "http://127.0.0.1:9"  # the discard port, where nothing listens
    desk.codestral.behaviour = _REFUSALS[trouble]
    path = desk.file("demo.py", FIB.rstrip(" ") + "\n")
    await helix.open(path, line=4)
    helix.terminal.type("alpha = ")
    await desk.until(helix.messages, "it is told")  # the next key takes it off the screen
    assert trouble in helix.messages()[0]
    for word in ("beta ", "+ gamma ", "+ delta ", "+ epsilon "):
        await helix.asked(word)
        await helix.terminal.wait_for(word.strip(), " text")
    assert len(helix.messages()) == 1
    await helix.saved(path, f"{FIB.rstrip(' ')}alpha = beta + gamma + delta + epsilon \n".encode())
    await helix.quit()


async def test_killing_the_editor_leaves_no_server(helix: Helix) -> None:
    await _with_menu(helix)
    helix.terminal.kill("hx")
    await helix.terminal.ended()
