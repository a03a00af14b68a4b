"""Emacs with the package, in a terminal: by itself, beside eglot's server, and with lsp-mode."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.editors.cases import ACCEPTED, Case
from tests.editors.desk import Desk, writes
from tests.editors.picture import picture, render
from tests.editors.programs import ROOT, program
from tests.editors.wire import INLINE, MENU
from tests.fakes.codestral import Behaviour

PACKAGE = ROOT / "editors" / "emacs"
_PICTURES = os.environ.get("FIM_LSP_TEST_PICTURES")  # a folder; tests themselves run without FIM_LSP_ variables
_QUIET = f"""
;; -*- lexical-binding: t -*-
(setq inhibit-startup-screen t make-backup-files nil auto-save-default nil create-lockfiles nil
      indent-tabs-mode nil native-comp-jit-compilation nil native-comp-enable-subr-trampolines nil
      auto-save-list-file-prefix nil xterm-extra-capabilities nil)
(add-to-list 'auto-mode-alist '("\\\\.go\\\\'" . prog-mode))
(add-to-list 'load-path "{PACKAGE}")
(keymap-global-set "C-c q" #'kill-emacs)
(defun dump ()
  (let ((coding-system-for-write 'utf-8-emacs))
    (with-temp-file "~/messages.log"
      (dolist (name '("*Messages*" "*Warnings*" "*lsp-log*"))
        (when (get-buffer name) (insert-buffer-substring name))))))
(add-hook 'kill-emacs-hook #'dump 100)
(keymap-global-set "C-c d" #'dump)
"""
_ALONE = "(require 'fim-lsp)\n(fim-lsp-setup)\n"
# Some server that is eglot's: ours, by another name and without a menu.
_EGLOT = f"""
(require 'eglot)
(setq eglot-autoshutdown t eglot-sync-connect nil)
(dolist (mode '(python-mode text-mode prog-mode))
  (add-to-list 'eglot-server-programs `(,mode "{sys.executable}" "-m" "fim_lsp" :initializationOptions (:menu "never"))))
(setenv "PYTHONPATH" "{ROOT}")
(add-hook 'prog-mode-hook #'eglot-ensure)
"""
# What a package manager's autoloads do is required here.
_LSP_MODE = """
(dolist (feature '(lsp-mode lsp-lens lsp-modeline lsp-headerline lsp-diagnostics lsp-completion lsp-inline-completion
                   lsp-icons lsp-semantic-tokens))
  (require feature))
(setq lsp-auto-guess-root t lsp-warn-no-matched-clients nil lsp-enable-suggest-server-download nil
      lsp-client-packages nil lsp-enable-snippet nil lsp-keep-workspace-alive nil lsp-headerline-breadcrumb-enable nil)
(add-hook 'prog-mode-hook #'lsp)
(require 'fim-lsp)
(fim-lsp-setup 'lsp-mode)
"""
_WAYS = {"alone": _ALONE, "beside eglot": _ALONE + _EGLOT, "lsp-mode": _LSP_MODE}


class Emacs:
    """The editor on a desk."""

    def __init__(self, desk: Desk, config: str = _ALONE) -> None:
        self.desk, self.terminal = desk, desk.terminal
        self.ours = "(fim-lsp-setup)" in config  # whether the connection is our package's
        init = desk.home / ".config" / "emacs" / "init.el"
        init.parent.mkdir(parents=True)
        init.write_text(_QUIET.lstrip() + config)
        self.log = desk.home / "messages.log"
        desk.logs.append(self.log)
        self.executable = program("emacs")

    def start(self, path: Path, *, line: int = 1, column: int | None = None) -> None:
        """Start the editor on a file. ``column`` counts characters, from 1; None is the end of the line."""
        self.desk.install()
        place = [] if column else ["--eval", "(end-of-line)"]
        self.terminal.start(self.executable, f"+{line}:{column or 1}", path.name, *place, folder=path.parent)

    async def open(self, path: Path, *, line: int = 1, column: int | None = None) -> None:
        """Start the editor on a file, and wait until the server has the file."""
        self.start(path, line=line, column=column)
        await self.desk.until(lambda: self.desk.wire.sent("textDocument/didOpen"), "the server has the file")

    async def open_at(self, case: Case) -> Path:
        """Start the editor at a case's cursor."""
        path = self.desk.file(case.file, case.content)
        column = None if case.at_end_of_line else len(case.line_before) + 1
        await self.open(path, line=case.line, column=column)
        return path

    def save(self) -> None:
        """Write the file."""
        self.terminal.keys("C-x", "C-s")

    def messages(self) -> Sequence[str]:
        """What the server said to the user."""
        return [each["params"]["message"] for each in self.desk.wire.received("window/showMessage")]

    def errors(self) -> list[str]:
        """What the editor has logged of errors and warnings."""
        bad = re.compile(r"\berror\b|warning|wrong type|void|deleting it", re.IGNORECASE)
        told = [*self.messages(), "Warning: Lisp directory"]  # an Emacs that was moved says so
        told += ["Pattern t is deprecated"]  # lsp-mode, where it isn't compiled
        lines = self.log.read_text(errors="replace").splitlines()
        return [line for line in lines if bad.search(line) and not any(message in line for message in told)]

    async def quit(self) -> None:
        """Leave the editor; nothing may stay behind, no error be in its log, and the server end well."""
        self.terminal.keys("C-c", "q")
        await self.terminal.ended()
        assert self.desk.wire.exits() == ([0] if self.ours else [])  # lsp-mode and eglot leave it to the system
        assert self.errors() == []


@pytest.fixture
def emacs(desk: Desk) -> Emacs:
    """Emacs with two lines of set-up."""
    return Emacs(desk)


@pytest.fixture(params=_WAYS)
def any_emacs(desk: Desk, request: pytest.FixtureRequest) -> Emacs:
    """Emacs in each way to use it."""
    return Emacs(desk, _WAYS[request.param])


FIB = "def fib(n):\n    if n < 2:\n        return n\n    "
GHOST = "fib(n - 1) + fib(n - 2)"
WHOLE = f"return {GHOST}"


async def _with_ghost(emacs: Emacs, *, name: str = "demo.py", typed: str = "ret", whole: str = WHOLE) -> Path:
    """Open a file and type until the ghost is there."""
    emacs.desk.codestral.answer = writes(whole)
    path = emacs.desk.file(name, FIB + "\n")
    await emacs.open(path, line=4)
    emacs.terminal.type(typed)
    await emacs.terminal.wait_for(whole)
    return path


@pytest.mark.parametrize("case", ACCEPTED, ids=lambda case: case.name)
async def test_tab_puts_exactly_the_right_text_into_the_file(any_emacs: Emacs, case: Case) -> None:
    any_emacs.desk.codestral.answer = writes(case.wants)
    path = await any_emacs.open_at(case)
    any_emacs.terminal.type(case.typed)
    await any_emacs.terminal.wait_for(case.shown, "^M")
    any_emacs.terminal.keys("Tab")
    await any_emacs.terminal.wait_for(case.shown)
    any_emacs.save()
    await any_emacs.desk.holds(path, case.expected)
    await any_emacs.quit()


async def test_typing_what_is_shown_keeps_it_and_makes_no_call(any_emacs: Emacs) -> None:
    path = await _with_ghost(any_emacs)
    asked = len(any_emacs.desk.wire.sent(INLINE))
    column, _ = any_emacs.terminal.cursor()
    for count, letter in enumerate("urn fib(n - 1)", start=1):
        any_emacs.terminal.type(letter)
        await any_emacs.terminal.wait_for(lambda _, at=column + count: any_emacs.terminal.cursor()[0] == at)
        await any_emacs.terminal.wait_for(WHOLE)
    await any_emacs.desk.until(lambda: any_emacs.desk.wire.settled(INLINE), "all is answered")
    assert len(any_emacs.desk.codestral.requests) == 1
    if any_emacs.ours:
        assert len(any_emacs.desk.wire.sent(INLINE)) == asked, "what is on the screen is not asked for"
    any_emacs.save()
    await any_emacs.desk.holds(path, f"{FIB}return fib(n - 1)\n".encode())
    await any_emacs.quit()


async def test_a_fast_typist_makes_one_call(any_emacs: Emacs) -> None:
    any_emacs.desk.codestral.answer = writes(WHOLE)
    await any_emacs.open(any_emacs.desk.file("demo.py", FIB + "\n"), line=4)
    for letter in "return fib(n - 1)":
        any_emacs.terminal.type(letter)
    await any_emacs.terminal.wait_for(WHOLE)
    await any_emacs.desk.until(lambda: any_emacs.desk.wire.settled(INLINE), "all is answered")
    assert len(any_emacs.desk.codestral.requests) == 1
    await any_emacs.quit()


async def test_an_empty_answer_leaves_nothing_on_the_screen(any_emacs: Emacs) -> None:
    await _with_ghost(any_emacs)
    before = len(any_emacs.desk.wire.sent(INLINE))
    any_emacs.terminal.type("ained = 1")
    await any_emacs.terminal.wait_for("retained = 1", "fib(n - 1)")
    await any_emacs.desk.until(
        lambda: len(any_emacs.desk.wire.sent(INLINE)) > before and any_emacs.desk.wire.settled(INLINE),
        "all is answered",
    )
    await any_emacs.terminal.wait_for(lambda screen: "retained = 1" in [line.strip() for line in screen.split("\n")])
    await any_emacs.quit()


_REFUSALS = {
    "refuses the key (401)": Behaviour(status=401, raw=b'{"detail":"Unauthorized"}'),
    "(429)": Behaviour(status=429, raw=b'{"message":"Requests rate limit exceeded"}', headers={"Retry-After": "60"}),
    "nothing listens there": Behaviour(),
}


@pytest.mark.parametrize("trouble", _REFUSALS)
async def test_trouble_is_told_once_and_never_in_the_way(any_emacs: Emacs, trouble: str) -> None:
    desk = any_emacs.desk
    if trouble == "nothing listens there":
        desk.settings["base_url"] = "http://127.0.0.1:9"  # the discard port, where nothing listens
    desk.codestral.behaviour = _REFUSALS[trouble]
    path = desk.file("demo.py", FIB + "\n")
    await any_emacs.open(path, line=4)
    any_emacs.terminal.type("alpha = ")
    await any_emacs.terminal.wait_for(lambda screen: trouble in screen.replace("\\\n", ""))
    for word in ("beta", " + gamma", " + delta", " + epsilon"):
        asked = len(desk.wire.sent(INLINE))
        any_emacs.terminal.type(word)
        await any_emacs.terminal.wait_for(word.strip())
        await desk.until(
            lambda n=asked: len(desk.wire.sent(INLINE)) > n and desk.wire.settled(INLINE), "it is answered"
        )
    assert len(any_emacs.messages()) == 1
    any_emacs.save()
    await any_emacs.terminal.wait_for(lambda screen: trouble not in screen)
    await desk.holds(path, f"{FIB}alpha = beta + gamma + delta + epsilon\n".encode())
    await any_emacs.quit()


async def test_killing_the_editor_leaves_no_server(any_emacs: Emacs) -> None:
    await _with_ghost(any_emacs)
    any_emacs.terminal.kill("emacs-nox")
    await any_emacs.terminal.ended()


async def test_tab_right_after_a_key_repeats_nothing(emacs: Emacs) -> None:
    path = await _with_ghost(emacs)
    emacs.terminal.type("urn f\t  # done")
    await emacs.terminal.wait_for(f"{WHOLE}  # done")
    emacs.save()
    await emacs.desk.holds(path, f"{FIB}{WHOLE}  # done\n".encode())
    await emacs.quit()


async def test_without_ghost_tab_does_what_it_did_before(emacs: Emacs) -> None:
    path = await _with_ghost(emacs, name="demo.txt")
    emacs.terminal.type("ry\tagain")
    await emacs.terminal.wait_for("again", "fib(n - 1)")
    emacs.save()
    await emacs.desk.until(lambda: path.read_bytes() != f"{FIB}\n".encode(), "it is saved")
    assert re.fullmatch(rb"    retry\s+again", path.read_bytes().splitlines()[3])
    await emacs.quit()


async def test_word_then_line_then_dismiss(emacs: Emacs) -> None:
    text = "first(a.b) + second"
    path = await _with_ghost(emacs, whole=f"return {text}")
    column, _ = emacs.terminal.cursor()
    for word in ("urn", " first", "(", "a"):
        emacs.terminal.keys("M-f")
        column += len(word)
        await emacs.terminal.wait_for(lambda _, at=column: emacs.terminal.cursor()[0] == at)
        await emacs.terminal.wait_for(text)
    emacs.terminal.keys("C-g")
    await emacs.terminal.wait_for(lambda screen: screen.splitlines()[4].rstrip() == "    return first(a")
    emacs.terminal.type(".")
    await emacs.terminal.wait_for(text)
    assert len(emacs.desk.codestral.requests) == 1
    emacs.terminal.keys("M-e")
    emacs.save()
    await emacs.desk.holds(path, f"{FIB}return {text}\n".encode())
    await emacs.quit()


async def test_lines_are_accepted_one_by_one_between_what_is_there(emacs: Emacs) -> None:
    wants = "for side in shape:\n        log(side)\n        return shape.width"
    emacs.desk.codestral.answer = writes(wants)
    path = emacs.desk.file("demo.py", "def area(shape):\n    \n\n\nprint(1)\n")
    await emacs.open(path, line=2)
    emacs.terminal.type("for side in shape:")
    await emacs.terminal.wait_for("return shape.width")
    for line in range(2):
        emacs.terminal.keys("M-e")
        await emacs.terminal.wait_for(lambda _, at=3 + line: emacs.terminal.cursor()[1] == at)
    emacs.save()
    await emacs.desk.holds(path, f"def area(shape):\n    {wants}\n\n\nprint(1)\n".encode())
    await emacs.quit()


async def test_one_undo_takes_back_what_was_accepted_and_no_more(emacs: Emacs) -> None:
    path = await _with_ghost(emacs)
    emacs.terminal.keys("Tab", "C-_")
    emacs.save()
    await emacs.desk.holds(path, f"{FIB}ret\n".encode())
    await emacs.quit()


async def test_brackets_that_are_paired_are_not_written_twice(desk: Desk) -> None:
    emacs = Emacs(desk, f"{_ALONE}(electric-pair-mode 1)\n")
    whole = 'call(one, ["two"])'
    desk.codestral.answer = writes(whole)
    path = desk.file("demo.py", "\n")
    await emacs.open(path)
    emacs.terminal.type("cal")
    await emacs.terminal.wait_for(whole)
    emacs.terminal.type("l(on")
    await emacs.terminal.wait_for(lambda _: emacs.terminal.cursor()[0] == len("call(on"))
    await emacs.terminal.wait_for(lambda screen: f"{whole} " in screen.replace("\n", " "), f"{whole})")
    emacs.terminal.keys("Tab")
    emacs.save()
    await desk.holds(path, f"{whole}\n".encode())
    await emacs.quit()


async def test_moving_away_takes_the_ghost_and_the_question_back(emacs: Emacs) -> None:
    await _with_ghost(emacs)
    emacs.terminal.keys("C-a")
    await emacs.terminal.wait_for("    ret", GHOST)
    emacs.desk.codestral.behaviour = Behaviour(stall_after=0)
    emacs.terminal.keys("C-e")
    emacs.terminal.type(" x")
    await emacs.desk.until(lambda: len(emacs.desk.codestral.requests) == 2, "it is asked")
    emacs.terminal.keys("C-a")
    await emacs.desk.until(lambda: emacs.desk.wire.sent("$/cancelRequest"), "it is taken back")
    await emacs.desk.until(lambda: emacs.desk.wire.settled(INLINE), "all is answered")
    await emacs.quit()


async def test_other_windows_and_the_minibuffer_show_no_ghost(emacs: Emacs) -> None:
    await _with_ghost(emacs)
    emacs.terminal.keys("M-x")
    await emacs.terminal.wait_for("M-x", GHOST)
    emacs.terminal.keys("C-g")
    await emacs.terminal.wait_for(lambda screen: "M-x" not in screen)
    emacs.terminal.type("u")
    await emacs.terminal.wait_for(WHOLE)
    emacs.terminal.keys("C-x", "3")
    await emacs.terminal.wait_for(lambda screen: screen.count("retu") >= 2 and screen.count("fib(n - 2)") <= 1)
    await emacs.quit()


async def test_a_file_by_another_name_and_mode_is_known_by_that(emacs: Emacs) -> None:
    await _with_ghost(emacs, name="demo.py")
    emacs.terminal.keys("C-x", "C-w")
    emacs.terminal.type("other.txt\n")
    wire = emacs.desk.wire
    await emacs.desk.until(
        lambda: (
            [each["params"]["textDocument"]["languageId"] for each in wire.sent("textDocument/didOpen")][-1] == "text"
        ),
        "it is opened anew",
    )
    opened = [each["params"]["textDocument"]["uri"] for each in wire.sent("textDocument/didOpen")]
    closed = [each["params"]["textDocument"]["uri"] for each in wire.sent("textDocument/didClose")]
    assert opened[-1].endswith("/other.txt")
    assert sorted(closed) == sorted(opened[:-1])
    await emacs.quit()


async def test_any_edit_leaves_the_server_with_the_text_of_the_buffer(emacs: Emacs) -> None:
    """Edits by commands that change much at once, and text that Unicode lacks; then the prompt is the buffer's text."""
    path = emacs.desk.file("demo.py", "x = 1\n" * 5 + "# 🎉é\n" + "def f():\n    pass\n" * 3)
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
    await emacs.desk.until(lambda: emacs.desk.codestral.requests, "it is asked")
    await emacs.desk.until(lambda: emacs.desk.wire.settled(INLINE), "all is answered")
    emacs.save()
    await emacs.desk.until(lambda: b"value = " in path.read_bytes(), "it is saved")
    prompt = emacs.desk.codestral.requests[-1].body["prompt"]
    assert prompt.endswith(path.read_bytes().decode().removesuffix("\n"))
    await emacs.quit()


async def test_several_suggestions_are_cycled_through_and_the_state_is_in_the_mode_line(desk: Desk) -> None:
    """Our server sends one; the display is asked for more by hand."""
    config = """
(defun offer ()
  (interactive)
  (fim-lsp-client--notification nil 'fim-lsp/status '(:state "trouble" :reason "no key" :backend "codestral"))
  (fim-lsp-ghost-offer (mapcar (lambda (text) (fim-lsp-ghost-make text (point) (point) nil)) '("one()" "two()" "six()"))))
(keymap-global-set "C-c o" #'offer)
"""
    emacs = Emacs(desk, _ALONE + config)
    path = desk.file("demo.py", "x = \n")
    await emacs.open(path)
    await desk.until(lambda: desk.wire.received("fim-lsp/status"), "the server has sent its own status")
    emacs.terminal.keys("C-c", "o")
    await emacs.terminal.wait_for("x = one()")
    await emacs.terminal.wait_for(" fim! ")
    for key, shown in (("M-n", "two"), ("M-n", "six"), ("M-n", "one"), ("M-p", "six")):
        emacs.terminal.keys(key)
        await emacs.terminal.wait_for(f"x = {shown}()")
    emacs.terminal.keys("Tab")
    emacs.save()
    await desk.holds(path, b"x = six()\n")
    await emacs.quit()


async def test_why_is_shown(emacs: Emacs) -> None:
    await _with_ghost(emacs)
    emacs.terminal.keys("M-x")
    emacs.terminal.type("fim-lsp-why\n")
    await emacs.terminal.wait_for("*fim-lsp*")
    await emacs.quit()


async def test_a_server_that_dies_is_told_once_and_started_again_by_hand(emacs: Emacs) -> None:
    path = await _with_ghost(emacs)
    for line in emacs.terminal.processes():
        if "fim_lsp" in line:
            os.kill(int(line.split()[0]), 9)
    await emacs.terminal.wait_for("the server has ended")
    emacs.terminal.type("urn")
    await emacs.terminal.wait_for("    return")
    emacs.terminal.keys("M-x")
    emacs.terminal.type("fim-lsp-restart\n")
    await emacs.desk.until(lambda: len(emacs.desk.wire.sent("textDocument/didOpen")) == 2, "it is back")
    emacs.terminal.type(" ")
    await emacs.terminal.wait_for(WHOLE)
    emacs.terminal.keys("Tab")
    emacs.save()
    await emacs.desk.holds(path, f"{FIB}{WHOLE}\n".encode())
    emacs.terminal.keys("C-c", "q")
    await emacs.terminal.ended()
    assert emacs.errors() == []


async def test_a_server_that_is_not_installed_is_told_once(desk: Desk) -> None:
    emacs = Emacs(desk, f'{_ALONE}(setq fim-lsp-command \'("no-such-fim-lsp"))\n')
    path = desk.file("demo.py", "\n")
    emacs.start(path)
    await emacs.terminal.wait_for("`no-such-fim-lsp' was not found")
    emacs.terminal.type("x = 1")
    await emacs.terminal.wait_for("x = 1")
    emacs.save()
    await desk.holds(path, b"x = 1\n")
    emacs.terminal.keys("C-c", "q")
    await emacs.terminal.ended()
    assert emacs.log.read_text().count("is not found") == 1
    assert emacs.errors() == []


async def test_an_encrypted_file_and_a_buffer_without_file_stay_here(desk: Desk) -> None:
    emacs = Emacs(desk, f"{_ALONE}(auto-encryption-mode -1)\n")
    await emacs.open(desk.file("demo.py", "\n"))
    for name in ("secrets.txt.gpg", "plain.txt"):
        emacs.terminal.keys("C-x", "C-f")
        emacs.terminal.type(f"{name}\n")
        await emacs.terminal.wait_for(lambda screen, name=name: re.search(rf"F1 +{re.escape(name)} ", screen))
        emacs.terminal.type("value")
    emacs.terminal.keys("C-x", "b")
    emacs.terminal.type("scratch.txt\n")
    await emacs.terminal.wait_for(lambda screen: re.search(r"F1 +scratch.txt ", screen))
    await desk.until(lambda: len(desk.wire.sent("textDocument/didOpen")) == 2, "the plain file is opened")
    opened = [each["params"]["textDocument"]["uri"] for each in desk.wire.sent("textDocument/didOpen")]
    assert [uri.rpartition("/")[2] for uri in opened] == ["demo.py", "plain.txt"]
    await emacs.quit()


@pytest.mark.parametrize("way", ["alone", "lsp-mode"])
async def test_settings_reach_the_server(desk: Desk, way: str) -> None:
    settings = '\'((max_tokens . 33) (exclude "*.secret") (model . :null) (stream . :false))'
    emacs = Emacs(desk, f"(setq fim-lsp-settings {settings})\n{_WAYS[way]}")
    await _with_ghost(emacs)
    sent = desk.wire.sent("initialize")[0]["params"]["initializationOptions"]
    assert sent == {"max_tokens": 33, "exclude": ["*.secret"], "model": None, "stream": False}
    assert desk.codestral.requests[-1].body["max_tokens"] == 33
    await emacs.quit()


def _blocks() -> Sequence[str]:
    """The pieces of code in the package's README."""
    return re.findall(r"```elisp\n(.*?)```", (PACKAGE / "README.md").read_text(), re.DOTALL)


async def test_completion_preview_shows_it_without_our_package(desk: Desk) -> None:
    emacs = Emacs(desk, next(block for block in _blocks() if "completion-preview-mode" in block))
    path = await _with_ghost(emacs, typed="retu")
    assert desk.wire.sent(MENU)
    emacs.terminal.keys("Tab")
    emacs.save()
    await desk.holds(path, f"{FIB}{WHOLE}\n".encode())
    await emacs.quit()


_WORDS = """
(defun words ()
  (when-let* ((word (bounds-of-thing-at-point 'symbol)))
    (list (car word) (cdr word) '("returned_values"))))
(add-hook 'python-mode-hook (lambda ()
  (setq-local completion-at-point-functions '(words))
  (completion-preview-mode)))
"""


async def test_a_preview_of_a_completion_gives_way(desk: Desk) -> None:
    emacs = Emacs(desk, _ALONE + _WORDS)
    gate = asyncio.Event()
    desk.codestral.behaviour = Behaviour(gate=gate)
    desk.codestral.answer = writes("returning = retrieve")
    path = desk.file("demo.py", "\n")
    await emacs.open(path)
    emacs.terminal.type("return")
    await emacs.terminal.wait_for("returned_values")
    gate.set()
    await emacs.terminal.wait_for("returning = retrieve", "ed_values")
    emacs.terminal.keys("Tab")
    emacs.save()
    await desk.holds(path, b"returning = retrieve\n")
    await emacs.quit()


async def test_the_snippet_of_the_readme(desk: Desk) -> None:
    snippet = (PACKAGE / "init.el").read_text().replace("/path/to/fim-lsp/editors/emacs", str(PACKAGE))
    emacs = Emacs(desk, snippet)
    path = await _with_ghost(emacs)
    emacs.terminal.keys("Tab")
    emacs.save()
    await desk.holds(path, f"{FIB}{WHOLE}\n".encode())
    await emacs.quit()


async def test_the_picture_in_the_readme(desk: Desk) -> None:
    emacs = Emacs(desk, f"{_ALONE}(menu-bar-mode -1)\n")
    area = "def area(shape):\n    if shape.kind == 'circle':\n        return math.pi * shape.radius ** 2\n"
    rest = "    if shape.kind == 'square':\n        side = shape.side\n        return side ** 2"
    emacs.desk.codestral.answer = writes(rest)
    await emacs.open(emacs.desk.file("shapes.py", f"import math\n\n\n{area}    \n\n\nprint(area(Circle(1)))\n"), line=7)
    emacs.terminal.type("if shape.kind == 'square':")
    await emacs.terminal.wait_for("return side ** 2")
    picture(emacs.terminal, PACKAGE / "ghost.svg", rows=14)
    if _PICTURES:
        svg = render(emacs.terminal.coloured(), rows=14, columns=emacs.terminal.columns, cursor=emacs.terminal.cursor())
        (Path(_PICTURES) / "emacs.svg").write_text(svg, encoding="utf-8")
    await emacs.quit()


def _batch(folder: Path, *arguments: str) -> str:
    command = [program("emacs"), "-Q", "--batch", "-L", ".", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, check=False, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def _copied(folder: Path) -> list[str]:
    files = sorted(path.name for path in PACKAGE.glob("fim-lsp*.el"))
    for name in files:
        shutil.copy(PACKAGE / name, folder)
    return files


def _place(text: str, position: dict[str, int]) -> int:
    """Where a position in UTF-32 is in a text."""
    lines = text.split("\n")
    return sum(len(line) + 1 for line in lines[: position["line"]]) + position["character"]


def test_whatever_is_edited_the_server_has_the_same_text(tmp_path: Path) -> None:
    _copied(tmp_path)
    _batch(tmp_path, "-l", str(Path(__file__).with_name("emacs_edits.el")))
    rounds = json.loads((tmp_path / "rounds.json").read_text(encoding="utf-8"))
    assert len(rounds) == 300
    assert sum(len(each["changes"]) for each in rounds) > 300
    for each in rounds:
        text = each["before"]
        for change in each["changes"]:
            if "range" in change:
                start, end = (_place(text, change["range"][side]) for side in ("start", "end"))
                text = text[:start] + change["text"] + text[end:]
            else:
                text = change["text"]
        assert text == each["after"]


def test_it_compiles_without_a_warning(tmp_path: Path) -> None:
    files = _copied(tmp_path)
    _batch(tmp_path, "--eval", "(setq byte-compile-error-on-warn t)", "-f", "batch-byte-compile", *files)


def test_checkdoc_finds_nothing(tmp_path: Path) -> None:
    found = "".join(_batch(tmp_path, "--eval", f'(checkdoc-file "{name}")') for name in _copied(tmp_path))
    assert [line for line in found.splitlines() if re.match(r"\S+\.el:\d+", line)] == []
