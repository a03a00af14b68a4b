"""Neovim with a server inside it: what is asked of the server, told to it, and shown of its answers."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.editors.neovim import RUNTIMEPATH, SETUP, Neovim
from tests.editors.sandbox import Sandbox, read

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
