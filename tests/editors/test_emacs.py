"""Emacs with the package, in a terminal: by itself, beside eglot's server, and with lsp-mode."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence

import pytest

from tests.editors.cases import BEFORE, GHOST, SUGGESTED
from tests.editors.emacs import ALONE, PACKAGE, WAYS, Emacs
from tests.editors.picture import picture
from tests.editors.sandbox import Sandbox, ideas, writes
from tests.editors.wire import EXECUTE, MENU, OPENED
from tests.fakes.codestral import Behaviour


@pytest.fixture
def emacs(sandbox: Sandbox) -> Emacs:
    """Emacs with two lines of set-up."""
    return Emacs(sandbox)


async def test_tab_right_after_a_key_repeats_nothing(emacs: Emacs) -> None:
    path = await emacs.open_with_suggestion()
    emacs.terminal.type("urn f\t  # done")
    await emacs.terminal.wait_for(f"{SUGGESTED}  # done")
    await emacs.save_as(path, f"{BEFORE}{SUGGESTED}  # done\n".encode())
    await emacs.quit()


async def test_without_ghost_tab_does_what_it_did_before(emacs: Emacs) -> None:
    path = await emacs.open_with_suggestion(name="demo.txt")
    emacs.terminal.type("ry\tagain")
    await emacs.terminal.wait_for("again", "fib(n - 1)")
    await emacs.save()
    await emacs.sandbox.until(lambda: path.read_bytes() != f"{BEFORE}\n".encode(), "the file to be saved")
    assert re.fullmatch(rb"    retry\s+again", path.read_bytes().splitlines()[3])
    await emacs.quit()


async def test_word_then_line_then_dismiss(emacs: Emacs) -> None:
    text = "first(a.b) + second"
    path = await emacs.open_with_suggestion(suggested=f"return {text}")
    taken = "    ret"
    for word, key in (("urn", "M-f"), (" first", "M-Right"), ("(", "M-f"), ("a", "M-f")):
        emacs.terminal.keys(key)
        taken += word
        await emacs.wait_for_cursor_after(taken)
        await emacs.terminal.wait_for(text)
    emacs.terminal.keys("C-g")
    await emacs.terminal.wait_for(lambda screen: screen.splitlines()[4].rstrip() == "    return first(a")
    emacs.terminal.type(".")
    await emacs.terminal.wait_for(text)
    assert len(emacs.codestral.requests) == 1
    emacs.terminal.keys("M-e")
    await emacs.save_as(path, f"{BEFORE}return {text}\n".encode())
    await emacs.quit()


async def test_lines_are_accepted_one_by_one_between_what_is_there(emacs: Emacs) -> None:
    wants = "for side in shape:\n        log(side)\n        return shape.width"
    emacs.codestral.answer = writes(wants)
    path = emacs.sandbox.file("demo.py", "def area(shape):\n    \n\n\nprint(1)\n")
    await emacs.open(path, line=2)
    emacs.terminal.type("for side in shape:")
    await emacs.terminal.wait_for("return shape.width")
    for line, key in enumerate(("M-e", "M-Down")):
        emacs.terminal.keys(key)
        await emacs.terminal.wait_for(lambda _, at=3 + line: emacs.terminal.cursor()[1] == at)
    await emacs.save_as(path, f"def area(shape):\n    {wants}\n\n\nprint(1)\n".encode())
    await emacs.quit()


async def test_one_undo_takes_back_what_was_accepted_and_no_more(emacs: Emacs) -> None:
    path = await emacs.open_with_suggestion()
    emacs.terminal.keys("Tab", "C-_")
    await emacs.save_as(path, f"{BEFORE}ret\n".encode())
    await emacs.quit()


async def test_brackets_that_are_paired_are_not_written_twice(sandbox: Sandbox) -> None:
    emacs = Emacs(sandbox, f"{ALONE}(electric-pair-mode 1)\n")
    whole = 'call(one, ["two"])'
    sandbox.codestral.answer = writes(whole)
    path = sandbox.file("demo.py", "\n")
    await emacs.open(path)
    emacs.terminal.type("cal")
    await emacs.terminal.wait_for(whole)
    emacs.terminal.type("l(on")
    await emacs.terminal.wait_for(lambda _: emacs.terminal.cursor()[0] == len("call(on"))
    await emacs.terminal.wait_for(lambda screen: f"{whole} " in screen.replace("\n", " "), f"{whole})")
    emacs.terminal.keys("Tab")
    await emacs.save_as(path, f"{whole}\n".encode())
    await emacs.quit()


async def test_moving_away_hides_the_ghost_text_and_cancels_the_request(emacs: Emacs) -> None:
    await emacs.open_with_suggestion()
    emacs.terminal.keys("C-a")
    await emacs.terminal.wait_for("    ret", GHOST)
    emacs.codestral.behaviour = Behaviour(stall_after=0)
    emacs.terminal.keys("C-e")
    emacs.terminal.type(" x")
    await emacs.sandbox.until(lambda: len(emacs.codestral.requests) == 2, "a request")
    emacs.terminal.keys("C-a")
    await emacs.sandbox.until(lambda: emacs.wire.sent("$/cancelRequest"), "the cancellation")
    await emacs.all_answered()
    await emacs.quit()


async def test_other_windows_and_the_minibuffer_show_no_ghost(emacs: Emacs) -> None:
    await emacs.open_with_suggestion()
    emacs.terminal.keys("M-x")
    await emacs.terminal.wait_for("M-x", GHOST)
    emacs.terminal.keys("C-g")
    await emacs.terminal.wait_for(lambda screen: "M-x" not in screen)
    emacs.terminal.type("u")
    await emacs.terminal.wait_for(SUGGESTED)
    emacs.terminal.keys("C-x", "3")
    await emacs.terminal.wait_for(lambda screen: screen.count("retu") >= 2 and screen.count("fib(n - 2)") <= 1)
    await emacs.quit()


async def test_a_renamed_file_is_opened_again_with_its_new_language(emacs: Emacs) -> None:
    await emacs.open_with_suggestion(name="demo.py")
    emacs.terminal.keys("C-x", "C-w")
    emacs.terminal.type("other.txt\n")
    wire = emacs.wire
    await emacs.sandbox.until(
        lambda: wire.sent(OPENED)[-1]["params"]["textDocument"]["languageId"] == "text",
        "the file to be opened again",
    )
    opened = wire.opened()
    closed = [each["params"]["textDocument"]["uri"] for each in wire.sent("textDocument/didClose")]
    assert opened[-1].endswith("/other.txt")
    assert sorted(closed) == sorted(opened[:-1])
    await emacs.quit()


async def test_after_any_edit_the_server_has_the_text_of_the_buffer(emacs: Emacs) -> None:
    """Edits by commands that change much at once, and text that Unicode lacks; then the prompt is the buffer's text."""
    path = emacs.sandbox.file("demo.py", "x = 1\n" * 5 + "# 🎉é\n" + "def f():\n    pass\n" * 3)
    await emacs.open(path)
    emacs.terminal.keys("M-<")
    for keys in (["C-k", "C-k"], ["M-5", "C-t"], ["C-n", "C-Space", "C-n", "C-n", "C-w"], ["C-y"], ["C-_"], ["M->"]):
        emacs.terminal.keys(*keys)
    emacs.terminal.keys("M-<", "M-%")
    emacs.terminal.type("pass\nreturn\n!")
    emacs.terminal.keys("M->")
    emacs.terminal.keys("C-q", "3", "7", "7", "Enter")  # ÿ
    emacs.terminal.type("value = ")
    await emacs.terminal.wait_for("value = ")
    await emacs.sandbox.until(lambda: emacs.codestral.requests, "a request")
    await emacs.all_answered()
    await emacs.save()
    await emacs.sandbox.until(lambda: b"value = " in path.read_bytes(), "the file to be saved")
    prompt = emacs.codestral.requests[-1].body["prompt"]
    assert prompt.endswith(path.read_bytes().decode().removesuffix("\n"))
    await emacs.quit()


async def test_the_mode_line_shows_the_state(sandbox: Sandbox) -> None:
    config = """
(defun state (name)
  (interactive "sState: ")
  (fim-lsp-client--notification nil 'fim-lsp/status (list :state name :reason "no key" :backend "codestral")))
"""
    emacs = Emacs(sandbox, ALONE + config)
    await emacs.open(sandbox.file("demo.py", "x = \n"))
    await sandbox.until(lambda: sandbox.wire.received("fim-lsp/status"), "the server's own state")
    await emacs.terminal.wait_for(" fim ")
    for state, mark in (("failing", "!"), ("offline", "?"), ("limited", "~"), ("disabled", "-"), ("snoozed", "z")):
        emacs.terminal.keys("M-x")
        emacs.terminal.type(f"state\n{state}\n")
        await emacs.terminal.wait_for(f" fim{mark} ")
    await emacs.quit()


async def test_commands_say_what_has_changed(emacs: Emacs) -> None:
    await emacs.open_with_suggestion()
    for command, said in (
        ("fim-lsp-toggle", "ghost text is off in demo.py"),
        ("fim-lsp-toggle-language", "off for python"),
        ("fim-lsp-toggle-language", "on for python"),
        ("fim-lsp-snooze\n5", "Snoozed until"),
        ("fim-lsp-snooze\n0", "Suggestions are on"),
        ("fim-lsp-clear-cache", "forgotten"),
    ):
        emacs.terminal.keys("M-x")
        emacs.terminal.type(f"{command}\n")
        await emacs.terminal.wait_for(said)
    await emacs.quit()


async def test_other_suggestions_are_asked_for_when_cycled_to(emacs: Emacs) -> None:
    path = await emacs.open_with_suggestion()
    emacs.codestral.answer = writes(SUGGESTED)
    emacs.terminal.keys("M-n")
    await emacs.terminal.wait_for("no other suggestion here")
    emacs.codestral.answer = ideas("total = 1", "total = two()", "total = 3")
    emacs.terminal.type(f"{SUGGESTED[3:]}\ntotal")
    await emacs.terminal.wait_for("total = 1")
    emacs.terminal.keys("M-n")
    await emacs.terminal.wait_for("total = two()")
    for key, shown in (("M-n", "3"), ("M-n", "1"), ("M-p", "3"), ("M-p", "two()")):
        emacs.terminal.keys(key)
        await emacs.terminal.wait_for(f"total = {shown}")
        await emacs.terminal.wait_for("of 3")
    emacs.terminal.type(" = t")
    await emacs.terminal.wait_for("total = two()")
    emacs.terminal.keys("Tab")
    await emacs.save_as(path, f"{BEFORE}{SUGGESTED}\ntotal = two()\n".encode())
    await emacs.quit()


@pytest.mark.parametrize("way", ["alone", "lsp-mode"])
async def test_settings_reach_the_server_and_what_it_explains_is_shown_in_a_window(sandbox: Sandbox, way: str) -> None:
    settings = '\'((max_tokens . 33) (exclude "*.secret") (model . :null) (stream . :false))'
    emacs = Emacs(sandbox, f"(setq fim-lsp-settings {settings})\n{WAYS[way]}")
    await emacs.open_with_suggestion()
    sent = sandbox.wire.sent("initialize")[0]["params"]["initializationOptions"]
    assert sent == {"max_tokens": 33, "exclude": ["*.secret"], "model": None, "stream": False}
    assert sandbox.codestral.requests[-1].body["max_tokens"] == 33
    for count, command in enumerate(("why", "doctor", "stats"), start=1):
        emacs.terminal.keys("M-x")
        emacs.terminal.type(f"fim-lsp-{command}\n")
        await emacs.sandbox.until(lambda at=count: len(emacs.wire.replies(EXECUTE)) == at, "the answer")
        answer = emacs.wire.replies(EXECUTE)[-1]["result"]
        line = " ".join((answer[0] if command == "why" else answer["lines"][0]).split())
        await emacs.terminal.wait_for(
            lambda screen, part=line[:60]: part in " ".join(screen.split()) and "*fim-lsp*" in screen
        )
        emacs.terminal.keys("C-x", "1")
        await emacs.terminal.wait_for("demo.py", "*fim-lsp*")
    await emacs.quit()


async def test_the_server_learns_how_much_was_accepted(emacs: Emacs) -> None:
    path = await emacs.open_with_suggestion(suggested='return "🎉" + second')
    for key in ("M-f", "M-f", "M-f", "M-e"):
        emacs.terminal.keys(key)
    await emacs.save_as(path, f'{BEFORE}return "🎉" + second\n'.encode())
    sent = [message["params"] for message in emacs.wire.sent(EXECUTE)]
    assert [params["command"] for params in sent] == [*["fim-lsp.acceptedPart"] * 3, "fim-lsp.accepted"]
    number = sent[-1]["arguments"][0]
    assert [params["arguments"] for params in sent[:-1]] == [[number, length] for length in (3, 8, 10)]
    await emacs.quit()


async def test_a_missing_server_is_reported_once(sandbox: Sandbox) -> None:
    emacs = Emacs(sandbox, f'{ALONE}(setq fim-lsp-command \'("no-such-fim-lsp"))\n')
    path = sandbox.file("demo.py", "\n")
    emacs.start(path)
    await emacs.terminal.wait_for("`no-such-fim-lsp' was not found")
    emacs.terminal.type("x = 1")
    await emacs.terminal.wait_for("x = 1")
    await emacs.save_as(path, b"x = 1\n")
    emacs.terminal.keys("C-c", "q")
    await emacs.terminal.ended()
    assert emacs.log.read_text().count("was not found") == 1
    assert emacs.errors() == []


async def test_an_encrypted_file_and_a_buffer_without_a_file_are_not_sent(sandbox: Sandbox) -> None:
    emacs = Emacs(sandbox, f"{ALONE}(auto-encryption-mode -1)\n")
    await emacs.open(sandbox.file("demo.py", "\n"))
    for name in ("secrets.txt.gpg", "plain.txt"):
        emacs.terminal.keys("C-x", "C-f")
        emacs.terminal.type(f"{name}\n")
        await emacs.terminal.wait_for(lambda screen, name=name: re.search(rf"F1 +{re.escape(name)} ", screen))
        emacs.terminal.type("value")
    emacs.terminal.keys("C-x", "b")
    emacs.terminal.type("scratch.txt\n")
    await emacs.terminal.wait_for(lambda screen: re.search(r"F1 +scratch.txt ", screen))
    await sandbox.until(lambda: len(sandbox.wire.opened()) == 2, "the plain file to be opened")
    assert [uri.rpartition("/")[2] for uri in sandbox.wire.opened()] == ["demo.py", "plain.txt"]
    await emacs.quit()


def _blocks() -> Sequence[str]:
    """The pieces of code in the package's README."""
    return re.findall(r"```elisp\n(.*?)```", (PACKAGE / "README.md").read_text(), re.DOTALL)


async def test_completion_preview_shows_it_without_our_package(sandbox: Sandbox) -> None:
    emacs = Emacs(sandbox, next(block for block in _blocks() if "completion-preview-mode" in block))
    path = await emacs.open_with_suggestion(typed="retu")
    assert sandbox.wire.sent(MENU)
    emacs.terminal.keys("Tab")
    await emacs.save_as(path, f"{BEFORE}{SUGGESTED}\n".encode())
    await emacs.quit()


_WORDS = """
(defun words ()
  (when-let* ((word (bounds-of-thing-at-point 'symbol)))
    (list (car word) (cdr word) '("returned_values"))))
(add-hook 'python-mode-hook (lambda ()
  (setq-local completion-at-point-functions '(words))
  (completion-preview-mode)))
"""


async def test_ghost_text_replaces_the_preview_of_a_completion(sandbox: Sandbox) -> None:
    emacs = Emacs(sandbox, ALONE + _WORDS)
    gate = asyncio.Event()
    sandbox.codestral.behaviour = Behaviour(gate=gate)
    sandbox.codestral.answer = writes("returning = retrieve")
    path = sandbox.file("demo.py", "\n")
    await emacs.open(path)
    emacs.terminal.type("return")
    await emacs.terminal.wait_for("returned_values")
    gate.set()
    await emacs.terminal.wait_for("returning = retrieve", "ed_values")
    emacs.terminal.keys("Tab")
    await emacs.save_as(path, b"returning = retrieve\n")
    await emacs.quit()


async def test_the_snippet_and_the_picture_of_the_readme(sandbox: Sandbox) -> None:
    snippet = (PACKAGE / "init.el").read_text().replace("/path/to/fim-lsp/editors/emacs", str(PACKAGE))
    emacs = Emacs(sandbox, f"{snippet}(menu-bar-mode -1)\n")
    area = "def area(shape):\n    if shape.kind == 'circle':\n        return math.pi * shape.radius ** 2\n"
    rest = "    if shape.kind == 'square':\n        side = shape.side\n        return side ** 2"
    emacs.codestral.answer = writes(rest)
    path = sandbox.file("shapes.py", f"import math\n\n\n{area}    \n\n\nprint(area(Circle(1)))\n")
    await emacs.open(path, line=7)
    emacs.terminal.type("if shape.kind == 'square':")
    await emacs.terminal.wait_for("return side ** 2")
    picture(emacs.terminal, PACKAGE / "ghost.svg", rows=14)
    emacs.terminal.keys("Tab")
    await emacs.save_as(path, f"import math\n\n\n{area}{rest}\n\n\nprint(area(Circle(1)))\n".encode())
    await emacs.quit()
