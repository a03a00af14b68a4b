--- Where a suggestion is inserted after the user has typed on. Pure functions of lines and numbers.
local M = {}

---@class fim_lsp.Offer A suggestion, in coordinates of the line at the time of the request; rows and columns count from 0, in bytes.
---@field text string
---@field row integer
---@field from integer
---@field to integer

---@class fim_lsp.Place The bytes from..to of the row that the text replaces; `typed` is the beginning of the text that is already there.
---@field from integer
---@field to integer
---@field typed string

--- Find the place in the current line, or nil if the suggestion no longer matches it.
---
--- The line at the time of the request has three parts: before the range, the range, after it. The first and the last must be
--- unchanged; the text between them was typed since and must be the beginning of the suggestion. So a suggestion that is
--- accepted quickly repeats nothing, one that was typed past is rejected, and a bracket inserted by the editor is replaced.
---@param offer fim_lsp.Offer
---@param asked string? the line at the time of the request; nil if unknown, then the current line is used
---@param line string the current line
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

--- The part of the remaining suggestion that each action accepts. A word includes the spaces before it, a line the line break
--- before it.
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
