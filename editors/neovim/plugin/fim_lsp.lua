-- Loaded by Neovim at start, or by setup() if a plugin manager does not load this folder. Cheap: requires no module.
if vim.g.loaded_fim_lsp then
  return
end
vim.g.loaded_fim_lsp = true

vim.api.nvim_create_user_command('FimLsp', function(call)
  require('fim_lsp.command').run(call)
end, {
  nargs = '*',
  bang = true,
  desc = 'fim-lsp: status, enable, disable, snooze, why, doctor, key and more',
  complete = function(lead, line)
    return require('fim_lsp.command').complete(lead, line)
  end,
})

local group = vim.api.nvim_create_augroup('fim_lsp', {})

local function attach(client_id, bufnr)
  local client = vim.lsp.get_client_by_id(client_id)
  if client and client.name == 'fim_lsp' then
    require('fim_lsp.buffers').attach(client, bufnr)
  end
end

vim.api.nvim_create_autocmd('LspAttach', {
  group = group,
  desc = 'fim-lsp: ghost text in buffers that the server is attached to',
  callback = function(event)
    attach(event.data.client_id, event.buf)
  end,
})

vim.api.nvim_create_autocmd('BufFilePre', {
  group = group,
  desc = 'fim-lsp: a buffer gets another name',
  callback = function(event)
    local after = require('fim_lsp.buffers').rename(event.buf)
    vim.api.nvim_create_autocmd('BufFilePost', { buffer = event.buf, once = true, callback = after })
  end,
})

vim.api.nvim_create_autocmd('FileType', {
  group = group,
  desc = 'fim-lsp: a buffer has another file type',
  callback = function(event)
    require('fim_lsp.buffers').retype(event.buf)
  end,
})

for _, client in ipairs(vim.lsp.get_clients({ name = 'fim_lsp' })) do
  for bufnr in pairs(client.attached_buffers) do
    attach(client.id, bufnr)
  end
end
