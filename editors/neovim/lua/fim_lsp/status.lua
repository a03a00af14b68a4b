--- The server's state, from its notification `fim-lsp/status`.
local api = vim.api
local M = {}

local received = {} ---@type table<integer, table> by client
local SIGNS = {
  waiting = '…',
  calling = '…',
  limited = '⏸',
  offline = 'offline',
  failing = '✗',
  disabled = 'off',
  snoozed = 'snoozed',
}
--- The names of the states before they were renamed.
local OLD = { ready = 'idle', busy = 'calling', paused = 'limited', trouble = 'failing', off = 'disabled' }

--- Store a notification and trigger |User| FimLspStatus for statuslines.
function M.take(client_id, status)
  status.state = OLD[status.state] or status.state
  received[client_id] = status
  api.nvim_exec_autocmds('User', { pattern = 'FimLspStatus', modeline = false, data = status })
  api.nvim_command('redrawstatus')
end

---@return vim.lsp.Client?
local function client_of(bufnr)
  return vim.lsp.get_clients({ bufnr = bufnr, name = 'fim_lsp' })[1]
end

---@return table? the last notification; nil where the server is not attached, an empty table before the first
function M.get(bufnr)
  local client = client_of(bufnr)
  return client and (received[client.id] or {})
end

---@return string
function M.line(bufnr)
  local status = M.get(bufnr)
  if not status then
    return ''
  end
  local off = not require('fim_lsp.buffers').is_enabled(bufnr)
  local parts = { 'fim' }
  parts[#parts + 1] = type(status.backend) == 'string' and status.backend ~= '' and status.backend or nil
  parts[#parts + 1] = off and SIGNS.disabled or SIGNS[status.state]
  parts[#parts + 1] = not off and type(status['until']) == 'number' and os.date('%H:%M', status['until']) or nil
  return table.concat(parts, ' ')
end

return M
