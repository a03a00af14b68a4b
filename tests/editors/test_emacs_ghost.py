"""Ghost text in Emacs: after Tab, in few colours, beside a menu, in keyboard macros, and while an answer is awaited."""

from __future__ import annotations

import asyncio

import pytest

from tests.editors.cases import BEFORE, GHOST, SUGGESTED
from tests.editors.emacs import ALONE, Emacs
from tests.editors.programs import EDITORS
from tests.editors.sandbox import Sandbox, writes
from tests.editors.wire import EXECUTE, INLINE
from tests.fakes.codestral import Behaviour


async def test_after_tab_the_next_piece_follows_and_256_colours_show_it_in_grey(sandbox: Sandbox) -> None:
    """What is left of a long suggestion after typing along looks like a paste; the server is told what it was."""
    emacs = Emacs(sandbox, env={"COLORTERM": ""})
    whole = "return first_number_of_all(n - 1) + second_number_of_all(n - 2)"
    start = writes(whole)
    sandbox.codestral.answer = lambda body: "  # next" if body["prompt"].endswith(whole) else start(body)
    path = sandbox.file("demo.py", BEFORE + "\n")
    await emacs.open(path, line=4)
    emacs.terminal.type("ret")
    await emacs.terminal.wait_for(whole)
    assert "ret\x1b[38;5;244murn first_number" in emacs.terminal.coloured()
    for letter in "urn fi":
        emacs.terminal.type(letter)
    emacs.terminal.keys("Tab")
    await emacs.terminal.wait_for(f"{whole}  # next")
    assert len(sandbox.codestral.requests) == 2
    assert [message["params"]["command"] for message in emacs.wire.sent(EXECUTE)] == ["fim-lsp.accepted"]
    emacs.terminal.keys("Tab")
    await emacs.save_as(path, f"{BEFORE}{whole}  # next\n".encode())
    await emacs.quit()


_MENU = """
(defun words ()
  (when-let* ((word (bounds-of-thing-at-point 'symbol)))
    (list (car word) (cdr word) '("retain" "retry"))))
(add-hook 'python-mode-hook (lambda () (setq-local completion-at-point-functions '(words))))
"""
MENUS = {
    "company": "(require 'company)\n(setq company-backends '(company-capf) company-idle-delay nil)\n"
    '(global-company-mode)\n(keymap-global-set "C-c m" #\'company-manual-begin)\n',
    "corfu": "(require 'corfu)\n(global-corfu-mode)\n(keymap-global-set \"C-c m\" #'completion-at-point)\n"
    "(setq tty-menu-open-use-tmm t)\n",
}


@pytest.mark.parametrize("menu", MENUS)
async def test_ghost_text_hides_while_a_menu_is_open_and_returns(sandbox: Sandbox, menu: str) -> None:
    packages = EDITORS / "usr" / "share" / "emacs" / "site-lisp" / "elpa-src"
    paths = "".join(f'(add-to-list \'load-path "{path}")\n' for path in packages.glob("co*-*"))
    emacs = Emacs(sandbox, paths + ALONE + _MENU + MENUS[menu])
    path = await emacs.open_with_suggestion()
    emacs.terminal.keys("C-c", "m")
    await emacs.terminal.wait_for("retry", GHOST)
    emacs.terminal.keys("C-g")
    await emacs.terminal.wait_for(SUGGESTED, "retry")
    emacs.terminal.keys("Tab")
    await emacs.save_as(path, f"{BEFORE}{SUGGESTED}\n".encode())
    assert len(sandbox.codestral.requests) == 1
    await emacs.quit()


async def test_keyboard_macros_have_no_ghost_text_and_waiting_is_shown(sandbox: Sandbox) -> None:
    emacs = Emacs(sandbox)
    gate = asyncio.Event()
    sandbox.codestral.behaviour = Behaviour(gate=gate)
    sandbox.codestral.answer = writes("value = compute(1)", "done = compute(2)")
    path = sandbox.file("demo.py", "\n\n\n")
    await emacs.open(path)
    emacs.terminal.keys("C-x", "(")
    emacs.terminal.type("value")
    emacs.terminal.keys("C-n", "C-a", "C-x", ")")
    await emacs.terminal.wait_for("Keyboard macro defined")
    emacs.terminal.keys("C-x", "e")
    await emacs.terminal.wait_for(lambda screen: screen.count("value") == 2)
    assert not emacs.wire.sent(INLINE)
    emacs.terminal.type("done")
    await emacs.terminal.wait_for("fim…")
    gate.set()
    await emacs.terminal.wait_for("done = compute(2)", "fim…")
    emacs.terminal.keys("Tab")
    await emacs.save_as(path, b"value\nvalue\ndone = compute(2)\n")
    await emacs.quit()


async def test_a_rejected_key_is_shown_again_and_a_click_explains(sandbox: Sandbox) -> None:
    emacs = Emacs(sandbox, f"{ALONE}(xterm-mouse-mode 1)\n")
    sandbox.codestral.behaviour = Behaviour(status=401, raw=b'{"detail":"Unauthorized"}')
    await emacs.open(sandbox.file("demo.py", "\n"))
    emacs.terminal.type("alpha = ")
    await emacs.terminal.wait_for("refuses the key (401)")
    emacs.terminal.type("b")
    await emacs.terminal.wait_for("alpha = b", "refuses the key")
    screen = await emacs.terminal.wait_for("refuses the key (401)")
    assert len(emacs.wire.notices()) == 1
    row, line = next((row, line) for row, line in enumerate(screen.splitlines()) if "fim!" in line)
    place = f"0;{line.index('fim!') + 1};{row + 1}"
    emacs.terminal.type(f"\x1b[<{place}M\x1b[<{place}m")
    await emacs.terminal.wait_for("*fim-lsp*")
    await emacs.terminal.wait_for("demo.py:1:")
    await emacs.quit()
