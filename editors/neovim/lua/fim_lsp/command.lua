--- :FimLsp
local M = {}

local function client()
  local found = vim.lsp.get_clients({ bufnr = 0, name = 'fim_lsp' })[1]
  if not found then
    vim.notify('fim-lsp: not running here; see :checkhealth fim_lsp', vim.log.levels.WARN)
  end
  return found
end

---@return boolean
local function knows(found, name)
  return vim.list_contains(vim.tbl_get(found, 'server_capabilities', 'executeCommandProvider', 'commands') or {}, name)
end

--- Run a command of the server that is attached to this buffer. `done` gets its result, nil if it failed.
---@param name string without the prefix
---@param arguments? any[]
---@param done? fun(result: any)
---@return boolean whether it was sent
function M.execute(name, arguments, done)
  local found = client()
  name = 'fim-lsp.' .. name
  if not found then
    return false
  elseif not knows(found, name) then
    vim.notify(('fim-lsp: this server has no command %s'):format(name), vim.log.levels.WARN)
    return false
  end
  local params = { command = name, arguments = arguments or {} }
  return found:request('workspace/executeCommand', params, function(err, result)
    if done then
      done(not err and result or nil)
    end
  end, 0)
end

local shown = -1 ---@type integer the window of the last answer

--- Show lines in a window at the bottom, which `q` closes. Whoever is typing by now goes on in their own window.
local function show(title, lines)
  local bufnr = vim.api.nvim_create_buf(false, true)
  lines = vim.split(table.concat(lines, '\n'), '\n', { plain = true })
  vim.api.nvim_buf_set_lines(bufnr, 0, -1, false, lines)
  vim.bo[bufnr].modifiable, vim.bo[bufnr].bufhidden = false, 'wipe'
  vim.api.nvim_buf_set_name(bufnr, ('fim-lsp://%s/%d'):format(title, bufnr))
  local height = math.max(1, math.min(#lines, math.floor(vim.o.lines / 2)))
  local enter = vim.api.nvim_get_mode().mode == 'n'
  pcall(vim.api.nvim_win_close, shown, true)
  shown = vim.api.nvim_open_win(bufnr, enter, { split = 'below', win = -1, height = height, style = 'minimal' })
  vim.wo[shown].wrap, vim.wo[shown].linebreak = true, true
  vim.keymap.set('n', 'q', '<Cmd>close<CR>', { buffer = bufnr, nowait = true, desc = 'close this window' })
end

--- What the client knows, for a server that does not answer.
local function known_here()
  local status = require('fim_lsp.status').get(0) or {}
  local lines = {}
  for _, name in ipairs({ 'state', 'reason', 'backend', 'model', 'host' }) do
    lines[#lines + 1] = type(status[name]) == 'string' and ('%s: %s'):format(name, status[name]) or nil
  end
  lines[#lines + 1] = require('fim_lsp.notice').last
  return lines
end

local function why()
  M.execute('why', { { quiet = true, uri = vim.uri_from_bufnr(0) } }, function(lines)
    show('why', type(lines) == 'table' and lines or known_here())
  end)
end

--- A command whose result has lines to show. It may take some seconds, in which one can go on typing.
local function report(name, waiting)
  return function()
    local sent = M.execute(name, { { quiet = true, uri = vim.uri_from_bufnr(0) } }, function(result)
      vim.api.nvim_echo({ { '' } }, false, {})
      show(name, type(result) == 'table' and result.lines or known_here())
    end)
    if sent then
      vim.api.nvim_echo({ { waiting } }, false, {})
    end
  end
end

-- The commands that change something: the server shows a sentence about the state that results.

local function language(argument)
  local found = client()
  if found then
    M.execute('toggleLanguage', { argument or found.get_language_id(vim.api.nvim_get_current_buf(), vim.bo.filetype) })
  end
end

local function snooze(argument)
  local minutes = tonumber(argument or 30)
  if minutes then
    M.execute('snooze', { minutes })
  else
    vim.notify(("fim-lsp: '%s' is not a number of minutes"):format(argument), vim.log.levels.ERROR)
  end
end

local function turn(on)
  return function(_, everywhere)
    require('fim_lsp.buffers').enable(on, not everywhere and 0 or nil)
  end
end

---@type table<string, fun(argument: string?, everywhere: boolean)>
local COMMANDS = {
  toggle = turn(nil),
  enable = turn(true),
  disable = turn(false),
  language = language,
  snooze = snooze,
  clear = function()
    M.execute('clearCache')
  end,
  why = why,
  doctor = report('doctor', 'fim-lsp: checking settings, keys and hosts …'),
  stats = report('stats', 'fim-lsp: counting …'),
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
  local name, argument = unpack(call.fargs)
  name = name or 'toggle'
  if not COMMANDS[name] then
    vim.notify(("fim-lsp: no command '%s'; :FimLsp and CTRL-D lists them"):format(name), vim.log.levels.ERROR)
    return
  end
  COMMANDS[name](argument, call.bang)
end

return M
