--- Insert mode keys. A key keeps its usual meaning when there is nothing to do for its action.
local api = vim.api
local M = {}

---@type table<fim_lsp.Action, string>
M.DEFAULT = {
  accept = '<Tab>',
  accept_word = '<M-Right>',
  accept_line = '<M-Down>',
  next = '<M-]>',
  previous = '<M-[>',
  dismiss = '<C-]>',
  ask = '<M-\\>',
}

local TEXT = {
  accept = 'accept the ghost text',
  accept_word = 'accept the next word of the ghost text',
  accept_line = 'accept the next line of the ghost text',
  next = 'show the next suggestion',
  previous = 'show the previous suggestion',
  dismiss = 'dismiss the ghost text',
  ask = 'ask for ghost text now',
}

local set = {} ---@type table<string, table> the keys that are mapped here, and their previous mappings as returned by maparg()

local function feed(keys, remap)
  api.nvim_feedkeys(api.nvim_replace_termcodes(keys, true, true, true), remap and 'im' or 'in', false)
end

--- Run the mapping that ours replaced, or the key's default.
---@param before table as returned by maparg(); empty for none
local function fall_through(before, key)
  local remap = before.noremap == 0
  local result = before.rhs
  if before.callback then
    result = before.callback()
    if before.expr ~= 1 then
      return
    end
  elseif before.expr == 1 then
    result = api.nvim_eval(before.rhs)
  elseif not result or result == '' then
    result = key
  end
  if type(result) == 'string' and result ~= '' then
    feed(result, remap)
  end
end

--- Whether an item of the completion menu is selected: then keys belong to the menu.
local function menu_is_used()
  return vim.fn.pumvisible() == 1 and vim.fn.complete_info({ 'selected' }).selected >= 0
end

local function map(action, key)
  local before = vim.fn.maparg(key, 'i', false, true)
  vim.keymap.set('i', key, function()
    if menu_is_used() or not require('fim_lsp').act(action) then
      fall_through(before, key)
    end
  end, { desc = 'fim-lsp: ' .. TEXT[action] })
  set[key] = before
end

local function restore()
  for key, before in pairs(set) do
    pcall(vim.keymap.del, 'i', key)
    if not vim.tbl_isempty(before) then
      vim.fn.mapset('i', false, before)
    end
  end
  set = {}
end

---@param keymaps? table<fim_lsp.Action, string|false>|false
function M.set(keymaps)
  restore()
  if keymaps == false or not require('fim_lsp.buffers').has_inline then
    return
  end
  local wanted = vim.tbl_extend('force', M.DEFAULT, type(keymaps) == 'table' and keymaps or {})
  for action, key in pairs(wanted) do
    if not M.DEFAULT[action] then
      error(("fim-lsp: keymaps has no action '%s'"):format(action), 0)
    elseif key then
      map(action, key)
    end
  end
end

return M
