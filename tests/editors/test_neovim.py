"""Neovim with the plugin, in a terminal."""

from __future__ import annotations

import asyncio

import pytest

from tests.editors.cases import BEFORE, GHOST, SUGGESTED, Case
from tests.editors.neovim import PLUGIN, RUNTIMEPATH, SETUP, Neovim
from tests.editors.picture import picture
from tests.editors.sandbox import Sandbox, ideas, read, writes
from tests.editors.wire import INLINE
from tests.fakes.codestral import Behaviour


@pytest.fixture
def neovim(sandbox: Sandbox) -> Neovim:
    """Neovim with the plugin on its runtimepath and one line of setup."""
    return Neovim(sandbox)


async def test_tab_right_after_a_key_repeats_nothing_and_keys_after_it_come_after_the_text(neovim: Neovim) -> None:
    path = await neovim.open_with_suggestion()
    neovim.terminal.type("urn f\t  # done")
    await neovim.terminal.wait_for("# done")
    await neovim.save_as(path, f"{BEFORE}{SUGGESTED}  # done\n".encode())
    await neovim.quit()


async def test_tab_after_another_word_is_a_tab(neovim: Neovim) -> None:
    path = await neovim.open_with_suggestion(name="demo.txt")
    neovim.terminal.type("ry\tagain")
    await neovim.terminal.wait_for("again", "fib(n - 1)")
    await neovim.save_as(path, f"{BEFORE}retry\tagain\n".encode())
    await neovim.quit()


async def test_ghost_that_no_longer_fits_goes_at_once_and_an_empty_answer_leaves_nothing(neovim: Neovim) -> None:
    neovim.sandbox.settings["timeout"] = 600  # the answer comes when the gate opens, and not before
    await neovim.open_with_suggestion()
    gate = asyncio.Event()
    neovim.codestral.behaviour = Behaviour(gate=gate)
    neovim.terminal.type("a")
    await neovim.terminal.wait_for("    reta", "fib(n - 1)")
    await neovim.codestral.until(lambda: len(neovim.codestral.requests) == 2)
    await neovim.terminal.wait_for("    reta", "fib(n - 1)")
    gate.set()
    await neovim.all_answered()
    await neovim.terminal.wait_for(lambda screen: screen.splitlines()[3].rstrip() == "    reta")
    await neovim.quit()


async def test_word_then_line_then_dismiss(neovim: Neovim) -> None:
    text = "first(a.b) + second"
    path = await neovim.open_with_suggestion(suggested=f"return {text}")
    taken = "    ret"
    for word in ("urn", " first", "(", "a"):
        neovim.terminal.keys("M-Right")
        taken += word
        await neovim.wait_for_cursor_after(taken)
        await neovim.terminal.wait_for(text)
    neovim.terminal.keys("C-]")
    await neovim.terminal.wait_for(lambda screen: screen.splitlines()[3].rstrip() == "    return first(a")
    neovim.terminal.type(".")
    await neovim.terminal.wait_for(text)
    assert len(neovim.codestral.requests) == 1
    neovim.terminal.keys("M-Down")
    await neovim.save_as(path, f"{BEFORE}return {text}\n".encode())
    await neovim.quit()


async def test_line_by_line_costs_one_call(neovim: Neovim) -> None:
    lines = ["    if n < 0:", "        raise ValueError(n)", "    if n < 2:", "        return n"]
    neovim.codestral.answer = writes("\n".join(lines))
    path = neovim.sandbox.file("demo.py", "def fib(n):\n    \n")
    await neovim.open(path, line=2)
    neovim.terminal.type("if n < 0:")
    for row, line in enumerate(lines[1:], start=2):
        await neovim.terminal.wait_for(line)
        neovim.terminal.keys("M-Down")
        await neovim.terminal.wait_for(lambda _, end=line, at=row: neovim.terminal.cursor() == (len(end), at))
    assert len(neovim.codestral.requests) == 1
    await neovim.save_as(path, "\n".join(["def fib(n):", *lines, ""]).encode())
    await neovim.quit()


async def test_the_picture_in_the_readme(neovim: Neovim) -> None:
    area = "def area(shape):\n    if shape.kind == 'circle':\n        return math.pi * shape.radius ** 2\n"
    rest = "    if shape.kind == 'square':\n        side = shape.side\n        return side ** 2"
    neovim.codestral.answer = writes(rest)
    await neovim.open(
        neovim.sandbox.file("shapes.py", f"import math\n\n\n{area}    \n\n\nprint(area(Circle(1)))\n"), line=7
    )
    neovim.terminal.type("if shape.kind == 'square':")
    await neovim.terminal.wait_for("return side ** 2")
    picture(neovim.terminal, PLUGIN / "ghost.svg", rows=14)
    await neovim.quit()


async def test_one_undo_takes_back_what_was_accepted_and_no_more(neovim: Neovim) -> None:
    path = await neovim.open_with_suggestion()
    neovim.terminal.keys("Tab", "Escape")
    await neovim.terminal.wait_for(lambda screen: "-- INSERT --" not in screen)
    neovim.terminal.type("u:w\n")
    await neovim.sandbox.file_is(path, f"{BEFORE}ret\n".encode())
    await neovim.quit()


async def test_toggled_off_and_on_in_a_buffer_and_everywhere(neovim: Neovim) -> None:
    await neovim.open_with_suggestion()
    for off, on in (("toggle", "toggle"), ("disable!", "enable!"), ("disable", "toggle!")):
        name, bang = (off.rstrip("!"), "!" if off.endswith("!") else "")
        neovim.terminal.keys("Escape")
        neovim.terminal.type(f":FimLsp{bang} {name}\n")
        neovim.terminal.type("A")
        await neovim.terminal.wait_for("-- INSERT --", GHOST)
        asked = len(neovim.wire.sent(INLINE))
        neovim.terminal.type("u")
        await neovim.terminal.wait_for("    retu", GHOST)
        neovim.terminal.keys("BSpace", "Escape")
        await neovim.terminal.wait_for(lambda screen: "-- INSERT --" not in screen)
        assert len(neovim.wire.sent(INLINE)) == asked
        name, bang = (on.rstrip("!"), "!" if on.endswith("!") else "")
        if off == "disable" and on == "toggle!":  # everywhere is off and on again; that undoes what one buffer had
            neovim.terminal.type(":FimLsp! disable\n")
        neovim.terminal.type(f":FimLsp{bang} {name}\n")
        neovim.terminal.type("A")
        await neovim.terminal.wait_for(SUGGESTED)
    await neovim.quit()


_BEFORE_OURS = (
    ("", "    \tx"),
    ("vim.keymap.set('i', '<Tab>', 'TAB')", "    TABx"),
    ("vim.keymap.set('i', '<Tab>', function() return 'E<C-v>u0041' end, { expr = true })", "    EAx"),
    (
        "vim.keymap.set('i', '<Plug>(t)', 'plug')\nvim.keymap.set('i', '<Tab>', '<Plug>(t)', { remap = true })",
        "    plugx",
    ),
    ("vim.keymap.set('i', '<Tab>', function() vim.api.nvim_put({ 'put' }, 'c', false, true) end)", "    putx"),
    ("vim.cmd([[inoremap <expr> <Tab> 'vim' . 'L']])", "    vimLx"),
)
"""What Tab was mapped to before our setup(), and what it then writes with an ``x`` after it."""


async def test_without_ghost_tab_does_what_it_did_before(sandbox: Sandbox) -> None:
    neovim = Neovim(sandbox, f"{_BEFORE_OURS[0][0]}\n{RUNTIMEPATH}{SETUP}{SETUP}")
    sandbox.codestral.answer = writes()
    for number, (mapping, written) in enumerate(_BEFORE_OURS):
        path = sandbox.file(f"{number}.txt", "    \n")
        if number:
            anew = sandbox.file(
                f"{number}.lua", f"require('fim_lsp').setup({{ keymaps = false }})\n{mapping}\n{SETUP * 2}"
            )
            await neovim.normal_mode()
            neovim.terminal.type(f":luafile {anew.name}\n")
            await neovim.visit(path)
        else:
            await neovim.open(path)
        neovim.terminal.type("\tx")
        await neovim.save_as(path, f"{written}\n".encode())
    await neovim.quit()


# Neovim 0.11 asks after whitespace, brackets and the like: what is typed ends with one.
_IN_THE_MENU = (
    ("def area(shape):\n    ‸\n", "return ", "shape.width * (1 + 2)", "shape.width * (1 + 2)"),
    (
        "def area(shape):\n    ‸\n",
        "if shape is None:",
        '\n        log(shape)\n        return {"$": "\\\\"}',
        "log(shape)",
    ),
    ("alpha = 1\nprint(‸)\n", "al, ", "alpha, beta", "alpha, beta"),
    ("def area(shape):\r\n    ‸\r\n", "if shape is None:", "\n        log(shape)\n        return 0", "log(shape)"),
)


async def test_neovim_0_11_accepts_the_whole_entry_of_its_menu(sandbox: Sandbox) -> None:
    neovim = Neovim(sandbox, executable="nvim-0.11")
    for number, (document, typed, rest, shown) in enumerate(_IN_THE_MENU):
        after = document.replace("‸", typed + rest.replace("\n", "\r\n" if "\r" in document else "\n"))
        case = Case(name="", document=document, typed=typed, completion=rest, after=after)
        sandbox.codestral.answer = writes(case.wants)
        path = await neovim.open_at(case, number=number)
        neovim.terminal.type(typed)
        await neovim.terminal.wait_for(shown)
        neovim.terminal.keys("C-n")
        await neovim.terminal.wait_for("fim-lsp")
        neovim.terminal.keys("C-y")
        await neovim.terminal.wait_for(lambda screen: "Text fim-lsp" not in screen)
        await neovim.save_as(path, case.expected)
    await neovim.quit()


async def test_asking_again_brings_suggestions_to_cycle_through(neovim: Neovim) -> None:
    replies = {None: "fib(1)", 1: "fib(2)", 2: "fib(3)"}  # by the seed
    neovim.codestral.answer = lambda body: (
        replies[body.get("random_seed")] if body["prompt"].endswith("return ") else ""
    )
    path = neovim.sandbox.file("demo.py", BEFORE + "\n")
    await neovim.open(path, line=4)
    neovim.terminal.type("return ")
    await neovim.terminal.wait_for("return fib(1)", "(1/3)")
    neovim.terminal.keys("M-\\")
    await neovim.codestral.until(lambda: len(neovim.codestral.requests) == 3)
    await neovim.all_answered()
    for key, shown in ("M-]", "2) (2/3)"), ("M-[", "1) (1/3)"), ("M-]", "2) (2/3)"):
        neovim.terminal.keys(key)
        await neovim.terminal.wait_for(f"return fib({shown}")
    assert len(neovim.codestral.requests) == 3
    neovim.terminal.type("\t")
    await neovim.terminal.wait_for("return fib(2)", "(2/3)")
    await neovim.save_as(path, f"{BEFORE}return fib(2)\n".encode())
    await neovim.quit()


async def test_the_suggestion_that_was_chosen_stays_while_it_is_typed(neovim: Neovim) -> None:
    neovim.codestral.answer = ideas("total = one", "total = two", "total = three")
    path = neovim.sandbox.file("demo.py", "\n")
    await neovim.open(path)
    neovim.terminal.type("total")
    await neovim.terminal.wait_for("total = one")
    for shown in ("total = two (2/3)", "total = three (3/3)"):
        neovim.terminal.keys("M-]")
        await neovim.terminal.wait_for(shown)
    await neovim.type_and_wait(" = t")
    await neovim.terminal.wait_for("total = three", "(3/3)")
    neovim.terminal.keys("Tab")
    await neovim.save_as(path, b"total = three\n")
    await neovim.quit()


async def test_why_without_the_servers_help_is_what_is_known_here(neovim: Neovim) -> None:
    neovim.codestral.behaviour = Behaviour(status=401, raw=b'{"detail":"Unauthorized"}')
    await neovim.open(neovim.sandbox.file("demo.py", BEFORE + "\n"), line=4)
    neovim.terminal.type("alpha = ")
    await neovim.terminal.wait_for("refuses the key (401)")
    neovim.terminal.type("\x1b:FimLsp why\n")
    await neovim.terminal.wait_for("fim-lsp://why")
    await neovim.quit()


async def test_the_server_restarts(neovim: Neovim) -> None:
    await neovim.open_with_suggestion()
    neovim.terminal.type("\x1b:FimLsp restart\n")
    await neovim.sandbox.until(lambda: len(neovim.wire.opened()) == 2, "the server to have the file again")
    neovim.terminal.type("A")
    await neovim.terminal.wait_for("-- INSERT --")
    neovim.terminal.type("u")
    await neovim.terminal.wait_for(SUGGESTED)
    neovim.terminal.type("\x1b:qa!\n")
    await neovim.terminal.ended()
    assert neovim.wire.exits() == [0, 0]
    assert neovim.errors() == []


async def test_checkhealth_finds_all_well(neovim: Neovim) -> None:
    await neovim.open_with_suggestion()
    neovim.terminal.keys("Escape")
    neovim.terminal.type(":checkhealth fim_lsp\n:silent w! ../health.txt\n")
    file = neovim.sandbox.folder / "health.txt"
    await neovim.sandbox.until(lambda: b"demo.py:4:8" in (read(file) or b""), "the whole report")
    own, _, servers = file.read_text().partition("settings, key, host and model")
    assert own.count("✅ OK") == 3
    assert "WARNING" not in own
    assert "accept the ghost text" in own
    for part in ("OK key: ", "accepted", "OK completion: first text after", "demo.py gets suggestions from codestral"):
        assert part in servers
    assert "ERROR" not in servers
    await neovim.quit()


async def test_checkhealth_reports_a_missing_server(sandbox: Sandbox) -> None:
    neovim = Neovim(sandbox, RUNTIMEPATH + "require('fim_lsp').setup({ cmd = { 'no-such-fim-lsp' } })\n")
    sandbox.terminal.start(neovim.executable, "+checkhealth fim_lsp", "+silent w! health.txt", folder=sandbox.project)
    await sandbox.until((sandbox.project / "health.txt").exists, "the report")
    assert "`no-such-fim-lsp` was not found" in (sandbox.project / "health.txt").read_text()
