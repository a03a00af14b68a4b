--- The server's state, from its notification `fim-lsp/status`.
local api = vim.api
local M = {}

---@class fim_lsp.Usage Today's; what the server does not know is |vim.NIL|
---@field latency? integer the median of a call's milliseconds
---@field tokens? integer sent and received
---@field calls? integer
---@field accepted? integer

---@class fim_lsp.Counted
---@field at integer milliseconds, of the last question
---@field usage? fim_lsp.Usage

local USAGE = 10000 -- milliseconds from a question about usage to the next

local received = {} ---@type table<integer, table> by client
local counted = {} ---@type table<integer, fim_lsp.Counted?> by client
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

--- Today's usage, as far as it is known; asks for it every ten seconds at most, and redraws the statusline when it has come.
---@return fim_lsp.Usage?
function M.usage(bufnr)
  local client, now = client_of(bufnr), vim.uv.now()
  if not client then
    return nil
  end
  local known = counted[client.id]
  if not known or now - known.at >= USAGE then
    counted[client.id] = { at = now, usage = known and known.usage }
    local params = { command = 'fim-lsp.status', arguments = { { quiet = true, usage = true } } }
    client:request('workspace/executeCommand', params, function(err, result)
      counted[client.id].usage = not err and type(result) == 'table' and result.usage or nil
      api.nvim_command('redrawstatus')
    end, bufnr)
  end
  return counted[client.id].usage
end

--- A number in at most four characters: 950, 1.2k, 34k, 5.6M.
local function short(number)
  for _, unit in ipairs({ { 1e6, 'M' }, { 1e3, 'k' } }) do
    local count = number / unit[1]
    if count >= 1 then
      return (count < 10 and '%.1f%s' or '%.0f%s'):format(count, unit[2])
    end
  end
  return ('%d'):format(number)
end

---@param bufnr integer
---@param options? { usage?: boolean }
---@return string
function M.line(bufnr, options)
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
  local usage = options and options.usage and M.usage(bufnr) or {}
  parts[#parts + 1] = type(usage.latency) == 'number' and ('%d ms'):format(usage.latency) or nil
  parts[#parts + 1] = type(usage.tokens) == 'number' and short(usage.tokens) .. ' tokens' or nil
  return table.concat(parts, ' ')
end

return M
