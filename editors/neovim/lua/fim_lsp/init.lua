--- Ghost text from fim-lsp. See |fim-lsp|.
local M = {}

---@class fim_lsp.Options
--- The server's settings, with the names in its README; others come from the user's config.toml.
---@field settings? table<string, any>
--- Insert mode keys by action, or false to map none. `false` for an action leaves it unmapped.
---@field keymaps? table<fim_lsp.Action, string|false>|false
--- Milliseconds after the last key before ghost text appears. Default: 0, as soon as it is there
---@field delay? integer
--- Ghost text beside an open completion menu: 'unselected' (the default) until the user selects an entry, 'always', 'never'
---@field beside_menu? fim_lsp.BesideMenu
--- The server's command. Default: `fim-lsp` on the PATH, otherwise the one that `:FimLsp install` has fetched.
---@field cmd? string[]
--- File types to serve. Default: all
---@field filetypes? string[]

-- What each option may be, for vim.validate().
local KINDS = {
  settings = 'table',
  keymaps = { 'table', 'boolean' },
  delay = 'number',
  beside_menu = 'string',
  cmd = 'table',
  filetypes = 'table',
}

---@param options table?
---@return fim_lsp.Options
local function checked(options)
  options = options or {}
  vim.validate('options', options, 'table')
  for name, value in pairs(options) do
    if not KINDS[name] then
      error(("fim-lsp: setup() has no option '%s'; the server's own settings go into `settings`"):format(name), 0)
    end
    vim.validate(name, value, KINDS[name])
  end
  if not vim.list_contains({ 'unselected', 'always', 'never' }, options.beside_menu or 'unselected') then
    error("fim-lsp: beside_menu is 'unselected', 'always' or 'never'", 0)
  end
  return options
end

--- Map keys, configure the server, and start it for files that are open now or later. May be called again.
---@param options? fim_lsp.Options
function M.setup(options)
  options = checked(options)
  vim.cmd.runtime('plugin/fim_lsp.lua')
  require('fim_lsp.server').set_command(options.cmd)
  vim.lsp.config('fim_lsp', { init_options = options.settings, filetypes = options.filetypes })
  require('fim_lsp.pause').delay = math.max(0, options.delay or 0)
  require('fim_lsp.popup').beside = options.beside_menu or 'unselected'
  require('fim_lsp.keys').set(options.keymaps)
  vim.lsp.enable('fim_lsp')
end

--- A short text for a statusline: the back end and its state, with `usage` also today's median latency and tokens. Empty where
--- fim-lsp is not attached.
---@param options? { usage?: boolean }
---@return string
function M.statusline(options)
  return require('fim_lsp.status').line(vim.api.nvim_get_current_buf(), options)
end

--- The server's status in a buffer: `state`, `reason`, `backend`, `model`, `host`, `until`. nil where it is not attached.
---@param bufnr? integer
---@return table?
function M.status(bufnr)
  return require('fim_lsp.status').get(bufnr or vim.api.nvim_get_current_buf())
end

--- Run an action. Returns whether there was something to do.
---@param action fim_lsp.Action
---@return boolean
function M.act(action)
  return require('fim_lsp.ghost').act(action)
end

--- Turn ghost text on or off, in one buffer or (nil) in all; nil for `on` toggles.
---@param on? boolean
---@param bufnr? integer
function M.enable(on, bufnr)
  require('fim_lsp.buffers').enable(on, bufnr)
end

--- Explain why there is no suggestion in this buffer, and how the last requests were answered.
function M.why()
  require('fim_lsp.command').run({ fargs = { 'why' }, bang = false })
end

return M
