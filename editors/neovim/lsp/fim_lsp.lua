-- The server, for vim.lsp.enable('fim_lsp'). It serves every file type; vim.lsp.config('fim_lsp', …) overrides it.
---@type vim.lsp.Config
return {
  cmd = { 'fim-lsp' },
  root_markers = { '.fim-lsp.toml', '.git' },
  root_dir = function(bufnr, start)
    if not require('fim_lsp.buffers').is_editable(bufnr) then
      return
    end
    start(vim.fs.root(bufnr, vim.lsp.config.fim_lsp.root_markers))
  end,
  capabilities = { experimental = { fimLspStatus = true } },
  handlers = {
    ['fim-lsp/status'] = function(_, status, context)
      require('fim_lsp.status').take(context.client_id, status)
    end,
    ['window/showMessage'] = function(_, message)
      require('fim_lsp.notice').say(message)
    end,
  },
}
