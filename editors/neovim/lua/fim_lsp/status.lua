--- How the server is, as it tells (`fim-lsp/status`).
local api = vim.api
local M = {}

local told = {} ---@type table<integer, table> by client
local SIGNS = { busy = '…', paused = '⏸', trouble = '✗', off = 'off' }

--- Take a notification, and let statuslines know: |User| FimLspStatus.
function M.take(client_id, status)
  told[client_id] = status
  api.nvim_exec_autocmds('User', { pattern = 'FimLspStatus', modeline = false, data = status })
  api.nvim_command('redrawstatus')
end

---@return vim.lsp.Client?
local function client_of(bufnr)
  return vim.lsp.get_clients({ bufnr = bufnr, name = 'fim_lsp' })[1]
end

---@return table? what the server told; nil where it isn't attached, an empty table before it told anything
function M.get(bufnr)
  local client = client_of(bufnr)
  return client and (told[client.id] or {})
end

---@return string
function M.line(bufnr)
  local status = M.get(bufnr)
  if not status then
    return ''
  end
  local off = not require('fim_lsp.buffers').is_enabled(bufnr)
  local sign = off and SIGNS.off or SIGNS[status.state]
  return table.concat({ 'fim', status.backend ~= vim.NIL and status.backend or nil, sign }, ' ')
end

return M
