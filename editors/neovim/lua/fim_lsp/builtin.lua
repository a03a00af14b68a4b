--- The only use of private parts of vim.lsp.inline_completion. Written for Neovim 0.12.4; if they have moved, each function
--- returns nil, ghost text still works, and |:checkhealth| reports what is lost.
local M = {}

local METHODS = { 'hide', 'show', 'select', 'count_items', 'get_item', 'request', 'reset_timer' }

---@return table? completor the built-in's state for a buffer
local function completor(bufnr)
  local ok, capability = pcall(require, 'vim.lsp._capability')
  local class = ok and vim.tbl_get(capability, 'all', 'inline_completion')
  local found = class and vim.tbl_get(class, 'active', bufnr)
  for _, method in ipairs(METHODS) do
    if found and type(found[method]) ~= 'function' then
      return nil
    end
  end
  return found or nil
end

--- Whether the private parts are where they are expected; also false where no client is attached.
function M.known(bufnr)
  return completor(bufnr) ~= nil
end

--- The item that is shown, or would be accepted.
---@return vim.lsp.inline_completion.Item?
function M.item(bufnr)
  local found = completor(bufnr)
  return found and found.current
end

--- Hide the ghost text. The item remains and is shown again at the next key.
function M.hide(bufnr)
  local found = completor(bufnr)
  if found then
    found:hide()
  end
end

--- Show an item again after a part of it was accepted, which dropped it; with a `hint` after it.
---@param hint? string
function M.keep(bufnr, item, hint)
  local found = completor(bufnr)
  if found then
    found.current = item
    found:show(hint)
  end
end

--- How many suggestions there are to cycle through.
function M.count(bufnr)
  local found = completor(bufnr)
  return found and found:count_items()
end

--- Show the first suggestion that fits, instead of the very first.
---@param fits fun(text: string): boolean
function M.prefer(bufnr, fits)
  local found = completor(bufnr)
  for index = 1, found and found:count_items() or 0 do
    local _, item = found:get_item(index)
    if item and fits(item.insertText) then
      if index > 1 then
        found:select(index)
      end
      return
    end
  end
end

--- Replace the suggestions of a client, and show one of them.
---@param items lsp.InlineCompletionItem[]
---@param index integer
function M.offer(bufnr, client_id, items, index)
  local found = completor(bufnr)
  if found and found.client_state[client_id] then
    found.client_state[client_id].items = items
    found:select(index, true)
  end
end

--- Send a request now, instead of after the built-in's 200 ms.
---@param kind lsp.InlineCompletionTriggerKind
function M.ask(bufnr, kind)
  local found = completor(bufnr)
  if found then
    found:reset_timer()
    found:request(kind)
  end
  return found ~= nil
end

return M
