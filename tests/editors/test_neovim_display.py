"""Neovim: when ghost text is asked for and shown, its colour, and the statusline."""

from __future__ import annotations

import re

import pytest

from tests.editors.cases import BEFORE, GHOST, SUGGESTED
from tests.editors.neovim import RUNTIMEPATH, SETUP, Neovim
from tests.editors.sandbox import Sandbox, writes
from tests.editors.wire import INLINE
from tests.fakes.codestral import Behaviour

# The statusline says when no key was pressed for a second: by then the built-in would have asked.
_QUIET = """
local timer = vim.uv.new_timer()
vim.on_key(function()
  vim.g.quiet = 'busy'
  timer:start(1000, 0, vim.schedule_wrap(function()
    vim.g.quiet = 'quiet'
    vim.cmd.redrawstatus()
  end))
end)
vim.o.statusline = '<%{get(g:, "quiet", "")} %{mode()}>'
"""


async def test_with_a_delay_nothing_is_asked_for_before_it_but_by_the_key_and_what_is_shown_stays(
    sandbox: Sandbox,
) -> None:
    neovim = Neovim(sandbox, f"{RUNTIMEPATH}require('fim_lsp').setup({{ delay = 3600000 }})\n{_QUIET}")
    sandbox.codestral.answer = writes(SUGGESTED)
    path = sandbox.file("demo.py", BEFORE + "\n")
    await neovim.open(path, line=4)
    terminal = sandbox.terminal
    terminal.type("r")
    await terminal.wait_for("<quiet i>", GHOST)
    assert neovim.wire.sent(INLINE) == []
    terminal.keys("M-\\")
    await terminal.wait_for(SUGGESTED)
    terminal.type("et")
    await terminal.wait_for("<quiet i>")
    assert SUGGESTED in terminal.screen()
    terminal.type("x")
    await terminal.wait_for("<quiet i>", GHOST)
    asked = len(neovim.wire.sent(INLINE))
    terminal.type("\x1b:lua require('fim_lsp').setup({ delay = 500 })\nS")
    await terminal.wait_for("-- INSERT --")
    terminal.type("retu")
    await terminal.wait_for(SUGGESTED)
    places = [request["params"]["position"]["character"] for request in neovim.wire.sent(INLINE)[asked:]]
    assert set(places) <= {4, 8}, "the beginning of the line, and where typing ended"
    await neovim.quit()


async def test_a_question_right_after_the_server_has_come_begins_no_pause(sandbox: Sandbox) -> None:
    both = "require('fim_lsp').act('ask'); require('fim_lsp.ghost').catch_up(vim.api.nvim_get_current_buf())"
    config = f"require('fim_lsp').setup({{ delay = 3600000 }})\nvim.keymap.set('i', '<F5>', function() {both} end)\n"
    neovim = Neovim(sandbox, f"{RUNTIMEPATH}{config}{_QUIET}")
    sandbox.codestral.answer = writes(SUGGESTED)
    await neovim.open(sandbox.file("demo.py", BEFORE + "\n"), line=4)
    sandbox.terminal.type("r")
    await sandbox.terminal.wait_for("<quiet i>", GHOST)
    sandbox.terminal.keys("F5")
    await sandbox.terminal.wait_for(SUGGESTED)
    await neovim.quit()


async def test_in_256_colours_ghost_text_is_grey_or_as_the_user_or_the_colour_scheme_has_it(sandbox: Sandbox) -> None:
    neovim = Neovim(sandbox, f"vim.o.termguicolors = false\n{RUNTIMEPATH}{SETUP}")
    scheme = sandbox.home / ".config" / "nvim" / "colors" / "own.vim"
    scheme.parent.mkdir()
    scheme.write_text("highlight clear\nhighlight ComplHint ctermfg=35\n")
    await neovim.open_with_suggestion()
    terminal = sandbox.terminal

    async def colour_is(number: int) -> None:
        await sandbox.until(
            lambda: re.search(rf"\x1b\[[0-9;]*38;5;{number}m{re.escape(SUGGESTED[3:])}", terminal.coloured()),
            f"ghost text in colour {number}",
        )

    await colour_is(244)
    for command, number in (
        ("highlight FimLspGhost ctermfg=202", 202),
        ("colorscheme default", 244),
        ("colorscheme own", 35),
    ):
        await neovim.normal_mode()
        terminal.type(f":{command}\nA")
        await colour_is(number)
    terminal.keys("BSpace")
    await terminal.wait_for("    re\n", GHOST)
    await neovim.all_answered()
    terminal.type("\x1b:FimLsp why\n")
    await terminal.wait_for("nothing after a deletion", GHOST)
    terminal.type("qAt")
    await terminal.wait_for(SUGGESTED)
    assert len(sandbox.codestral.requests) == 1, "neither the deletion nor what was there before has cost a call"
    await neovim.quit()


async def test_replace_and_select_mode_ask_for_nothing(sandbox: Sandbox) -> None:
    select = "vim.keymap.set('i', '<F2>', function() vim.snippet.expand('call(${1:name})') end)\n"
    neovim = Neovim(sandbox, RUNTIMEPATH + SETUP + select + _QUIET)
    await neovim.open_with_suggestion()
    terminal = sandbox.terminal
    await neovim.all_answered()
    await neovim.normal_mode()
    asked = len(neovim.wire.sent(INLINE))
    terminal.type("^R")
    await terminal.wait_for("-- REPLACE --")
    terminal.type("ret")
    await terminal.wait_for("<quiet R>", GHOST)
    assert len(neovim.wire.sent(INLINE)) == asked
    await neovim.normal_mode()
    terminal.type("A ")
    await terminal.wait_for("<quiet i>")
    asked = len(neovim.wire.sent(INLINE))
    terminal.keys("F2")
    await terminal.wait_for("<quiet s>", GHOST)
    assert len(neovim.wire.sent(INLINE)) == asked
    await neovim.quit()


# What the plugin uses of each menu. F3 opens it with its first entry selected by itself, F4 selects that, F5 does not.
_MENUS = {
    "cmp": """
package.loaded['cmp'] = {
  visible = function() return vim.g.menu == 'open' end,
  get_selected_entry = function() return {} end,
  get_active_entry = function() return vim.g.chosen and {} or nil end,
  close = function() Set('menu', 'closed') end,
}
""",
    "blink.cmp": """
package.loaded['blink.cmp.completion.list'] = setmetatable({}, { __index = function() return vim.g.chosen end })
package.loaded['blink.cmp'] = {
  is_menu_visible = function() return vim.g.menu == 'open' end,
  get_selected_item = function() return {} end,
  hide = function() Set('menu', 'closed') end,
}
""",
    "neither": "package.loaded['cmp'], package.loaded['blink.cmp'] = {}, true\n",  # without what is used of them
}
_NO_MENUS = """
for _, module in ipairs({ 'cmp', 'blink.cmp', 'blink.cmp.completion.list' }) do
  package.loaded[module] = nil
end
"""
_MENU_KEYS = """
function Set(name, value)
  vim.g[name] = value
  vim.cmd.redrawstatus()
end
vim.keymap.set('i', '<F3>', function() Set('menu', 'open') end)
vim.keymap.set('i', '<F4>', function() Set('chosen', true) end)
vim.keymap.set('i', '<F5>', function() Set('chosen', false) end)
vim.o.statusline = '<%{get(g:, "menu", "")} %{get(g:, "chosen", "")}>'
"""


async def test_in_another_plugins_menu_only_an_entry_that_the_user_selects_hides_ghost_text(sandbox: Sandbox) -> None:
    neovim = Neovim(sandbox, RUNTIMEPATH + SETUP + _MENU_KEYS)
    path, terminal = await neovim.open_with_suggestion(), sandbox.terminal
    for name, menu in _MENUS.items():
        loads = sandbox.file("menu.lua", f"vim.g.menu, vim.g.chosen = '{name}', false\n{_NO_MENUS}{menu}")
        terminal.type(f"\x1b:luafile {loads.name}\nA")
        await terminal.wait_for(f"<{name} v:false>")
        terminal.keys("F3")
        await terminal.wait_for("<open v:false>")
        await terminal.wait_for(SUGGESTED)
        if name != "neither":
            terminal.keys("F4")
            await terminal.wait_for("<open v:true>", GHOST)
            terminal.keys("F5")
            await terminal.wait_for("<open v:false>")
            await terminal.wait_for(SUGGESTED)
        terminal.keys("Tab")
        if name != "neither":
            await terminal.wait_for("<closed v:false>")
        await neovim.save_as(path, f"{BEFORE}{SUGGESTED}\n".encode())
        terminal.type("u:set nomodified\n")
        await terminal.wait_for("    ret\n")
    await neovim.quit()


# What lualine.nvim does with a component: it extends its base class, is made with its options, and updates its text.
_LUALINE = """
package.preload['lualine.component'] = function()
  return { extend = function(base)
    local class = setmetatable({}, { __index = base })
    class.__index = class
    return class
  end }
end
function Lualine(options)
  return setmetatable({ options = options or {} }, require('lualine.components.fim_lsp')):update_status(true)
end
"""


async def test_the_statusline_has_the_back_end_and_todays_usage(sandbox: Sandbox) -> None:
    line = "%{v:lua.require'fim_lsp'.statusline()}"
    neovim = Neovim(sandbox, f'{RUNTIMEPATH}{SETUP}vim.o.statusline = "<{line}>"\n{_LUALINE}')
    await neovim.open_with_suggestion()
    terminal = sandbox.terminal
    await terminal.wait_for("<fim codestral>")
    usage = line.replace("{v", "{%v").replace("()}", "({'usage':v:true})%}")
    await neovim.normal_mode()
    terminal.type(f":set statusline=<{usage}>\n")
    await terminal.wait_for(lambda screen: re.search(r"<fim codestral \d+ ms \d+ tokens>", screen))
    terminal.type(":FimLsp snooze 5\n")
    await terminal.wait_for(lambda screen: re.search(r"<fim codestral snoozed \d\d:\d\d \d+ ms \d+ tokens>", screen))
    terminal.type(":FimLsp snooze 0\n:FimLsp disable\n")
    await terminal.wait_for("<fim codestral off ")
    terminal.type(":set statusline=<%{v:lua.Lualine()}><%{%v:lua.Lualine({'usage':v:true})%}>\n")
    await terminal.wait_for(
        lambda screen: re.search(r"<fim codestral off><fim codestral off \d+ ms \d+ tokens>", screen)
    )
    await neovim.quit()


async def test_the_preview_of_neovim_0_11_is_the_code_without_markdown(sandbox: Sandbox) -> None:
    neovim = Neovim(sandbox, executable="nvim-0.11")
    sandbox.codestral.answer = writes("if shape is None:\n        log(shape)\n        return 0")
    await neovim.open(sandbox.file("demo.py", "def area(shape):\n    \n"), line=2)
    neovim.terminal.type("if shape is None:")
    await neovim.terminal.wait_for("fim-lsp")
    neovim.terminal.keys("C-n")
    await neovim.terminal.wait_for(lambda screen: re.search(r" log\(shape\)[^\n]*\n[^\n]* return 0", screen), "```")
    neovim.terminal.keys("C-y")
    await neovim.quit()


@pytest.mark.parametrize("executable", ["nvim", "nvim-0.11"])
async def test_an_answer_that_comes_after_seconds_is_shown(sandbox: Sandbox, executable: str) -> None:
    neovim = Neovim(sandbox, executable=executable)
    sandbox.codestral.behaviour = Behaviour(ttft=2)
    sandbox.codestral.answer = writes(SUGGESTED)
    path = sandbox.file("demo.py", BEFORE + "\n")
    await neovim.open(path, line=4)
    neovim.terminal.type("return ")
    await neovim.terminal.wait_for(GHOST)
    assert len(sandbox.codestral.requests) == 1
    assert sandbox.codestral.hangups == 0
    neovim.terminal.keys(*(["Tab"] if executable == "nvim" else ["C-n", "C-y"]))
    await neovim.save_as(path, f"{BEFORE}{SUGGESTED}\n".encode())
    await neovim.quit()
