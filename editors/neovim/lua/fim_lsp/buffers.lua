--- Where ghost text is on: vim.g.fim_lsp_enabled for all buffers, vim.b.fim_lsp_enabled for one, which wins.
local api = vim.api
local M = {}

--- Neovim 0.12 and newer. Older versions show suggestions in the completion menu.
M.has_inline = vim.lsp.inline_completion ~= nil

--- Whether the user edits this buffer. Neovim skips most others by itself, but calls root_dir before a help buffer has its
--- filetype.
---@return boolean
function M.is_editable(bufnr)
  return vim.bo[bufnr].buftype == '' and vim.bo[bufnr].filetype ~= 'help' and vim.bo[bufnr].modifiable
end

---@return boolean
function M.is_enabled(bufnr)
  return vim.F.if_nil(vim.b[bufnr].fim_lsp_enabled, vim.g.fim_lsp_enabled, true)
end

local function ghost(_, bufnr, on)
  vim.lsp.inline_completion.enable(on, { bufnr = bufnr })
  require('fim_lsp.ghost')[on and 'attach' or 'detach'](bufnr)
end

local function apply(client, bufnr)
  local show = M.has_inline and ghost or require('fim_lsp.menu').enable
  show(client, bufnr, M.is_enabled(bufnr))
end

--- A server has attached to a buffer.
function M.attach(client, bufnr)
  if M.is_enabled(bufnr) then
    apply(client, bufnr)
  end
end

--- Turn ghost text on or off, in one buffer or (nil) in all; nil for `on` toggles.
---@param on? boolean
---@param bufnr? integer
function M.enable(on, bufnr)
  if bufnr then
    bufnr = bufnr == 0 and api.nvim_get_current_buf() or bufnr
    vim.b[bufnr].fim_lsp_enabled = vim.F.if_nil(on, not M.is_enabled(bufnr))
  else
    vim.g.fim_lsp_enabled = vim.F.if_nil(on, vim.g.fim_lsp_enabled == false)
    for _, each in ipairs(api.nvim_list_bufs()) do
      vim.b[each].fim_lsp_enabled = nil
    end
  end
  for _, client in ipairs(vim.lsp.get_clients({ name = 'fim_lsp' })) do
    for each in pairs(client.attached_buffers) do
      if not bufnr or each == bufnr then
        apply(client, each)
      end
    end
  end
  api.nvim_command('redrawstatus')
end

return M
