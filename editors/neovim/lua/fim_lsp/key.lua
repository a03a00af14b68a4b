--- `:FimLsp key`: store an API key by the server's own command. The key goes through its standard input, and never over LSP,
--- whose messages may be logged.
local M = {}

M.HOSTS = { 'codestral', 'mistral', 'langdock' }

local LIMIT = 60000 -- milliseconds

--- What a program wrote, one sentence after the other.
local function sentences(done)
  local found = {}
  for line in ((done.stdout or '') .. '\n' .. (done.stderr or '')):gmatch('[^\n]+') do
    local text = vim.trim((line:gsub('^fim%-lsp: ', ''))):gsub('^%l', string.upper):gsub('[^.?!]$', '%0.')
    found[#found + 1] = text
  end
  return table.concat(found, ' ')
end

local function store(words, host, key)
  local notice = require('fim_lsp.notice')
  local update, close = notice.progress()
  update(('fim-lsp: storing the key for %s, and asking the host about it …'):format(host))
  local command = vim.list_extend(vim.list_slice(words), { 'key', 'set', host })
  vim.system(command, { stdin = key .. '\n', text = true, timeout = LIMIT }, vim.schedule_wrap(function(done)
    close()
    local text = sentences(done)
    if text == '' then
      text = ('`fim-lsp key set %s` ended with code %d.'):format(host, done.code)
    end
    notice[done.code == 0 and 'info' or 'warn'](text)
    for _, client in ipairs(vim.lsp.get_clients({ name = 'fim_lsp' })) do
      client:request('workspace/executeCommand', { command = 'fim-lsp.restart', arguments = { { quiet = true } } }, function() end)
    end
  end))
end

---@param host string
local function ask(host)
  local words = require('fim_lsp.server').program()
  if not words then
    require('fim_lsp.notice').warn(require('fim_lsp.server').missing())
    return
  end
  local key = vim.trim(vim.fn.inputsecret(('API key for %s: '):format(host)))
  vim.api.nvim_echo({ { '' } }, false, {}) -- the prompt
  if key == '' then
    require('fim_lsp.notice').info('no key was stored.')
    return
  end
  store(words, host, key)
end

--- Ask for a key, store it, and say whether the host accepts it.
---@param host string? a back end, a host or an address; asked for if left out
function M.set(host)
  if host then
    ask(host)
    return
  end
  vim.ui.select(M.HOSTS, { prompt = 'Which service is the key for?' }, function(choice)
    if choice then
      ask(choice)
    end
  end)
end

return M
