--- Ghost text from fim-lsp. See |fim-lsp|.
local M = {}

---@class fim_lsp.Options
--- The server's settings, by the names of its README; what is not given stands in the user's config.toml.
---@field settings? table<string, any>
--- Keys of insert mode by what they do, or false for none. `false` for one leaves that one out.
---@field keymaps? table<fim_lsp.Action, string|false>|false
--- The server's command. Default: { 'fim-lsp' }
---@field cmd? string[]
--- File types to serve. Default: all
---@field filetypes? string[]

---@type fun(options: table?): table
local function checked(options)
  options = options or {}
  vim.validate('options', options, 'table')
  local kinds = {
    settings = 'table',
    keymaps = { 'table', 'boolean' },
    cmd = 'table',
    filetypes = 'table',
  }
  for name, value in pairs(options) do
    if not kinds[name] then
      error(("fim-lsp: setup() knows no '%s'; the server's own settings go into `settings`"):format(name), 0)
    end
    vim.validate(name, value, kinds[name])
  end
  return options
end

--- Set keys, tell the server its settings, and start it for the files that are open and to come. May be called again.
---@param options? fim_lsp.Options
function M.setup(options)
  options = checked(options)
  vim.cmd.runtime('plugin/fim_lsp.lua')
  vim.lsp.config('fim_lsp', {
    init_options = options.settings,
    cmd = options.cmd,
    filetypes = options.filetypes,
  })
  require('fim_lsp.keys').set(options.keymaps)
  vim.lsp.enable('fim_lsp')
end

--- A few characters for a statusline: who completes, and how it is. Empty where fim-lsp is not attached.
---@return string
function M.statusline()
  return require('fim_lsp.status').line(vim.api.nvim_get_current_buf())
end

--- What the server is doing in a buffer, as it told: `state`, `reason`, `backend`, `model`, `host`. nil where it isn't attached.
---@param bufnr? integer
---@return table?
function M.status(bufnr)
  return require('fim_lsp.status').get(bufnr or vim.api.nvim_get_current_buf())
end

--- Do something that a key can do. Returns whether there was something to do.
---@param action fim_lsp.Action
---@return boolean
function M.act(action)
  return require('fim_lsp.ghost').act(action)
end

--- Turn ghost text on or off, in one buffer or (nil) in all; nil turns it over.
---@param on? boolean
---@param bufnr? integer
function M.enable(on, bufnr)
  require('fim_lsp.buffers').enable(on, bufnr)
end

--- Show why the last request was answered as it was.
function M.why()
  require('fim_lsp.command').run({ args = 'why', bang = false })
end

return M
