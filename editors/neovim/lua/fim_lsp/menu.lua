--- Neovim 0.11: suggestions as items of the completion menu.
---
--- Neovim 0.11 inserts only the first word of a plain text item and indents the lines of a snippet again. So the first line
--- becomes the item's word, and the other lines are inserted when the item has been accepted.
local api = vim.api
local M = {}

local SNIPPET = 2 -- InsertTextFormat in LSP

--- The preview is a plain buffer: without the Markdown fences around the code.
---@return string?
local function preview(documentation)
  local text = type(documentation) == 'table' and documentation.value or documentation
  return type(text) == 'string' and text:gsub('^```[^\n]*\n', ''):gsub('\n```%s*$', '') or nil
end

--- For vim.lsp.completion.enable(): how Neovim converts an item. `data` is passed on to |CompleteDone|.
---@param client vim.lsp.Client
---@return fun(item: lsp.CompletionItem): table
local function converter(client)
  return function(item)
    local text = item.textEdit.newText:gsub('\r\n', '\n')
    if item.insertTextFormat == SNIPPET then
      text = text:gsub('\\([\\$}])', '%1')
      item.insertTextFormat = nil
    end
    local first, rest = text:match('^([^\n]*)(.*)$')
    local column, line = api.nvim_win_get_cursor(0)[2], api.nvim_get_current_line()
    local last = vim.str_byteindex(line, client.offset_encoding, item.textEdit.range['end'].character, false)
    item.data = { fim_lsp = { rest = rest, replaced = math.max(0, last - column) } }
    return { word = first, info = preview(item.documentation) }
  end
end

--- Insert the lines after the first, and delete what the suggestion replaces after the cursor.
local function complete()
  local item = vim.tbl_get(vim.v.completed_item, 'user_data', 'nvim', 'lsp', 'completion_item')
  local ours = type(item) == 'table' and type(item.data) == 'table' and item.data.fim_lsp
  if vim.v.event.reason ~= 'accept' or not ours then
    return
  end
  local row, column = unpack(api.nvim_win_get_cursor(0))
  local lines = vim.split(ours.rest, '\n', { plain = true })
  local last = math.min(column + ours.replaced, #api.nvim_get_current_line())
  api.nvim_buf_set_text(0, row - 1, column, row - 1, last, lines)
  api.nvim_win_set_cursor(0, { row + #lines - 1, (#lines == 1 and column or 0) + #lines[#lines] })
end

---@param client vim.lsp.Client
---@param on boolean
function M.enable(client, bufnr, on)
  vim.bo[bufnr].completeopt = on and 'menuone,noselect,popup' or '' -- the default inserts a single item without asking
  vim.lsp.completion.enable(on, client.id, bufnr, { autotrigger = true, convert = converter(client) })
  local group = api.nvim_create_augroup('fim_lsp.menu.' .. bufnr, {})
  if on then
    api.nvim_create_autocmd('CompleteDone', { group = group, buffer = bufnr, callback = complete })
  end
end

return M
