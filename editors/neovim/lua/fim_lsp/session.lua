--- What the user has chosen for this session, of all servers: languages, snoozing, trigger and model. A server that starts
--- later, after a crash or for another project, is told too.
local M = {}

local chosen = {} ---@type table<string, { name: string, arguments: any[], ends: integer? }> by what they are about

local function clients()
  return vim.lsp.get_clients({ name = 'fim_lsp' })
end

--- Whether a server has a command.
---@param name string without the prefix
---@return boolean
function M.knows(client, name)
  local names = vim.tbl_get(client, 'server_capabilities', 'executeCommandProvider', 'commands') or {}
  return vim.list_contains(names, 'fim-lsp.' .. name)
end

---@param done? fun(result: any) gets the result, nil if it failed
local function send(client, name, arguments, done)
  local params = { command = 'fim-lsp.' .. name, arguments = vim.list_extend(vim.list_slice(arguments), { { quiet = true } }) }
  return client:request('workspace/executeCommand', params, function(err, result)
    if done then
      done(not err and type(result) == 'table' and result or nil)
    end
  end, vim.api.nvim_get_current_buf())
end

--- Choose something in all servers, and say what holds then. A nil for `about` is not kept.
---@param about string?
---@param name string the command
---@param arguments any[]
---@param done? fun(result: table)
function M.choose(about, name, arguments, done)
  local here = vim.lsp.get_clients({ name = 'fim_lsp', bufnr = 0 })[1] or clients()[1]
  local notice = require('fim_lsp.notice')
  if not here then
    notice.warn(require('fim_lsp.reasons').of(0)[1] or 'the server is not running.')
    return
  elseif not M.knows(here, name) then
    notice.warn(('this server has no command fim-lsp.%s; `:FimLsp install` brings its newest version.'):format(name))
    return
  end
  send(here, name, arguments, function(result)
    if not result then
      notice.warn('the server gave no answer; see `:FimLsp log`.')
      return
    end
    if about then
      local ends = name == 'snooze' and os.time() + arguments[1] * 60 or nil
      chosen[about] = { name = name, arguments = result.trigger and #arguments == 0 and { result.trigger } or arguments, ends = ends }
      for _, client in ipairs(clients()) do
        if client.id ~= here.id then
          send(client, name, chosen[about].arguments)
        end
      end
    end
    if done then
      done(result)
    else
      notice.info(result.message)
    end
  end)
end

--- Whether suggestions for a language were turned off in this session.
---@param language string
---@return boolean
function M.is_off(language)
  local choice = chosen['language ' .. language]
  return choice ~= nil and choice.arguments[2] == false
end

--- A server has started: tell it what was chosen.
function M.replay(client)
  for about, choice in pairs(chosen) do
    local arguments = choice.arguments
    if choice.ends then
      local left = math.ceil((choice.ends - os.time()) / 60)
      arguments = { left }
      if left <= 0 then
        chosen[about], arguments = nil, nil
      end
    end
    if arguments and M.knows(client, choice.name) then
      send(client, choice.name, arguments)
    end
  end
end

return M
