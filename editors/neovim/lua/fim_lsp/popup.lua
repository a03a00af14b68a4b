--- Completion menus that are open beside the ghost text: Neovim's own, and those of nvim-cmp and blink.cmp, if they are loaded.
local api = vim.api
local M = {}

---@alias fim_lsp.BesideMenu
---| 'unselected' show ghost text until the user selects an entry of the menu
---| 'always'
---| 'never' while no menu is open

---@type fim_lsp.BesideMenu
M.beside = 'unselected'

---@class fim_lsp.Menu
---@field is_open fun(): boolean
---@field is_selected fun(): boolean whether the user has selected an entry; only called while it is open
---@field close fun()

---@type fim_lsp.Menu
local own = {
  is_open = function()
    return vim.fn.pumvisible() == 1
  end,
  is_selected = function()
    return vim.fn.complete_info({ 'selected' }).selected >= 0
  end,
  close = function() end, -- only a key closes it: close_first()
}

--- By module. Tried with nvim-cmp of March 2026 (a1d5048) and blink.cmp 1.8.0. Both can select their first entry by themselves,
--- which is blink.cmp's default: that is no choice of the user's, or there would hardly be any ghost text.
---@type table<string, fun(module: table): fim_lsp.Menu>
local others = {
  ['cmp'] = function(cmp)
    return {
      is_open = cmp.visible,
      is_selected = function()
        return cmp.get_active_entry() ~= nil
      end,
      close = cmp.close,
    }
  end,
  ['blink.cmp'] = function(blink)
    return {
      is_open = blink.is_menu_visible,
      is_selected = function()
        return require('blink.cmp.completion.list').is_explicitly_selected and blink.get_selected_item() ~= nil
      end,
      close = blink.hide,
    }
  end,
}

--- The menu that is open. What another plugin no longer has counts as closed.
---@return fim_lsp.Menu?
local function open()
  if own.is_open() then
    return own
  end
  for name, menu_of in pairs(others) do
    local module = package.loaded[name]
    local menu = type(module) == 'table' and menu_of(module)
    local ok, is_open = pcall(menu and menu.is_open)
    if ok and is_open then
      return menu or nil
    end
  end
end

--- Whether a menu takes the place of the ghost text, and its keys.
---@return boolean
function M.covers()
  local menu = M.beside ~= 'always' and open()
  if not menu then
    return false
  end
  local ok, selected = pcall(menu.is_selected)
  return M.beside == 'never' or (ok and selected)
end

--- Close the menu, then call `next`. Neovim's own would replace what was inserted meanwhile with the next entry, and closes at a
--- key only: CTRL-Y, which keeps the text as it is, or CTRL-E where a selected entry has not been inserted.
---@param next fun(): boolean
---@return boolean
function M.close_first(next)
  local menu = open()
  if menu == own then
    local info = vim.fn.complete_info({ 'selected', 'items' })
    local entry = info.items[info.selected + 1]
    local before = api.nvim_get_current_line():sub(1, api.nvim_win_get_cursor(0)[2])
    local key = entry and not vim.endswith(before, entry.word) and '<C-e>' or '<C-y>'
    M.next = next
    local keys = key .. "<Cmd>lua require('fim_lsp.popup').next()<CR>"
    api.nvim_feedkeys(vim.keycode(keys), 'in', false)
    return true
  end
  if menu then
    pcall(menu.close)
  end
  return next()
end

return M
