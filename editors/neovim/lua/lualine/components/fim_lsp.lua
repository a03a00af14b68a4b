-- For lualine.nvim: lualine_x = { 'fim_lsp' }, or { { 'fim_lsp', usage = true } } with today's latency and tokens.
local M = require('lualine.component'):extend()

function M:update_status()
  return require('fim_lsp').statusline({ usage = self.options.usage })
end

return M
