--- The only use of private parts of vim.lsp.inline_completion. Written for Neovim 0.12.4; if they have moved, each function
--- returns nil, ghost text still works, and |:checkhealth| reports what is lost.
local api = vim.api
local M = {}

local DRAWN = api.nvim_create_namespace('nvim.lsp.inline_completion')
local GHOST = { ComplHint = 'FimLspGhost' } -- the built-in's highlight group, and ours
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

---@param chunks [string, string][]
local function recoloured(chunks)
  return vim.tbl_map(function(chunk)
    return { chunk[1], GHOST[chunk[2]] or chunk[2] }
  end, chunks)
end

--- Give what is drawn our own highlight group.
local function recolour(bufnr)
  for _, mark in ipairs(api.nvim_buf_get_extmarks(bufnr, DRAWN, 0, -1, { details = true })) do
    local id, row, column, drawn = unpack(mark)
    api.nvim_buf_set_extmark(bufnr, DRAWN, row, column, {
      id = id,
      virt_text = recoloured(drawn.virt_text or {}),
      virt_lines = vim.tbl_map(recoloured, drawn.virt_lines or {}),
      virt_text_pos = drawn.virt_text_pos,
      hl_mode = drawn.hl_mode,
    })
  end
end

--- Ask `prepare` each time before an item is drawn: nil leaves it to the built-in, false hides it, true draws it as ours.
---@param prepare fun(item: vim.lsp.inline_completion.Item): boolean?
function M.adopt(bufnr, prepare)
  local found = completor(bufnr)
  if not found then
    return
  end
  local show = getmetatable(found).show
  found.show = function(self, hint)
    local ours
    if self.current then
      ours = prepare(self.current)
    end
    if ours == false then
      self:hide()
      return
    end
    show(self, hint)
    if ours then
      recolour(self.bufnr)
    end
  end
end

--- Draw the item again, if it may be drawn.
function M.redraw(bufnr)
  local found = completor(bufnr)
  if found then
    found:show()
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

--- Don't send the request that a key has scheduled.
function M.stop(bufnr)
  local found = completor(bufnr)
  if found then
    found:reset_timer()
  end
end

return M
