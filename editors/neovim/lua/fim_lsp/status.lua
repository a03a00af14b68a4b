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

--- Store a notification and trigger |User| FimLspStatus for statuslines.
function M.take(client_id, status)
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
  local state = not require('fim_lsp.buffers').is_enabled(bufnr) and 'disabled' or status.state
  local parts = { 'fim' }
  parts[#parts + 1] = type(status.backend) == 'string' and status.backend ~= '' and status.backend or nil
  parts[#parts + 1] = SIGNS[state]
  if (state == 'limited' or state == 'snoozed') and type(status['until']) == 'number' then
    parts[#parts + 1] = os.date('%H:%M', status['until'])
  end
  return table.concat(parts, ' ')
end

return M
