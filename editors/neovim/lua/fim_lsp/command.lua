--- :FimLsp
local M = {}

local function client()
  local found = vim.lsp.get_clients({ bufnr = 0, name = 'fim_lsp' })[1]
  if not found then
    vim.notify('fim-lsp: not running here; see :checkhealth fim_lsp', vim.log.levels.WARN)
  end
  return found
end

local function show(lines)
  vim.lsp.util.open_floating_preview(lines, 'text', { border = 'single', title = ' fim-lsp ', focus_id = 'fim_lsp' })
end

--- What the client knows, for a server that does not support the command.
local function known_here(found)
  local status = require('fim_lsp.status')
  local lines = { ('fim-lsp %s, client %d'):format(vim.tbl_get(found, 'server_info', 'version') or '?', found.id) }
  for _, name in ipairs({ 'state', 'reason', 'backend', 'model', 'host' }) do
    local value = status.get(0)[name]
    lines[#lines + 1] = type(value) == 'string' and ('%s: %s'):format(name, value) or nil
  end
  lines[#lines + 1] = require('fim_lsp.notice').last
  return vim.split(table.concat(lines, '\n'), '\n', { plain = true })
end

local function why()
  local found = client()
  if not found then
    return
  end
  local known = vim.tbl_get(found, 'server_capabilities', 'executeCommandProvider', 'commands') or {}
  if not vim.tbl_contains(known, 'fim-lsp.why') then
    return show(known_here(found))
  end
  local call = { command = 'fim-lsp.why', arguments = { { quiet = true } } }
  found:request('workspace/executeCommand', call, function(err, lines)
    show(not err and type(lines) == 'table' and lines or known_here(found))
  end, 0)
end

local function turn(on)
  return function(everywhere)
    require('fim_lsp.buffers').enable(on, not everywhere and 0 or nil)
  end
end

local COMMANDS = {
  toggle = turn(nil),
  enable = turn(true),
  disable = turn(false),
  why = why,
  ask = function()
    require('fim_lsp.ghost').act('ask')
  end,
  restart = function()
    vim.lsp.enable('fim_lsp', false)
    vim.lsp.enable('fim_lsp')
  end,
}

---@return string[]
function M.names(lead)
  local names = vim.tbl_filter(function(name)
    return vim.startswith(name, lead)
  end, vim.tbl_keys(COMMANDS))
  table.sort(names)
  return names
end

--- With `!`, toggle, enable and disable apply to all buffers.
function M.run(call)
  local name = call.args ~= '' and call.args or 'toggle'
  if not COMMANDS[name] then
    vim.notify(("fim-lsp: no command '%s': %s"):format(name, table.concat(M.names(''), ', ')), vim.log.levels.ERROR)
    return
  end
  COMMANDS[name](call.bang)
end

return M
