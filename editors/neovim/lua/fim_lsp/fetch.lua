--- The server in a folder of this plugin's own, installed from the clone that the plugin lies in.
local api = vim.api
local M = {}

local PYTHONS = { 'python3', 'python3.14', 'python3.13', 'python3.12', 'python3.11', 'python' }
local CHECK = 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))'
local is_windows = vim.fn.has('win32') == 1

local running = false

--- Where programs run: not in the project, whose venv.py Python would import, and whose uv.toml names other indexes.
---@return string
local function elsewhere()
  local data = vim.fn.stdpath('data')
  vim.fn.mkdir(data, 'p')
  return data
end

---@return string
local function folder()
  return vim.fs.joinpath(vim.fn.stdpath('data'), 'fim-lsp', 'venv')
end

local function inside(name)
  return vim.fs.joinpath(folder(), is_windows and 'Scripts' or 'bin', name .. (is_windows and '.exe' or ''))
end

--- Where the fetched server is, or would be.
---@return string
function M.program()
  return inside(require('fim_lsp.server').PROGRAM)
end

local function python()
  return vim.iter(PYTHONS):find(function(name)
    return vim.fn.executable(name) == 1 and vim.system({ name, '-I', '-c', CHECK }, { cwd = elsewhere() }):wait(10000).code == 0
  end)
end

--- The commands that make the environment and install the server, each with what it does.
---@param clone string
---@return { [1]: string, [2]: string[] }[]? steps, string? problem
local function steps(clone)
  local has_uv = vim.fn.executable('uv') == 1
  local there = vim.fn.executable(inside(has_uv and 'python' or 'pip')) == 1 -- uv's environments have no pip
  local found = not has_uv and not there and python()
  if not has_uv and not there and not found then
    return nil, 'Python 3.11 or newer with its module venv is needed (on Debian, the package python3-venv), or uv.'
  end
  local make = has_uv and { 'uv', 'venv', '--python', '>=3.11', folder() } or { found, '-I', '-m', 'venv', folder() }
  local pip = has_uv and { 'uv', 'pip', 'install', '--python', inside('python'), '--reinstall-package', 'fim-lsp', clone }
    or { inside('python'), '-I', '-m', 'pip', 'install', '--disable-pip-version-check', '--upgrade', clone }
  local install = { 'installing the server', pip }
  return there and { install } or { { 'making a Python environment', make }, install }
end

--- Run one command after the other, and show its last line meanwhile.
---@param done fun(problem: string?)
local function run(list, number, update, done)
  local step = list[number]
  if not step then
    return done()
  end
  local what = ('fim-lsp: %s (%d of %d) …'):format(step[1], number, #list)
  local log = require('fim_lsp.log')
  log.add(table.concat(step[2], ' '))
  update(what)
  local last = ''
  local function read(_, chunk)
    local line = (chunk or ''):match('([^\r\n]+)%s*$')
    if line then
      last = vim.trim(line)
      vim.schedule(function()
        log.add(last)
        update(what .. ' ' .. last)
      end)
    end
  end
  local options = { cwd = elsewhere(), text = true, stdout = read, stderr = read }
  local ok, problem = pcall(vim.system, step[2], options, function(result)
    vim.schedule(function()
      if result.code == 0 then
        run(list, number + 1, update, done)
      else
        done(('`%s` failed: %s'):format(step[2][1], last))
      end
    end)
  end)
  if not ok then
    done(tostring(problem))
  end
end

--- Install the server, or install it again, and start it.
function M.install()
  local server, notice = require('fim_lsp.server'), require('fim_lsp.notice')
  local clone = server.clone()
  local list, problem
  if running then
    return
  elseif not clone then
    problem = server.missing()
  else
    list, problem = steps(clone)
  end
  if not list then
    notice.warn(problem)
    return
  end
  running = true
  local update, close = notice.progress()
  run(list, 1, update, function(failure)
    running = false
    close()
    if failure then
      notice.warn(failure .. ' (`:FimLsp log` has all of it)')
      return
    end
    notice.info('the server is installed. `:FimLsp key` sets a key; without one it learns from your files.')
    server.restart()
  end)
end

local function declined()
  return vim.fs.joinpath(vim.fn.stdpath('state'), 'fim-lsp-declined')
end

local function ask(missing)
  local question = 'fim-lsp: the server is not installed. Fetch it into ' .. vim.fn.fnamemodify(folder(), ':~') .. '?'
  local choice = vim.fn.confirm(question, '&Yes\n&No', 1)
  api.nvim_command('redraw')
  if choice == 1 then
    M.install()
    return
  elseif choice == 2 then
    vim.fn.writefile({}, declined())
  end
  require('fim_lsp.notice').info(missing)
end

--- Ask whether to fetch the server, unless the user has said no before or there is no clone to install from; then only say
--- what is missing.
---@param missing string
function M.offer(missing)
  local server = require('fim_lsp.server')
  local may_ask = server.clone() and not vim.uv.fs_stat(declined()) and missing:find(':FimLsp install', 1, true)
  local function act()
    if #api.nvim_list_uis() == 0 then
      return
    elseif not may_ask then
      require('fim_lsp.notice').warn(missing)
    elseif api.nvim_get_mode().mode == 'n' then
      ask(missing)
    else -- not while somebody types
      api.nvim_create_autocmd('ModeChanged', { pattern = '*:n', once = true, callback = vim.schedule_wrap(act) })
    end
  end
  if vim.v.vim_did_enter == 1 then
    vim.schedule(act)
  else
    api.nvim_create_autocmd('VimEnter', { once = true, callback = vim.schedule_wrap(act) })
  end
end

return M
