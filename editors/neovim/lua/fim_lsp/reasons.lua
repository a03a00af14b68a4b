--- Why there is no ghost text in a buffer, as far as Neovim knows. What the server knows is in its own `why`.
local M = {}

local function switched_off(bufnr)
  if require('fim_lsp.buffers').is_enabled(bufnr) then
    return nil
  elseif vim.b[bufnr].fim_lsp_enabled == false then
    return 'Ghost text is off in this buffer; `:FimLsp enable` turns it on.'
  end
  return 'Ghost text is off everywhere; `:FimLsp! enable` turns it on.'
end

--- Why the buffer has no server, whether or not one could be started.
local function not_served(bufnr)
  local bo, config = vim.bo[bufnr], vim.lsp.config.fim_lsp or {}
  if bo.buftype ~= '' or bo.filetype == 'help' then
    return 'This is not a file that you edit, but a buffer of Neovim (' .. (bo.buftype ~= '' and bo.buftype or 'help') .. ').'
  elseif not bo.modifiable then
    return "This buffer cannot be changed: 'nomodifiable' is set."
  elseif bo.filetype == '' then
    local named = vim.api.nvim_buf_get_name(bufnr) ~= ''
    local remedy = named and '`:filetype detect` finds it, or set one, such as `:set filetype=text`.'
      or 'set one, such as `:set filetype=python`, or save the buffer under a name.'
    return 'This buffer has no file type, and servers are only started for file types: ' .. remedy
  elseif config.filetypes and not vim.list_contains(config.filetypes, bo.filetype) then
    return ("The file type %s is not among the `filetypes` in your setup() or vim.lsp.config()."):format(bo.filetype)
  elseif vim.lsp.is_enabled and not vim.lsp.is_enabled('fim_lsp') then
    return "fim-lsp is not enabled: call require('fim_lsp').setup()."
  end
end

--- Why there is no server to be had.
local function not_running()
  local server = require('fim_lsp.server')
  local sentence = server.stopped() or server.is_managed() and not server.find() and server.missing()
  return sentence and sentence:gsub('^%l', string.upper) or 'The server is not running yet; `:FimLsp log` shows what happened.'
end

---@param bufnr integer 0 for the current buffer
---@return string[] sentences; none if ghost text may appear
function M.of(bufnr)
  bufnr = bufnr == 0 and vim.api.nvim_get_current_buf() or bufnr
  local found = { switched_off(bufnr) }
  if #vim.lsp.get_clients({ bufnr = bufnr, name = 'fim_lsp' }) == 0 then
    found[#found + 1] = not_served(bufnr) or not_running()
  end
  return found
end

return M
