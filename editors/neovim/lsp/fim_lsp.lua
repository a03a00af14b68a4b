-- The server, for vim.lsp.enable('fim_lsp'). It serves every file type; vim.lsp.config('fim_lsp', …) overrides it.
local server = require('fim_lsp.server')

---@type vim.lsp.Config
return {
  cmd = server.spawn,
  root_markers = { '.fim-lsp.toml', '.git' },
  root_dir = function(bufnr, start)
    if require('fim_lsp.buffers').is_editable(bufnr) and server.is_available() then
      start(vim.fs.root(bufnr, vim.lsp.config.fim_lsp.root_markers))
    end
  end,
  capabilities = { experimental = { fimLspStatus = true } },
  handlers = {
    ['fim-lsp/status'] = function(_, status, context)
      require('fim_lsp.status').take(context.client_id, status)
    end,
    ['window/showMessage'] = function(_, message)
      require('fim_lsp.notice').say(message)
    end,
    ['window/logMessage'] = function(err, message, context)
      require('fim_lsp.log').add(message.message)
      return vim.lsp.handlers['window/logMessage'](err, message, context)
    end,
  },
}
