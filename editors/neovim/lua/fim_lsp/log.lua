--- What happened in this session, for `:FimLsp log` and `:FimLsp why`: messages of the server, starts and ends. No text of a buffer.
local M = {}

local MOST = 500 -- lines that are kept
local TAIL = 30 -- lines of what the server wrote that are shown

local lines = {} ---@type string[]
local notices = {} ---@type string[]

local function append(list, text, most)
  list[#list + 1] = os.date('%H:%M:%S ') .. text
  if #list > most then
    table.remove(list, 1)
  end
end

---@param text string
function M.add(text)
  append(lines, text:gsub('%s*\n%s*', ' '), MOST)
end

--- A message that was shown to the user, and may have been cut.
---@param text string
function M.notice(text)
  M.add(text)
  append(notices, text, 5)
end

--- The latest messages in full, the newest last.
---@return string[]
function M.notices()
  return vim.list_slice(notices)
end

--- The last lines that the server wrote to its standard error, from Neovim's own log.
local function errors()
  local file = io.open(vim.lsp.log.get_filename and vim.lsp.log.get_filename() or vim.lsp.get_log_path())
  if not file then
    return {}
  end
  file:seek('end', -math.min(file:seek('end'), 60000))
  local found = {}
  for line in file:lines() do
    local text = line:match('"rpc"%s+"[^"]*fim%-lsp"%s+"stderr"%s+"(.*)"$')
    if text then
      vim.list_extend(found, vim.split(vim.trim((text:gsub('\\n', '\n'):gsub('\\(["\\])', '%1'))), '\n'))
    end
  end
  file:close()
  return vim.list_slice(found, math.max(1, #found - TAIL + 1))
end

--- For the window.
---@return string[]
function M.lines()
  local shown = #lines > 0 and vim.list_slice(lines) or { 'Nothing has happened yet.' }
  local written = errors()
  if #written > 0 then
    vim.list_extend(shown, { '', 'What the server wrote last:' })
    vim.list_extend(shown, written)
  end
  local path = vim.lsp.log.get_filename and vim.lsp.log.get_filename() or vim.lsp.get_log_path()
  return vim.list_extend(shown, { '', "Neovim's own log: " .. path })
end

return M
