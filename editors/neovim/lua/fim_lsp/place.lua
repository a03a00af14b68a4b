--- Where a suggestion goes after the user has typed on. Pure: lines and numbers in, numbers out.
local M = {}

---@class fim_lsp.Offer What the server offered, in the coordinates of the line as it was asked about; rows and columns from 0, in bytes.
---@field text string
---@field row integer
---@field from integer
---@field to integer

---@class fim_lsp.Place What to put where: the bytes from..to of the row, of which the first `typed` are the text's own beginning.
---@field from integer
---@field to integer
---@field typed string

--- Find the place in the line as it is now, or nil if the suggestion no longer fits what stands there.
---
--- What was asked about is cut into three: before the range, the range, after it. The first and the last must still be
--- there; between them stands what was typed since, and it must be how the suggestion begins. So a suggestion that is
--- accepted quickly repeats nothing, one that was typed past is refused, and a bracket that the editor paired is replaced.
---@param offer fim_lsp.Offer
---@param asked string? the line when it was asked about; nil: it was not seen, so it is taken as it is now
---@param line string the line now
---@param row integer the cursor's row
---@param column integer the cursor's column
---@return fim_lsp.Place?
function M.find(offer, asked, line, row, column)
  if row ~= offer.row or column < offer.from then
    return nil
  end
  local head, tail = line:sub(1, offer.from), asked and asked:sub(offer.to + 1) or line:sub(math.max(offer.to, column) + 1)
  if asked and head ~= asked:sub(1, offer.from) or not vim.endswith(line, tail) then
    return nil
  end
  local to = #line - #tail
  local typed = line:sub(offer.from + 1, column)
  if column > to or not vim.startswith(offer.text, typed) then
    return nil
  end
  return { from = offer.from, to = to, typed = typed }
end

local LETTERS = '[%w_\128-\255]+'

--- What of the rest of a suggestion is taken at once. A word takes the blanks before it along, a line the break before it.
---@type table<string, fun(rest: string): string>
M.parts = {
  accept = function(rest)
    return rest
  end,
  accept_word = function(rest)
    return rest:match('^%s*' .. LETTERS) or rest:match('^%s*[^%w_%s\128-\255]+') or rest
  end,
  accept_line = function(rest)
    return rest:match('^\n?[^\n]*')
  end,
}

return M
