--- The server's sentences name commands of LSP and of the shell; here they name those of Neovim.
local M = {}

local REPLACED = {
  { 'the command fim%-lsp%.toggleLanguage turns', '`:FimLsp language` turns' },
  { 'the command fim%-lsp%.toggle turns', '`:FimLsp restart` turns' },
  { 'the command fim%-lsp%.snooze with 0 ends', '`:FimLsp snooze 0` ends' },
  { '`fim%-lsp key set ([^`]+)`', '`:FimLsp key %1`' },
  { '`fim%-lsp doctor`', '`:FimLsp doctor`' },
  { 'fim%-lsp doctor says', '`:FimLsp doctor` says' },
}

---@param text string
---@return string
function M.here(text)
  for _, pair in ipairs(REPLACED) do
    text = text:gsub(pair[1], pair[2])
  end
  return text
end

return M
