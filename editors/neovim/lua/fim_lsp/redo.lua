--- `.` after a change that contains accepted text.
local M = {}

--- Insert with a function, and let `.` repeat `text` after what was typed. Neovim has no interface for this but pasting: that
--- remembers its text, and has vim.paste() insert it.
---@param text string
---@param insert fun()
function M.insert(text, insert)
  local paste, done = vim.paste, false
  vim.paste = function()
    insert()
    done = true
    return true
  end
  local ok, problem = pcall(vim.api.nvim_paste, text, false, -1)
  vim.paste = paste
  if not ok then
    error(problem, 0)
  elseif not done then
    insert()
  end
end

return M
