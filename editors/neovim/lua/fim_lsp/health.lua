--- :checkhealth fim_lsp
local health = vim.health
local M = {}

local WAIT = 60000 -- milliseconds
local SHOWN = 8 -- lines of `:FimLsp why`

local function neovim()
  if require('fim_lsp.buffers').has_inline then
    health.ok('Neovim ' .. tostring(vim.version()) .. ' has inline completion')
  elseif vim.fn.has('nvim-0.11') == 1 then
    health.warn('Neovim ' .. tostring(vim.version()) .. ' has no inline completion', {
      'Suggestions appear in the completion menu.',
      'Neovim 0.12 shows ghost text.',
    })
  else
    health.error('Neovim 0.11 or newer is required, 0.12 for ghost text')
  end
end

--- The server's command, and what it says of itself.
---@return boolean
local function server()
  local found = require('fim_lsp.server')
  if not found.is_managed() then
    health.info('the server is started by a command of your own in vim.lsp.config()')
    return true
  end
  local program = found.program()
  if not program then
    health.error(found.missing())
    return false
  end
  local done = vim.system(vim.list_extend(program, { '--version' }), { text = true }):wait(20000)
  if done.code == 0 then
    health.ok(('`%s`: %s'):format(vim.fn.exepath(program[1]), vim.trim(done.stdout)))
  else
    health.error(('`%s --version` failed'):format(program[1]), vim.split(vim.trim(done.stderr), '\n'))
  end
  return done.code == 0
end

--- The messages of this session in full: in the message line they may have been cut.
local function messages()
  local shown = require('fim_lsp.log').notices()
  if #shown > 0 then
    health.start('fim-lsp: messages of this session')
    vim.iter(shown):each(health.info)
  end
end

--- The buffer from which `:checkhealth` was called, if it has no server: why not.
local function not_served()
  local infos = vim.tbl_filter(function(info)
    return vim.bo[info.bufnr].buftype == '' and #vim.lsp.get_clients({ bufnr = info.bufnr, name = 'fim_lsp' }) == 0
  end, vim.fn.getbufinfo({ bufloaded = 1, buflisted = 1 }))
  for _, info in ipairs(infos) do
    local name = info.name ~= '' and vim.fn.fnamemodify(info.name, ':~:.') or '[No Name]'
    health.info(('%d %s: %s'):format(info.bufnr, name, table.concat(require('fim_lsp.reasons').of(info.bufnr), ' ')))
  end
end

local function started()
  if vim.lsp.is_enabled and not vim.lsp.is_enabled('fim_lsp') then
    health.warn('not enabled', { "require('fim_lsp').setup(), or vim.lsp.enable('fim_lsp')" })
  end
  local clients = vim.lsp.get_clients({ name = 'fim_lsp' })
  if #clients == 0 then
    health.warn(require('fim_lsp.server').stopped() or 'not running', { 'Open a file first.', ':FimLsp log' })
  end
  for _, client in ipairs(clients) do
    local buffers = vim.tbl_keys(client.attached_buffers)
    table.sort(buffers)
    health.ok(('client %d serves the buffers %s'):format(client.id, table.concat(buffers, ', ')))
    for _, bufnr in ipairs(buffers) do
      M.buffer(client, bufnr)
    end
  end
  not_served()
end

--- One buffer of a client.
function M.buffer(client, bufnr)
  local status = require('fim_lsp.status').get(bufnr) or {}
  local on = require('fim_lsp.buffers').is_enabled(bufnr)
  local name = vim.fn.fnamemodify(vim.api.nvim_buf_get_name(bufnr), ':~:.')
  local who = type(status.backend) == 'string' and ', back end ' .. status.backend or ''
  health.info(('%d %s: %s%s'):format(bufnr, name, on and 'on' or 'off (:FimLsp enable)', who))
  if vim.list_contains({ 'limited', 'offline', 'failing', 'disabled', 'snoozed' }, status.state) then
    health.warn(tostring(status.reason), { ':FimLsp why' })
  end
  if on and require('fim_lsp.buffers').has_inline and not require('fim_lsp.builtin').known(bufnr) then
    health.warn("fim-lsp does not know this Neovim's implementation of inline completion", {
      'Ghost text works, but appears 200 ms later, and may remain where it no longer matches.',
    })
  end
end

--- The buffer that was used last, among those with a server.
local function last_used()
  local buffers = vim.tbl_filter(function(info)
    return #vim.lsp.get_clients({ bufnr = info.bufnr, name = 'fim_lsp' }) > 0
  end, vim.fn.getbufinfo({ bufloaded = 1 }))
  table.sort(buffers, function(one, other)
    return one.lastused > other.lastused
  end)
  return buffers[1] and buffers[1].bufnr
end

--- The result of a command of the server, or nil. CTRL-C ends the wait.
local function ask(client, bufnr, command, options)
  local known = vim.tbl_get(client, 'server_capabilities', 'executeCommandProvider', 'commands') or {}
  if not vim.list_contains(known, command) then
    return nil
  end
  local params = { command = command, arguments = { vim.tbl_extend('error', { quiet = true }, options) } }
  local reply = client:request_sync('workspace/executeCommand', params, WAIT, bufnr)
  if not reply or reply.err then
    health.warn(('no answer to %s'):format(command), { ':FimLsp restart' })
  end
  return reply and reply.result
end

---@param check { name: string, state: string, message: string, remedy: string? }
local function report(check)
  local text, remedy = ('%s: %s'):format(check.name, check.message), check.remedy
  local advice = type(remedy) == 'string' and remedy ~= '' and { remedy } or {}
  if check.state == 'warning' or check.state == 'error' then
    (check.state == 'error' and health.error or health.warn)(text, advice)
  else
    (check.state == 'ok' and health.ok or health.info)(table.concat({ text, unpack(advice) }, ' → '))
  end
end

--- What the server finds: its settings, key, host and model, and why nothing is suggested in the buffer that was used last.
local function checked_by_server()
  local bufnr = last_used()
  local client = bufnr and vim.lsp.get_clients({ bufnr = bufnr, name = 'fim_lsp' })[1]
  if not client then
    return
  end
  vim.api.nvim_echo({ { 'fim-lsp: checking settings, keys and hosts …' } }, false, {})
  vim.cmd.redraw()
  health.start('fim-lsp: settings, key, host and model')
  local uri = vim.uri_from_bufnr(bufnr)
  local found = ask(client, bufnr, 'fim-lsp.doctor', { uri = uri })
  vim.iter(found and found.checks or {}):each(report)
  health.start('fim-lsp: suggestions in ' .. vim.fn.fnamemodify(vim.api.nvim_buf_get_name(bufnr), ':~:.'))
  local lines = ask(client, bufnr, 'fim-lsp.why', { uri = uri })
  vim.iter(lines or {}):take(SHOWN):each(health.info)
end

local function keys()
  if not require('fim_lsp.buffers').has_inline then
    return
  end
  local ours = vim.tbl_filter(function(map)
    return map.desc and vim.startswith(map.desc, 'fim-lsp: ')
  end, vim.api.nvim_get_keymap('i'))
  for _, map in ipairs(ours) do
    health.info(('%s: %s'):format(map.lhs, map.desc:sub(#'fim-lsp: ' + 1)))
  end
  if #ours == 0 then
    health.warn('no keys are mapped', { "require('fim_lsp').setup()", 'or map keys to require("fim_lsp").act("accept") and so on' })
  end
  local tab = vim.fn.maparg('<Tab>', 'i', false, true)
  if #ours > 0 and tab.desc and not vim.startswith(tab.desc, 'fim-lsp: ') then
    health.warn('<Tab> was mapped again after setup(): ' .. tab.desc, { 'Call setup() later, or choose another key for `accept`.' })
  end
end

--- Called by |:checkhealth|.
function M.check()
  health.start('fim-lsp')
  neovim()
  if server() then
    started()
    keys()
    checked_by_server()
  end
  messages()
end

return M
