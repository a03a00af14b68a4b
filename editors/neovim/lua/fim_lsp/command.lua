--- :FimLsp
local session = require('fim_lsp.session')
local M = {}

local function notice()
  return require('fim_lsp.notice')
end

local function client()
  return vim.lsp.get_clients({ bufnr = 0, name = 'fim_lsp' })[1]
end

--- Run a command of the server that is attached to this buffer. `done` gets its result, nil if it failed.
---@param name string without the prefix
---@param arguments? any[]
---@param done? fun(result: any)
---@return boolean whether it was sent
function M.execute(name, arguments, done)
  local found = client()
  if not found then
    notice().warn(require('fim_lsp.reasons').of(0)[1])
    return false
  elseif not session.knows(found, name) then
    notice().warn(('this server has no command fim-lsp.%s; `:FimLsp install` brings its newest version.'):format(name))
    return false
  end
  local params = { command = 'fim-lsp.' .. name, arguments = arguments or {} }
  return found:request('workspace/executeCommand', params, function(err, result)
    if done then
      done(not err and result or nil)
    end
  end, 0)
end

--- What the client knows, for a server that does not answer.
local function known_here()
  local status = require('fim_lsp.status').get(0) or {}
  local lines = {}
  for _, name in ipairs({ 'state', 'reason', 'backend', 'model', 'host' }) do
    lines[#lines + 1] = type(status[name]) == 'string' and ('%s: %s'):format(name, status[name]) or nil
  end
  return lines
end

local function about_here()
  return { { quiet = true, uri = vim.uri_from_bufnr(0) } }
end

--- Why there is no suggestion here: what Neovim knows, what the server knows, and the latest messages in full.
local function why()
  local function show(lines)
    lines = vim.tbl_map(require('fim_lsp.words').here, lines)
    local found = vim.list_extend(require('fim_lsp.reasons').of(0), lines)
    local messages = require('fim_lsp.log').notices()
    if #messages > 0 then
      vim.list_extend(found, { '', 'Messages:' })
      vim.list_extend(found, messages)
    end
    require('fim_lsp.window').show('why', found)
  end
  if not client() then
    show({})
    return
  end
  M.execute('why', about_here(), function(lines)
    show(type(lines) == 'table' and lines or known_here())
  end)
end

--- Whether a sentence of `why` says that all is well.
local function is_fine(line)
  return line:find(' gets suggestions from ', 1, true) or vim.startswith(line, 'fim-lsp is idle')
end

--- The sentences of `why` about this buffer and about the server's state, which end with the latter.
---@param lines string[]
local function present(lines)
  local found = {}
  for _, line in ipairs(lines) do
    found[#found + 1] = require('fim_lsp.words').here(line)
    if vim.startswith(line, 'fim-lsp is ') then
      break
    end
  end
  return found
end

--- Say what holds here; after a change, what holds now, and what else is in the way.
---@param change string? a sentence
local function status(change)
  local reasons = require('fim_lsp.reasons').of(0)
  if #reasons > 0 or not client() then
    local said = change and not vim.startswith(reasons[1], change:sub(1, -2)) and { change, reasons[1] } or { reasons[1] }
    notice().info(table.concat(said, ' '))
    return
  end
  M.execute('why', about_here(), function(lines)
    local found = present(type(lines) == 'table' and lines or known_here())
    if change then
      found = vim.list_extend({ change }, vim.iter(found):filter(function(line)
        return not is_fine(line)
      end):totable())
    end
    notice().info(table.concat(found, ' '))
  end)
end

--- A command whose result has lines to show. It may take some seconds, in which one can go on typing.
local function report(name, waiting)
  return function()
    local sent = M.execute(name, about_here(), function(result)
      vim.api.nvim_echo({ { '' } }, false, {})
      require('fim_lsp.window').show(name, type(result) == 'table' and result.lines or known_here())
    end)
    if sent then
      vim.api.nvim_echo({ { waiting } }, false, {})
    end
  end
end

--- Turn suggestions for a language on or off, in all buffers.
---@param on boolean? nil for the other
local function language(name, on)
  on = vim.F.if_nil(on, session.is_off(name))
  session.choose('language ' .. name, 'toggleLanguage', { name, on })
end

---@return string of the current buffer, as the server knows it
local function own_language()
  local found, bufnr = client(), vim.api.nvim_get_current_buf()
  return found and found.get_language_id(bufnr, vim.bo.filetype) or vim.bo.filetype
end

--- Turn ghost text on or off here, everywhere, or for a file type, and say what holds then.
---@param on boolean? nil for the other
local function turn(on)
  return function(where, everywhere)
    everywhere = everywhere or where == 'everywhere'
    if where and where ~= 'here' and where ~= 'everywhere' then
      language(where, on)
      return
    end
    require('fim_lsp.buffers').enable(on, not everywhere and 0 or nil)
    local is_on = require('fim_lsp.buffers').is_enabled(vim.api.nvim_get_current_buf())
    status(('Ghost text is %s %s.'):format(is_on and 'on' or 'off', everywhere and 'everywhere' or 'in this buffer'))
  end
end

local function snooze(argument)
  local minutes = tonumber(argument or 30)
  if minutes then
    session.choose('snooze', 'snooze', { minutes })
  else
    notice().warn(("'%s' is not a number of minutes."):format(argument))
  end
end

--- Suggest as the user types, or only on demand.
local function trigger(argument)
  session.choose('trigger', 'trigger', { argument == 'setting' and vim.NIL or argument })
end

--- Use another model in this session. Without a name, let the user choose among those that the host offers.
local function model(name)
  local function choose(id)
    session.choose('model', 'model', { id == 'setting' and vim.NIL or id })
  end
  if name then
    choose(name)
    return
  end
  session.choose(nil, 'model', {}, function(result)
    local models = type(result.models) == 'table' and vim.list_slice(result.models) or {}
    if #models == 0 then
      vim.ui.input({ prompt = ('Model (now %s): '):format(result.model or 'none') }, function(id)
        if id and id ~= '' then
          choose(id)
        end
      end)
      return
    end
    local function describe(id)
      return id == 'setting' and 'back to the setting' or id == result.model and id .. ' (now)' or id
    end
    models[#models + 1] = 'setting'
    vim.ui.select(models, { prompt = 'Model for this session:', format_item = describe }, function(id)
      if id then
        choose(id)
      end
    end)
  end)
end

--- Ask now. From normal mode, go into insert mode after the cursor first, where the ghost text appears.
local function ask()
  local function act()
    if not require('fim_lsp.buffers').has_inline then
      vim.lsp.completion.get()
    elseif not client() then
      notice().warn(require('fim_lsp.reasons').of(0)[1])
    else
      require('fim_lsp.ghost').act('ask')
    end
  end
  if vim.startswith(vim.api.nvim_get_mode().mode, 'i') then
    act()
    return
  end
  vim.api.nvim_create_autocmd('InsertEnter', { once = true, callback = vim.schedule_wrap(act) })
  vim.api.nvim_feedkeys('a', 'n', false)
end

---@return string[]
local function places()
  return vim.list_extend({ 'here', 'everywhere' }, vim.fn.getcompletion('', 'filetype'))
end

---@class fim_lsp.Command
---@field [1] fun(argument: string?, everywhere: boolean)
---@field [2]? fun(): string[] what its argument may be

---@type table<string, fim_lsp.Command>
local COMMANDS = {
  status = { function() status() end },
  toggle = { turn(nil), places },
  enable = { turn(true), places },
  disable = { turn(false), places },
  language = {
    function(name) language(name or own_language()) end,
    function() return vim.fn.getcompletion('', 'filetype') end,
  },
  snooze = { snooze, function() return { '0', '15', '30', '60' } end },
  trigger = { trigger, function() return { 'auto', 'manual', 'setting' } end },
  ask = { ask },
  clear = { function() session.choose(nil, 'clearCache', {}) end },
  why = { why },
  doctor = { report('doctor', 'fim-lsp: checking settings, keys and hosts …') },
  stats = { report('stats', 'fim-lsp: counting …') },
  log = { function() require('fim_lsp.window').show('log', require('fim_lsp.log').lines()) end },
  key = { function(host) require('fim_lsp.key').set(host) end, function() return require('fim_lsp.key').HOSTS end },
  model = { model, function() return { 'setting' } end },
  restart = { function() require('fim_lsp.server').restart() end },
  install = { function() require('fim_lsp.fetch').install() end },
}

--- For command completion: what may come at the end of a command line.
---@param lead string
---@param line string
---@return string[]
function M.complete(lead, line)
  local words = vim.split(vim.trim(line:sub(1, #line - #lead)), '%s+')
  local command = COMMANDS[words[2]]
  local all = #words == 1 and vim.tbl_keys(COMMANDS) or #words == 2 and command and command[2] and command[2]() or {}
  local found = vim.tbl_filter(function(name)
    return vim.startswith(name, lead)
  end, all)
  if #words == 1 then
    table.sort(found)
  end
  return found
end

--- With `!`, toggle, enable and disable apply to all buffers.
function M.run(call)
  local name, argument = unpack(call.fargs)
  name = name or 'status'
  if not COMMANDS[name] then
    notice().warn(("there is no command '%s'; `:FimLsp` and CTRL-D lists them."):format(name))
    return
  end
  COMMANDS[name][1](argument, call.bang)
end

return M
