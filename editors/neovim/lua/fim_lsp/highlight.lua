--- FimLspGhost, the colour of ghost text.
local api = vim.api
local M = {}

local GREY = { [256] = 244, [16] = 8 } -- by the number of the terminal's colours

--- Link it to ComplHint. Most colour schemes, Neovim's own among them, have no colour for that where 'termguicolors' is off: ghost
--- text would look like code. There it gets a grey.
function M.define()
  local hint = api.nvim_get_hl(0, { name = 'ComplHint', link = false })
  local cterm = hint.ctermfg or hint.ctermbg or not vim.tbl_isempty(hint.cterm or {})
  if vim.o.termguicolors or cterm then
    api.nvim_set_hl(0, 'FimLspGhost', { link = 'ComplHint', default = true })
  else
    local colours = tonumber(vim.fn.eval('&t_Co')) or 256 -- vim.o does not have it
    hint.ctermfg, hint.default = GREY[colours >= 256 and 256 or 16], true
    api.nvim_set_hl(0, 'FimLspGhost', hint)
  end
end

api.nvim_create_autocmd('ColorScheme', {
  group = api.nvim_create_augroup('fim_lsp.highlight', {}),
  desc = 'fim-lsp: the colour of ghost text',
  callback = M.define,
})

return M
