--- Where ghost text is on: vim.g.fim_lsp_enabled for all buffers, vim.b.fim_lsp_enabled for one, which wins.
local api = vim.api
local M = {}

--- Neovim 0.12 and newer. Older versions show suggestions in the completion menu.
M.has_inline = vim.lsp.inline_completion ~= nil

local greeted = {} ---@type table<integer, boolean> the clients that know what holds in this session
local languages = {} ---@type table<integer, string> by buffer: the file type it was opened with

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

--- Ask once for whoever was typing before the server was there.
local function catch_up(bufnr)
  local is_typed_in = bufnr == api.nvim_get_current_buf() and vim.startswith(api.nvim_get_mode().mode, 'i')
  if not is_typed_in or not vim.bo[bufnr].modified then
    return
  elseif M.has_inline then
    require('fim_lsp.ghost').catch_up(bufnr)
  elseif vim.fn.pumvisible() == 0 then
    vim.lsp.completion.get()
  end
end

--- A server has attached to a buffer.
function M.attach(client, bufnr)
  languages[bufnr] = vim.bo[bufnr].filetype
  if not greeted[client.id] then
    greeted[client.id] = true
    require('fim_lsp.session').replay(client)
  end
  if M.is_enabled(bufnr) then
    apply(client, bufnr)
    vim.schedule(function() -- after what else LspAttach brings
      catch_up(bufnr)
    end)
  end
end

---@return vim.lsp.Client[]
local function clients(bufnr)
  return vim.lsp.get_clients({ name = 'fim_lsp', bufnr = bufnr })
end

--- A buffer gets another name: the server closes it under the old one, and opens it under the new one.
---@return fun() after to be called when it has its new name
function M.rename(bufnr)
  local before = clients(bufnr)
  for _, client in ipairs(before) do
    vim.lsp.buf_detach_client(bufnr, client.id)
  end
  return function()
    for _, client in ipairs(before) do
      vim.lsp.buf_attach_client(bufnr, client.id)
    end
  end
end

--- A buffer has another file type. Neovim 0.12 tells the server by itself.
function M.retype(bufnr)
  if not M.has_inline and languages[bufnr] and languages[bufnr] ~= vim.bo[bufnr].filetype then
    M.rename(bufnr)()
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
  for _, client in ipairs(clients()) do
    for each in pairs(client.attached_buffers) do
      if not bufnr or each == bufnr then
        apply(client, each)
      end
    end
  end
  api.nvim_command('redrawstatus')
end

return M
