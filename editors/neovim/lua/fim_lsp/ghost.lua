--- Works around problems of the built-in ghost text: what is shown matches what was typed, and what is accepted is inserted
--- at the right place.
local api = vim.api
local builtin, place = require('fim_lsp.builtin'), require('fim_lsp.place')
local M = {}

---@alias fim_lsp.Action
---| 'accept' the whole suggestion
---| 'accept_word' its next word
---| 'accept_line' its next line
---| 'next' the next suggestion
---| 'previous' the previous suggestion
---| 'dismiss' hide it until the next key
---| 'ask' request one now

local INLINE = 'textDocument/inlineCompletion'
local INVOKED, AUTOMATIC = 1, 2 -- LSP 3.18; Neovim's table has the same numbers

---@class fim_lsp.Line
---@field row integer
---@field text string

local waiting = {} ---@type table<string, fim_lsp.Line> the line that each pending request is about
local last = {} ---@type table<integer, string> by buffer: text and cursor at the last request
local asked = {} ---@type table<integer, fim_lsp.Line?> by buffer: the line that the last answer is about

---@return integer row, integer column, string line
local function cursor()
  local row, column = unpack(api.nvim_win_get_cursor(0))
  return row - 1, column, api.nvim_get_current_line()
end

---@param item vim.lsp.inline_completion.Item
---@return fim_lsp.Place?, fim_lsp.Offer
local function find(item, bufnr)
  local row, column, line = cursor()
  local text = type(item.insert_text) == 'string' and item.insert_text or item.insert_text.value
  local offer = { text = text:gsub('\r\n', '\n'), row = row, from = column, to = column }
  if item.range then
    local last
    offer.row, offer.from, last, offer.to = item.range:to_extmark()
    if last ~= offer.row then
      return nil, offer -- the server only replaces text within a line
    end
  end
  local about = asked[bufnr]
  return place.find(offer, about and about.row == offer.row and about.text or nil, line, row, column), offer
end

---@return boolean
local function is_ours(item)
  local client = vim.lsp.get_client_by_id(item.client_id)
  return client ~= nil and client.name == 'fim_lsp'
end

--- Insert the text as a separate undo step.
---@param found fim_lsp.Place
local function insert(bufnr, row, found, text, to)
  vim.bo[bufnr].undolevels = vim.bo[bufnr].undolevels
  local lines = vim.split(text, '\n', { plain = true })
  api.nvim_buf_set_text(bufnr, row, found.from, row, to, lines)
  api.nvim_win_set_cursor(0, { row + #lines, (#lines == 1 and found.from or 0) + #lines[#lines] })
end

--- Tell the server that something of a suggestion was accepted: all of it, or only its beginning, `taken`.
local function report(item, bufnr, taken, whole)
  local command = item.command
  if command and not whole then
    local number, line_ends = command.arguments and command.arguments[1], select(2, taken:gsub('\n', ''))
    local length = vim.str_utfindex(taken, 'utf-16') + (vim.bo[bufnr].fileformat == 'dos' and line_ends or 0)
    command = { title = command.title, command = 'fim-lsp.acceptedPart', arguments = { number, length } }
  end
  if command then
    vim.lsp.get_client_by_id(item.client_id):exec_cmd(command, { bufnr = bufnr })
  end
end

--- For vim.lsp.inline_completion.get({ on_accept = … }): insert what still matches, and nothing else.
---@param part fun(rest: string): string the part to accept
---@return fun(item: vim.lsp.inline_completion.Item): vim.lsp.inline_completion.Item?
function M.on_accept(part)
  return function(item)
    if not is_ours(item) then
      return item
    end
    local bufnr = api.nvim_get_current_buf()
    local found, offer = find(item, bufnr)
    if not found then
      return nil
    end
    local taken = found.typed .. part(offer.text:sub(#found.typed + 1))
    local whole = taken == offer.text
    local _, column = cursor()
    insert(bufnr, offer.row, found, taken, whole and found.to or column)
    if not whole and not taken:find('\n') then
      builtin.keep(bufnr, item)
    end
    report(item, bufnr, taken, whole)
    return nil
  end
end

--- Whether something that matches is shown. Where the built-in's state is not accessible, whatever it shows.
local function is_shown(bufnr)
  local item = builtin.item(bufnr)
  return not item or not is_ours(item) or find(item, bufnr) ~= nil
end

--- Run the built-in's accept now: it schedules itself, so keys typed after Tab would be inserted before the text.
local function get(on_accept)
  local done = false
  local had = vim.lsp.inline_completion.get({
    on_accept = function(item)
      done = true
      return on_accept(item)
    end,
  })
  if had then
    vim.wait(100, function()
      return done
    end, 1)
  end
  return had
end

local function accept(name)
  return function(bufnr)
    return is_shown(bufnr) and get(M.on_accept(place.parts[name]))
  end
end

--- In a file with CRLF line ends the built-in would draw the CR.
local function without_cr(bufnr)
  local item = builtin.item(bufnr)
  if item and type(item.insert_text) == 'string' and item.insert_text:find('\r\n', 1, true) then
    item.insert_text = item.insert_text:gsub('\r\n', '\n')
    builtin.keep(bufnr, item)
  end
end

--- Text and cursor of the current buffer, to notice a change.
local function state(bufnr)
  local row, column = cursor()
  return ('%d:%d:%d'):format(api.nvim_buf_get_changedtick(bufnr), row, column)
end

--- Ask for other suggestions than the only one, which stays on the screen with `(…)`, and show the one `count` after it.
local function ask_for_others(item, bufnr, count)
  local at, row, _, line = state(bufnr), cursor()
  local place_now = vim.lsp.util.make_position_params(0, vim.lsp.get_client_by_id(item.client_id).offset_encoding)
  local arguments = { place_now.textDocument.uri, place_now.position, { quiet = true } }
  local function take(result)
    if bufnr ~= api.nvim_get_current_buf() or state(bufnr) ~= at or not builtin.item(bufnr) then
      return
    end
    local items = type(result) == 'table' and result.items or {}
    if #items > 1 then
      asked[bufnr] = { row = row, text = line }
      builtin.offer(bufnr, item.client_id, items, count % #items + 1)
      without_cr(bufnr)
    else
      builtin.keep(bufnr, item)
      local message = type(result) == 'table' and result.message or 'no other suggestion here'
      require('fim_lsp.notice').say({ type = 3, message = 'fim-lsp: ' .. message })
    end
  end
  if require('fim_lsp.command').execute('alternatives', arguments, take) then
    builtin.keep(bufnr, item, ' (…)')
  end
end

local function cycle(count)
  return function(bufnr)
    local item = builtin.item(bufnr)
    if item and is_ours(item) and builtin.count(bufnr) == 1 then
      ask_for_others(item, bufnr, count)
      return true
    end
    vim.lsp.inline_completion.select({ count = count })
    without_cr(bufnr)
    return item ~= nil
  end
end

---@type table<fim_lsp.Action, fun(bufnr: integer): boolean>
local ACTIONS = {
  accept = accept('accept'),
  accept_word = accept('accept_word'),
  accept_line = accept('accept_line'),
  next = cycle(1),
  previous = cycle(-1),
  dismiss = function(bufnr)
    return is_shown(bufnr) and get(function() end)
  end,
  ask = function(bufnr)
    return builtin.ask(bufnr, INVOKED)
  end,
}

---@param action fim_lsp.Action
---@return boolean whether there was something to do
function M.act(action)
  if not ACTIONS[action] then
    error(("fim-lsp: no action '%s'"):format(action), 0)
  end
  return vim.lsp.inline_completion ~= nil and ACTIONS[action](api.nvim_get_current_buf())
end

--- After each key: hide what no longer matches, and send a request at once. The built-in would wait 200 ms, whatever was
--- typed; the server debounces by itself and answers from its cache without delay.
local function after_key(bufnr)
  if not is_shown(bufnr) then
    builtin.hide(bufnr)
  end
  local now = state(bufnr)
  if now ~= last[bufnr] then
    last[bufnr] = now
    builtin.ask(bufnr, AUTOMATIC)
  end
end

--- Manage the ghost text of a buffer. Call it after vim.lsp.inline_completion.enable(), so that it runs after the built-in.
function M.attach(bufnr)
  local group = api.nvim_create_augroup('fim_lsp.ghost.' .. bufnr, {})
  api.nvim_create_autocmd({ 'CursorMovedI', 'TextChangedI' }, {
    group = group,
    buffer = bufnr,
    callback = function()
      after_key(bufnr)
    end,
  })
end

--- Leave the buffer to the built-in.
function M.detach(bufnr)
  pcall(api.nvim_del_augroup_by_name, 'fim_lsp.ghost.' .. bufnr)
  asked[bufnr], last[bufnr] = nil, nil
end

--- What is not typed yet of the suggestion that is shown, which may be one that the user has cycled to.
---@return string?
local function rest(bufnr)
  local item = builtin.item(bufnr)
  if item and is_ours(item) and type(item.insert_text) == 'string' then
    local found, offer = find(item, bufnr)
    return found and offer.text:sub(#found.typed + 1)
  end
end

--- Remember the line of each request: it determines later where the answer belongs.
api.nvim_create_autocmd('LspRequest', {
  group = api.nvim_create_augroup('fim_lsp.ghost', {}),
  callback = function(event)
    local request, bufnr = event.data.request, event.buf
    local id = event.data.client_id .. ':' .. event.data.request_id
    if request.method ~= INLINE or not is_ours(event.data) then
      return
    end
    if request.type == 'pending' and bufnr == api.nvim_get_current_buf() then
      local row, _, line = cursor()
      waiting[id] = { row = row, text = line }
    elseif request.type == 'complete' then
      local shown = bufnr == api.nvim_get_current_buf() and rest(bufnr)
      asked[bufnr], waiting[id] = waiting[id], nil
      vim.schedule(function() -- after the built-in has drawn it
        if bufnr ~= api.nvim_get_current_buf() then
          return
        end
        if shown then
          builtin.prefer(bufnr, function(text)
            return vim.endswith((text:gsub('\r\n', '\n')), shown)
          end)
        end
        without_cr(bufnr)
        if not is_shown(bufnr) then
          builtin.hide(bufnr)
        end
      end)
    end
  end,
})

return M
