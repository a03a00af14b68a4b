"""Neovim with the plugin, in a terminal."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import shutil
import subprocess
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.editors.cases import BEFORE, GHOST, SUGGESTED, Case
from tests.editors.neovim import PLUGIN, RUNTIMEPATH, SETUP, Neovim
from tests.editors.picture import picture
from tests.editors.programs import EDITORS, ROOT, program
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


# A server inside Neovim, whose answers a test knows in advance, and which writes down the commands that it gets.
_INSIDE = """
local reports = {
  ['fim-lsp.why'] = { 'asked codestral', 'it had nothing to add' },
  ['fim-lsp.stats'] = { lines = { 'Today', '3 of 7 suggestions were accepted' } },
  ['fim-lsp.doctor'] = { ok = false, lines = { 'key: refused' }, checks = {
    { name = 'settings', state = 'ok', message = 'three files were read', remedy = vim.NIL },
    { name = 'key', state = 'error', message = 'the host refuses the key', remedy = 'Set another one.' },
    { name = 'quota', state = 'info', message = 'no limits', remedy = vim.NIL },
  } },
}
vim.lsp.config('fim_lsp', { cmd = function(dispatchers)
  local function item(text)
    local row, column = unpack(vim.api.nvim_win_get_cursor(0))
    local at = { line = row - 1, character = column }
    local command = { title = 'accepted', command = 'fim-lsp.accepted', arguments = { 7 } }
    return { insertText = text, range = { start = at, ['end'] = at }, command = command }
  end
  local function reply(method, params)
    if method == 'initialize' then
      return { capabilities = {
        inlineCompletionProvider = vim.empty_dict(),
        textDocumentSync = 1,
        executeCommandProvider = { commands = vim.tbl_map(function(name) return 'fim-lsp.' .. name end, {
          'why', 'stats', 'doctor', 'accepted', 'acceptedPart', 'alternatives', 'snooze', 'toggleLanguage', 'clearCache',
        }) },
      } }
    elseif method == 'workspace/executeCommand' then
      vim.fn.writefile({ vim.json.encode({ params.command, params.arguments }) }, 'commands', 'a')
      if params.command == 'fim-lsp.alternatives' then
        local texts = vim.g.has_others and { 'one("🎉", 1)', 'two()', 'three()' } or { 'one("🎉", 1)' }
        return { items = vim.tbl_map(item, texts), message = 'codestral had the same idea again' }
      end
      return reports[params.command] or vim.NIL
    elseif method == 'textDocument/inlineCompletion' then
      dispatchers.notification('fim-lsp/status', { state = 'limited', backend = 'codestral', ['until'] = 1900000000 })
      return { items = { item('one("🎉", 1)') } }
    end
  end
  local closing, id = false, 0
  return {
    request = function(method, params, callback)
      id = id + 1
      local inside = method == 'textDocument/inlineCompletion' and params.position.character > 4
      if not inside then -- what is shown stays
        vim.schedule(function() callback(nil, reply(method, params)) end)
      end
      return true, id
    end,
    notify = function(method) closing = closing or method == 'exit' return true end,
    is_closing = function() return closing end,
    terminate = function() closing = true end,
  }
end })
vim.o.laststatus = 2
vim.o.statusline = "<%{v:lua.require'fim_lsp'.statusline()}>"
"""


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


@pytest.fixture
async def scripted(sandbox: Sandbox) -> Neovim:
    """Neovim on an empty file, with a server of its own inside."""
    neovim = Neovim(sandbox, RUNTIMEPATH + SETUP + _INSIDE)
    sandbox.terminal.start(neovim.executable, "+startinsert!", "demo.txt", folder=sandbox.project)
    await sandbox.terminal.wait_for("<fim>")
    return neovim


async def commands(neovim: Neovim, count: int) -> list[list[Any]]:
    """The commands that the server inside has got, once there are so many."""
    file = neovim.sandbox.project / "commands"
    await neovim.sandbox.until(lambda: (read(file) or b"").count(b"\n") >= count, f"{count} commands")
    return [json.loads(line) for line in file.read_text().splitlines()]


async def leave(neovim: Neovim) -> None:
    """Leave without a server outside to wait for."""
    neovim.terminal.type(":qa!\n")
    await neovim.terminal.ended()
    assert neovim.errors() == []


async def test_other_suggestions_are_asked_for_when_cycled_to(scripted: Neovim) -> None:
    terminal, sandbox = scripted.terminal, scripted.sandbox
    terminal.type("x = ")
    await terminal.wait_for('x = one("🎉", 1)')
    await terminal.wait_for("<fim codestral ⏸ ")
    terminal.keys("M-]")
    await terminal.wait_for("codestral had the same idea again", "(…)")
    terminal.type("\x1b:let g:has_others = 1\nA")
    await terminal.wait_for('x = one("🎉", 1)', "same idea")
    for key, shown in (("M-[", "three() (3/3)"), ("M-]", 'one("🎉", 1) (1/3)'), ("M-]", "two() (2/3)")):
        terminal.keys(key)
        await terminal.wait_for(f"x = {shown}")
    terminal.type("\t\x1b:FimLsp disable\n")
    await terminal.wait_for("<fim codestral off>")
    terminal.type(":w\n")
    await sandbox.file_is(sandbox.project / "demo.txt", b"x = two()\n")
    uri = (sandbox.project / "demo.txt").as_uri()
    assert await commands(scripted, 3) == [
        *([["fim-lsp.alternatives", [uri, {"line": 0, "character": 4}, {"quiet": True}]]] * 2),
        ["fim-lsp.accepted", [7]],
    ]
    await leave(scripted)


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


async def test_the_server_learns_how_much_was_accepted(scripted: Neovim) -> None:
    scripted.terminal.type("x = ")
    await scripted.terminal.wait_for('x = one("🎉", 1)')
    scripted.terminal.keys("M-Right")
    await commands(scripted, 1)
    scripted.terminal.type("(")
    await scripted.terminal.wait_for(lambda _: scripted.terminal.cursor()[0] == len("x = one("))
    for count, key in enumerate(("M-Right", "M-Right", "M-Down"), start=2):
        scripted.terminal.keys(key)
        await commands(scripted, count)
    part = "fim-lsp.acceptedPart"
    assert await commands(scripted, 4) == [[part, [7, 3]], [part, [7, 5]], [part, [7, 7]], ["fim-lsp.accepted", [7]]]
    scripted.terminal.keys("Escape")
    await leave(scripted)


async def test_what_the_server_explains_is_shown_below(scripted: Neovim) -> None:
    terminal = scripted.terminal
    terminal.keys("Escape")
    for command, shown in (("why", "it had nothing to add"), ("stats", "3 of 7"), ("doctor", "key: refused")):
        terminal.type(f":FimLsp {command}\n")
        await terminal.wait_for(shown)
        terminal.type("q")
        await terminal.wait_for("<fim>", shown)
    for command in ("snooze 5", "snooze", "language", "language rust", "clear", "snooze soon"):
        terminal.type(f":FimLsp {command}\n")
    await terminal.wait_for("'soon' is not a number of minutes")
    uri = (scripted.sandbox.project / "demo.txt").as_uri()
    assert await commands(scripted, 8) == [
        ["fim-lsp.why", [{"quiet": True, "uri": uri}]],
        ["fim-lsp.stats", [{"quiet": True, "uri": uri}]],
        ["fim-lsp.doctor", [{"quiet": True, "uri": uri}]],
        ["fim-lsp.snooze", [5, {"quiet": True}]],
        ["fim-lsp.snooze", [30, {"quiet": True}]],
        ["fim-lsp.toggleLanguage", ["text", False, {"quiet": True}]],
        ["fim-lsp.toggleLanguage", ["rust", False, {"quiet": True}]],
        ["fim-lsp.clearCache", [{"quiet": True}]],
    ]
    terminal.type(":checkhealth fim_lsp\n:silent w! health.txt\n")
    report = scripted.sandbox.project / "health.txt"
    await scripted.sandbox.until(report.exists, "the report")
    text = report.read_text()
    for part in ("OK settings: three files", "ERROR key: the host refuses", "- Set another one.", "it had nothing"):
        assert part in text
    await leave(scripted)


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


# How the plugin is installed, each followed by the same look at ghost text, keys, commands and help.
_BARE = "vim.lsp.config('fim_lsp', { root_markers = { '.git' } })\nvim.lsp.enable('fim_lsp')\n"
_PACK = """
vim.pack.add({ 'file://REPOSITORY' }, { confirm = false, load = function(plugin)
  vim.opt.runtimepath:append(plugin.path .. '/editors/neovim')
end })
require('fim_lsp').setup()
"""
_LAZY = """
vim.opt.runtimepath:prepend(vim.fn.isdirectory('LAZY') == 1 and 'LAZY' or 'SUBSTITUTE')
require('lazy').setup({ {
  dir = 'REPOSITORY',
  config = function(plugin)
    vim.opt.runtimepath:append(plugin.dir .. '/editors/neovim')
    require('fim_lsp').setup()
  end,
} }, {
  rocks = { enabled = false },
  performance = { rtp = { paths = vim.api.nvim_list_runtime_paths() } }, -- lazy.nvim takes them away
})
"""
# What lazy.nvim does with such a spec, where it is not installed: nothing loads by itself, then `config` is called.
_SUBSTITUTE = """
return { setup = function(specs)
  vim.go.loadplugins = false
  for _, plugin in ipairs(specs) do
    vim.opt.runtimepath:prepend(plugin.dir)
    plugin.config(plugin)
  end
end }
"""
_INSTALLED = {"runtimepath": RUNTIMEPATH + SETUP, "enable": RUNTIMEPATH + _BARE, "vim.pack": _PACK, "lazy.nvim": _LAZY}


@pytest.mark.parametrize("way", _INSTALLED)
async def test_installed_it_shows_ghost_text_and_has_help(sandbox: Sandbox, way: str) -> None:
    repository = _repository(sandbox) if way in {"vim.pack", "lazy.nvim"} else ROOT
    config = _INSTALLED[way].replace("REPOSITORY", str(repository))
    if way == "lazy.nvim":
        substitute = sandbox.folder / "lazy.nvim"
        config = config.replace("LAZY", str(EDITORS / "lazy.nvim")).replace("SUBSTITUTE", str(substitute))
        (substitute / "lua").mkdir(parents=True)
        (substitute / "lua" / "lazy.lua").write_text(_SUBSTITUTE)
    neovim = Neovim(sandbox, config)
    path = await neovim.open_with_suggestion()
    if way != "enable":  # keys are set by setup()
        neovim.terminal.keys("Tab")
        await neovim.save()
        await sandbox.file_is(path, f"{BEFORE}{SUGGESTED}\n".encode())
    neovim.terminal.keys("Escape")
    neovim.terminal.type(":help fim-lsp\n")
    await neovim.terminal.wait_for("the language server fim-lsp:")
    assert len(sandbox.wire.opened()) == 1, "help is not sent"
    neovim.terminal.type(":qa!\n")
    await neovim.terminal.ended()
    assert neovim.errors() == []


def _repository(sandbox: Sandbox) -> Path:
    """The project as a repository of its own, as a plugin manager clones it."""
    path = sandbox.folder / "fim-lsp"
    shutil.copytree(PLUGIN, path / "editors" / "neovim")
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    for command in (["init", "-q", "-b", "main"], ["add", "."], [*identity, "commit", "-qm", "all"]):
        subprocess.run(["git", "-C", str(path), *command], check=True)
    return path


async def test_the_snippet_needs_no_plugin(sandbox: Sandbox) -> None:
    neovim = Neovim(sandbox, (PLUGIN / "init.lua").read_text())
    path = await neovim.open_with_suggestion()
    neovim.terminal.keys("Tab")
    await neovim.terminal.wait_for(SUGGESTED)
    await neovim.save_as(path, f"{BEFORE}{SUGGESTED}\n".encode())
    await neovim.quit()


# Runs place.lua on cases from a file of JSON, without a screen.
_PLACE = """
local place = dofile(arg[1])
local found = vim.tbl_map(function(case)
  return place.find(case.offer, case.asked, case.line, case.offer.row, case.column) or vim.NIL
end, vim.json.decode(io.read('*a')))
io.write(vim.json.encode(found))
"""
_LETTERS = "ab()é🎉"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Typed:
    """A line was ``head old tail`` when asked about, ``old`` is to become ``text``; then ``typed`` was typed before ``old``."""

    head: str
    old: str
    tail: str
    text: str
    typed: str

    @property
    def line(self) -> bytes:
        return f"{self.head}{self.typed}{self.old}{self.tail}".encode()

    def request(self) -> dict[str, object]:
        start = len(self.head.encode())
        offer = {"text": self.text, "row": 3, "from": start, "to": start + len(self.old.encode())}
        asked = f"{self.head}{self.old}{self.tail}"
        return {"offer": offer, "asked": asked, "line": self.line.decode(), "column": start + len(self.typed.encode())}


def test_an_accepted_text_repeats_and_loses_nothing_wherever_it_is_typed_through(tmp_path: Path) -> None:
    random = Random(5)

    def some(most: int) -> str:
        return "".join(random.choices(_LETTERS, k=random.randint(0, most)))

    cases = []
    for _ in range(3000):
        text = some(6)
        typed = text[: random.randint(0, len(text))] if random.random() < 0.7 else some(4)
        cases.append(_Typed(head=some(4), old=some(3), tail=some(3), text=text, typed=typed))
    script = tmp_path / "place.lua"
    script.write_text(_PLACE)
    command = [program("nvim"), "-l", str(script), str(PLUGIN / "lua" / "fim_lsp" / "place.lua")]
    requests = json.dumps([case.request() for case in cases]).encode()
    answer = json.loads(subprocess.run(command, input=requests, check=True, capture_output=True).stdout)
    for case, found in zip(cases, answer, strict=True):
        if not case.text.startswith(case.typed):
            assert found is None, case
        else:
            line = case.line[: found["from"]] + case.text.encode() + case.line[found["to"] :]
            assert line.decode() == case.head + case.text + case.tail, case
            assert found["typed"] == case.typed


def test_the_tags_of_the_help_are_up_to_date(tmp_path: Path) -> None:
    shutil.copytree(PLUGIN / "doc", tmp_path / "doc")
    (tmp_path / "doc" / "tags").unlink()
    subprocess.run([program("nvim"), "--clean", "--headless", f"+helptags {tmp_path}/doc", "+qa"], check=True)
    assert (tmp_path / "doc" / "tags").read_bytes() == (PLUGIN / "doc" / "tags").read_bytes()
