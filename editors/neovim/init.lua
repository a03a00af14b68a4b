-- fim-lsp for Neovim 0.12, without the plugin: put this into your init.lua. Tab accepts the ghost text.
vim.lsp.config('fim_lsp', { cmd = { 'fim-lsp' }, root_markers = { '.git' } })
vim.lsp.enable('fim_lsp')
vim.lsp.inline_completion.enable()

vim.keymap.set('i', '<Tab>', function()
  if not vim.lsp.inline_completion.get() then
    return '<Tab>'
  end
end, { expr = true, desc = 'Accept the ghost text' })
