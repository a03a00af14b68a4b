--- Messages from the server: visible while typing, and never in the way.
local api = vim.api
local M = {}

--- The last message in full.
M.last = nil ---@type string?

local WIDTH = 60 -- columns of the window, at most
local SHOWN = 10000 -- milliseconds
local LEVELS = { vim.log.levels.ERROR, vim.log.levels.WARN, vim.log.levels.INFO, vim.log.levels.DEBUG }
local HIGHLIGHTS = { 'ErrorMsg', 'WarningMsg', 'Normal', 'Normal' }

--- Whether a function is Neovim's own. A notifier of the user's can show a whole message.
local function is_own(notify)
  local source = debug.getinfo(notify, 'S').source
  return not vim.startswith(source, '@') or source:find('@vim/', 1, true) == 1
end

--- Shorten to one line of the screen: for a longer message Neovim would wait for Enter.
local function cut(text)
  local room, hint = vim.v.echospace - 1, ' … :FimLsp why'
  if vim.fn.strdisplaywidth(text) <= room then
    return text
  end
  local kept = text
  while kept ~= '' and vim.fn.strdisplaywidth(kept .. hint) > room do
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

--- Show a window in the corner until insert mode ends or a timeout: in insert mode `-- INSERT --` hides messages at once.
local function float(text, highlight)
  local lines = wrapped(text, math.min(WIDTH, vim.o.columns - 4))
  local buffer = api.nvim_create_buf(false, true)
  api.nvim_buf_set_lines(buffer, 0, -1, false, lines)
  local width = math.max(unpack(vim.tbl_map(vim.fn.strdisplaywidth, lines)))
  local window = api.nvim_open_win(buffer, false, {
    relative = 'editor',
    anchor = 'SE',
    row = vim.o.lines - vim.o.cmdheight - 1,
    col = vim.o.columns,
    width = width,
    height = #lines,
    style = 'minimal',
    border = 'single',
    focusable = false,
    noautocmd = true,
  })
  vim.wo[window].winhighlight = 'NormalFloat:' .. highlight
  local function close()
    pcall(api.nvim_win_close, window, true)
    pcall(api.nvim_buf_delete, buffer, { force = true })
  end
  api.nvim_create_autocmd('InsertLeave', { once = true, callback = vim.schedule_wrap(close) })
  vim.defer_fn(close, SHOWN)
end

---@param message lsp.ShowMessageParams
function M.say(message)
  local text = message.message:gsub('%s*\n%s*', ' ')
  local level = LEVELS[message.type] or vim.log.levels.INFO
  M.last = message.message
  if not is_own(vim.notify) then
    vim.notify(text, level)
    return
  end
  if vim.startswith(api.nvim_get_mode().mode, 'i') then
    float(text, HIGHLIGHTS[message.type] or 'Normal')
  end
  vim.notify(cut(text), level)
end

return M
