--- The server's process: which command starts it, and what happens when it is missing or ends.
local api = vim.api
local M = {}

M.NAME = 'fim_lsp' -- of the client
M.PROGRAM = 'fim-lsp'

local DELAYS = { 500, 1000, 2000, 4000 } -- milliseconds before each further start after a crash
local STABLE = 60000 -- milliseconds after which a start counts as successful
local OPTIONS = { ['--stdio'] = true, ['--log-file'] = true, ['--log-level'] = true, ['--tcp'] = true, ['--socket'] = true }

local command ---@type string[]? as given to setup()
local failures, pending = 0, false
local gave_up = false
local told = false ---@type boolean that the server is missing

---@param given string[]?
function M.set_command(given)
  command = given
end

--- The folder of the project, if the plugin lies in a clone of it.
---@return string?
function M.clone()
  local file = vim.uv.fs_realpath(debug.getinfo(1, 'S').source:sub(2)) or ''
  local root = vim.fn.fnamemodify(file, ':h:h:h:h:h')
  local function has(path)
    return vim.uv.fs_stat(vim.fs.joinpath(root, path)) ~= nil
  end
  return has('pyproject.toml') and has('fim_lsp/__init__.py') and root or nil
end

--- The command that starts the server: the one given to setup(), `fim-lsp` on the PATH, or the one that the plugin fetched.
---@return string[]?
function M.find()
  for _, each in ipairs({ command or { M.PROGRAM }, not command and { require('fim_lsp.fetch').program() } or nil }) do
    if vim.fn.executable(each[1]) == 1 then
      return each
    end
  end
end

--- The same without the options of a server, to run another command of the program.
---@return string[]?
function M.program()
  local words = {}
  for _, word in ipairs(M.find() or {}) do
    if OPTIONS[word:match('^[^=]+')] then
      break
    end
    words[#words + 1] = word
  end
  return words[1] and words
end

--- Whether this plugin starts the server, and not a command that the user gave to vim.lsp.config().
function M.is_managed()
  return vim.tbl_get(vim.lsp.config, M.NAME, 'cmd') == M.spawn
end

--- Whether there is a server to start. If there is none, the user is told once, or asked whether to fetch it.
---@return boolean
function M.is_available()
  if not M.is_managed() or M.find() then
    return true
  end
  if not told then
    told = true
    require('fim_lsp.fetch').offer(M.missing())
  end
  return false
end

--- That there is no server, and the command that installs it from where the plugin lies.
---@return string
function M.missing()
  local clone = M.clone()
  if command then
    return ("the server's command `%s` was not found; setup() names it in `cmd`."):format(command[1])
  elseif not clone then
    return 'the server is not installed: run `pipx install` with the path of a clone of its repository.'
  end
  local tool = vim.fn.executable('uv') == 1 and 'uv tool install' or 'pipx install'
  return ('the server is not installed. `:FimLsp install` fetches it, or run `%s %s`.'):format(tool, clone)
end

--- For vim.lsp.config(): start the server. Its unexpected end is handled here, without Neovim's own message, which waits for
--- Enter.
---@param dispatchers vim.lsp.rpc.Dispatchers
---@param config? vim.lsp.ClientConfig Neovim 0.11 passes none
function M.spawn(dispatchers, config)
  config = config or vim.lsp.config[M.NAME]
  local is_expected, began = false, vim.uv.now()
  local ours = vim.tbl_extend('force', dispatchers, {
    on_exit = function(code, signal)
      dispatchers.on_exit(0, 0)
      if not is_expected then
        vim.schedule(function()
          M.ended(code, signal, vim.uv.now() - began)
        end)
      end
    end,
  })
  local words = assert(M.find(), M.missing())
  local rpc = vim.lsp.rpc.start(words, ours, { cwd = config.cmd_cwd, env = config.cmd_env, detached = config.detached })
  require('fim_lsp.log').add(('started `%s`'):format(table.concat({ vim.fn.exepath(words[1]), unpack(words, 2) }, ' ')))
  return vim.tbl_extend('force', rpc, {
    request = function(method, ...)
      is_expected = is_expected or method == 'shutdown'
      return rpc.request(method, ...)
    end,
    terminate = function()
      is_expected = true
      return rpc.terminate()
    end,
  })
end

--- The server has ended by itself: start it again, later each time, and give up after some.
---@param lived integer milliseconds
function M.ended(code, signal, lived)
  local how = signal ~= 0 and 'by signal ' .. signal or 'with exit code ' .. code
  require('fim_lsp.log').add('the server has ended ' .. how)
  if pending or vim.v.exiting ~= vim.NIL then
    return
  end
  failures = lived > STABLE and 1 or failures + 1
  local notice = require('fim_lsp.notice')
  gave_up = failures > #DELAYS
  if gave_up then
    notice.warn(('%s `:FimLsp log` shows what it wrote.'):format(M.stopped()))
    return
  elseif failures == 1 then
    notice.warn(('the server has ended %s and is started again; `:FimLsp log` shows what it wrote.'):format(how))
  end
  pending = true
  vim.defer_fn(function()
    pending = false
    M.start()
  end, DELAYS[failures])
end

--- That the server is not started any more, if so.
---@return string?
function M.stopped()
  return gave_up and ('the server has ended %d times and stays off; `:FimLsp restart` starts it again.'):format(failures) or nil
end

--- Start the server for all buffers that it serves, where it is not running.
function M.start()
  for _, bufnr in ipairs(api.nvim_list_bufs()) do
    if api.nvim_buf_is_loaded(bufnr) and vim.bo[bufnr].filetype ~= '' then
      pcall(api.nvim_exec_autocmds, 'FileType', { group = 'nvim.lsp.enable', buffer = bufnr, modeline = false })
    end
  end
end

local function clients()
  return vim.lsp.get_clients({ name = M.NAME, _uninitialized = true })
end

--- Stop the server, and start it again when it has ended.
function M.restart()
  failures, gave_up, told = 0, false, false
  local waited, timer, was_running = 0, assert(vim.uv.new_timer()), #clients() > 0
  for _, client in ipairs(clients()) do
    client:stop()
  end
  timer:start(0, 50, vim.schedule_wrap(function()
    waited = waited + 50
    if timer:is_closing() then
      return
    elseif #clients() > 0 and waited < 10000 then
      if waited == 3000 then
        vim.iter(clients()):each(function(client)
          client:stop(true)
        end)
      end
      return
    end
    timer:close()
    if was_running then
      api.nvim_create_autocmd('LspAttach', { once = true, callback = vim.schedule_wrap(function()
        require('fim_lsp.notice').info('the server has been restarted.')
      end) })
    end
    M.start()
  end))
end

return M
