--- The private parts of vim.lsp.inline_completion that are used, all of them. Written for Neovim 0.12.4; if they have moved,
--- each function says so by nil, ghost text still works, and |:checkhealth| tells what is lost.
local M = {}

local METHODS = { 'hide', 'show', 'request', 'reset_timer' }

---@return table? completor the built-in's state of a buffer
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

--- Whether the private parts are where they are expected; false too where no client is attached.
function M.known(bufnr)
  return completor(bufnr) ~= nil
end

--- The item that is shown, or would be accepted.
---@return vim.lsp.inline_completion.Item?
function M.item(bufnr)
  local found = completor(bufnr)
  return found and found.current
end

--- Take the ghost from the screen. The item stays, and shows itself again at the next key.
function M.hide(bufnr)
  local found = completor(bufnr)
  if found then
    found:hide()
  end
end

--- Show an item again, which accepting a part of it has dropped.
function M.keep(bufnr, item)
  local found = completor(bufnr)
  if found then
    found.current = item
    found:show()
  end
end

--- Ask now, instead of after the built-in's 200 ms.
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
