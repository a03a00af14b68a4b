--- A window below, for what the server explains.
local api = vim.api
local M = {}

local shown = -1 ---@type integer the window of the last answer

--- How many rows of the screen lines take when they are wrapped at words.
local function rows(lines)
  return vim.iter(lines):fold(0, function(sum, line)
    return sum + math.max(1, math.ceil(vim.fn.strdisplaywidth(line) * 1.05 / vim.o.columns))
  end)
end

--- Show lines in a window at the bottom, which `q` closes. Whoever is typing by now goes on in their own window.
---@param title string
---@param lines string[]
function M.show(title, lines)
  local bufnr = api.nvim_create_buf(false, true)
  lines = vim.split(table.concat(lines, '\n'), '\n', { plain = true })
  api.nvim_buf_set_lines(bufnr, 0, -1, false, lines)
  vim.bo[bufnr].modifiable, vim.bo[bufnr].bufhidden = false, 'wipe'
  api.nvim_buf_set_name(bufnr, ('fim-lsp://%s/%d'):format(title, bufnr))
  local height = math.max(1, math.min(rows(lines), math.floor(vim.o.lines / 2)))
  local enter = api.nvim_get_mode().mode == 'n'
  pcall(api.nvim_win_close, shown, true)
  require('fim_lsp.notice').clear()
  shown = api.nvim_open_win(bufnr, enter, { split = 'below', win = -1, height = height, style = 'minimal' })
  vim.wo[shown].wrap, vim.wo[shown].linebreak = true, true
  vim.keymap.set('n', 'q', '<Cmd>close<CR>', { buffer = bufnr, nowait = true, desc = 'close this window' })
end

return M
