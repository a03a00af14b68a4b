--- Insert mode keys. Where there is nothing to do for its action, a key does what it did before it was mapped here: what the
--- user's own mapping does, of the buffer or global, or what Neovim does.
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

local OURS = 'fim-lsp: '
-- Mappings of a buffer that call ours by themselves, as the mapping that they replaced.
local PASS_ON = { 'blink.cmp', 'cmp.utils.keymap' }

local wanted = {} ---@type table<fim_lsp.Action, string> the keys that are mapped now
local global = {} ---@type table<string, table> by key: the mapping before, as returned by maparg(); empty for none
local locals = {} ---@type table<integer, table<string, table>> the same by buffer

---@return boolean
local function starts_with_one_of(text, beginnings)
  return vim.iter(beginnings):any(function(beginning)
    return vim.startswith(text or '', beginning)
  end)
end

---@param keys string
---@param mode 'im'|'in'
local function feed(keys, mode)
  api.nvim_feedkeys(vim.keycode(keys), mode, false)
end

--- What Neovim does with a key that is not mapped.
local function default(key)
  local alt = key:match('^<[AaMm]%-(.+)>$')
  if alt and not alt:find('^%a%-.') then -- an Alt key is Esc and the key, but only if it was typed: |vim-diff|
    feed('<Esc>' .. (#alt == 1 and alt or '<' .. alt .. '>'), 'im')
  else
    feed(key, 'in')
  end
end

--- A recursive expression, whose keys may begin with the key itself, which is not mapped again then.
local function evaluate(before, key)
  local result = before.callback and before.callback() or not before.callback and api.nvim_eval(before.rhs)
  if type(result) ~= 'string' then
    return
  end
  result = before.replace_keycodes == 1 and vim.keycode(result) or result
  local raw = vim.keycode(key)
  local itself = vim.startswith(result, raw)
  api.nvim_feedkeys(itself and result:sub(#raw + 1) or result, 'im', false)
  if itself then
    default(key)
  end
end

---@return string the name under which a mapping of this key is kept
local function kept(key)
  return ('<Plug>(fim-lsp-before-%s)'):format((key:gsub('[<>]', '')))
end

--- Keep a mapping under another name, so that Neovim runs it exactly as it did.
local function keep(before, key)
  local copy = vim.tbl_extend('force', before, { lhs = kept(key), lhsraw = vim.keycode(kept(key)) })
  copy.lhsrawalt = nil
  if before.noremap == 0 and vim.startswith((before.rhs or ''):lower(), before.lhs:lower()) then -- the first key is not mapped again
    local itself = ('<Plug>(fim-lsp-key-%s)'):format((key:gsub('[<>]', '')))
    vim.keymap.set('i', itself, key)
    copy.rhs = itself .. before.rhs:sub(#before.lhs + 1)
  end
  vim.fn.mapset('i', false, copy)
end

--- Run the mapping that ours replaced, or what Neovim does with the key.
local function fall_through(before, key)
  if vim.tbl_isempty(before) then
    default(key)
  elseif before.expr == 1 and before.noremap == 0 then
    evaluate(before, key)
  else
    feed(kept(key), 'im')
  end
end

---@param buffer? boolean whether the mapping is for the current buffer
local function map(action, key, before, buffer)
  if not vim.tbl_isempty(before) then
    keep(before, key)
  end
  vim.keymap.set('i', key, function()
    if require('fim_lsp.popup').covers() or not require('fim_lsp').act(action) then
      fall_through(before, key)
    end
  end, { buffer = buffer, desc = OURS .. TEXT[action] })
end

--- The global mapping of a key, which one of the buffer may hide from maparg().
local function global_mapping(key)
  local found, raw = vim.fn.maparg(key, 'i', false, true), vim.keycode(key)
  if found.buffer ~= 1 then
    return found
  end
  for _, each in ipairs(api.nvim_get_keymap('i')) do
    if each.lhsraw == raw or each.lhsrawalt == raw then
      return each
    end
  end
  return {}
end

--- Put ours before the current buffer's own mappings of these keys.
function M.set_local()
  local bufnr = api.nvim_get_current_buf()
  for action, key in pairs(wanted) do
    local before = vim.fn.maparg(key, 'i', false, true)
    if before.buffer == 1 and not starts_with_one_of(before.desc, { OURS, unpack(PASS_ON) }) then
      locals[bufnr] = locals[bufnr] or {}
      locals[bufnr][key] = before
      map(action, key, before, true)
    end
  end
end

local function restore(key, before, bufnr)
  pcall(vim.keymap.del, 'i', key, { buffer = bufnr })
  if not vim.tbl_isempty(before) then
    vim.fn.mapset('i', false, before)
  end
end

local function restore_all()
  for key, before in pairs(global) do
    restore(key, before)
  end
  for bufnr, mappings in pairs(locals) do
    for key, before in pairs(api.nvim_buf_is_valid(bufnr) and mappings or {}) do
      api.nvim_buf_call(bufnr, function()
        restore(key, before, bufnr)
      end)
    end
  end
  wanted, global, locals = {}, {}, {}
end

---@param keymaps? table<fim_lsp.Action, string|false>|false
function M.set(keymaps)
  restore_all()
  if keymaps == false or not require('fim_lsp.buffers').has_inline then
    return
  end
  for action, key in pairs(vim.tbl_extend('force', M.DEFAULT, type(keymaps) == 'table' and keymaps or {})) do
    if not M.DEFAULT[action] then
      error(("fim-lsp: keymaps has no action '%s'"):format(action), 0)
    elseif key then
      wanted[action], global[key] = key, global_mapping(key)
      map(action, key, global[key])
    end
  end
end

return M
