--- Messages: visible while typing, and never in the way.
local api = vim.api
local M = {}

local WIDTH = 60 -- columns of the window, at most
local SHOWN = 10000 -- milliseconds
local LEVELS = { vim.log.levels.ERROR, vim.log.levels.WARN, vim.log.levels.INFO, vim.log.levels.DEBUG }
local HIGHLIGHTS = { 'ErrorMsg', 'WarningMsg', 'Normal', 'Normal' }

--- Whether a function is Neovim's own. A notifier of the user's can show a whole message.
local function is_own(notify)
  local source = debug.getinfo(notify, 'S').source
  return not vim.startswith(source, '@') or source:find('@vim/', 1, true) == 1
end

--- Whether it fits into the message line. For a longer message Neovim would wait for Enter.
local function fits(text)
  return vim.fn.strdisplaywidth(text) < vim.v.echospace
end

--- Shorten to one line of the screen.
local function cut(text, hint)
  if fits(text) then
    return text
  end
  local kept = text
  while kept ~= '' and not fits(kept .. hint) do
    kept = vim.fn.strcharpart(kept, 0, vim.fn.strcharlen(kept) - 1)
  end
  return kept .. hint
end

--- Wrap text at spaces to lines of up to `columns` columns.
local function wrapped(text, columns)
  local lines = { '' }
  for word in text:gmatch('%S+') do
    local longer = lines[#lines] == '' and word or lines[#lines] .. ' ' .. word
    if vim.fn.strdisplaywidth(longer) <= columns or lines[#lines] == '' then
      lines[#lines] = longer
    else
      lines[#lines + 1] = word
    end
  end
  return lines
end

--- A window in the corner, above all others. Returns what changes its text, and what closes it.
---@return fun(text: string) update, fun() close
local function corner(highlight)
  local buffer, window = api.nvim_create_buf(false, true), -1
  local function update(text)
    local lines = wrapped(text, math.min(WIDTH, vim.o.columns - 4))
    api.nvim_buf_set_lines(buffer, 0, -1, false, lines)
    local place = {
      relative = 'editor',
      anchor = 'SE',
      row = vim.o.lines - vim.o.cmdheight - 1,
      col = vim.o.columns,
      width = math.max(unpack(vim.tbl_map(vim.fn.strdisplaywidth, lines))),
      height = #lines,
      style = 'minimal',
      border = 'single',
      focusable = false,
    }
    if api.nvim_win_is_valid(window) then
      api.nvim_win_set_config(window, place)
    else
      place.noautocmd = true
      window = api.nvim_open_win(buffer, false, place)
      vim.wo[window].winhighlight = 'NormalFloat:' .. highlight
    end
  end
  return update, function()
    pcall(api.nvim_win_close, window, true)
    pcall(api.nvim_buf_delete, buffer, { force = true })
  end
end

local close_last = function() end

--- Close the window of the last message.
function M.clear()
  close_last()
end

--- Show a window in the corner until the mode changes or a timeout: in insert mode `-- INSERT --` hides messages at once.
local function float(text, highlight)
  local update, close = corner(highlight)
  close_last = close
  update(text)
  api.nvim_create_autocmd({ 'InsertEnter', 'InsertLeave' }, { once = true, callback = vim.schedule_wrap(close) })
  vim.defer_fn(close, SHOWN)
end

---@param hint string where the whole text is, if the message line is too short
local function show(text, kind, hint)
  local level = LEVELS[kind] or vim.log.levels.INFO
  text = text:gsub('%s*\n%s*', ' ')
  if not is_own(vim.notify) then
    vim.notify(text, level)
    return
  end
  M.clear()
  if vim.startswith(api.nvim_get_mode().mode, 'i') or not fits(text) then
    float(text, HIGHLIGHTS[kind] or 'Normal')
  end
  vim.notify(cut(text, hint), level)
end

--- Show a message of the server. It is whole in `:FimLsp why`.
---@param message lsp.ShowMessageParams
function M.say(message)
  local text = require('fim_lsp.words').here(message.message)
  require('fim_lsp.log').notice(text)
  show(text, message.type, ' … :FimLsp why')
end

--- Answer a command of the user's.
---@param text string a sentence
function M.info(text)
  require('fim_lsp.log').add('fim-lsp: ' .. text)
  show('fim-lsp: ' .. text, 3, ' …')
end

--- Report a problem.
---@param text string a sentence
function M.warn(text)
  M.say({ type = 2, message = 'fim-lsp: ' .. text })
end

--- A message in the corner that stays until it is closed, for something that takes long.
---@return fun(text: string) update, fun() close
function M.progress()
  M.clear()
  return corner('Normal')
end

return M
