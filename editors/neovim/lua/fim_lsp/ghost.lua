--- Works around problems of the built-in ghost text: what is shown matches what was typed, and what is accepted is inserted
--- at the right place.
local api = vim.api
local builtin, pause = require('fim_lsp.builtin'), require('fim_lsp.pause')
local place, popup = require('fim_lsp.place'), require('fim_lsp.popup')
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
local covered = {} ---@type table<integer, boolean?> by buffer: whether a menu took the place of ghost text, at the last look

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

--- Insert the text as a separate undo step, which `.` repeats.
---@param found fim_lsp.Place
local function insert(bufnr, row, found, text, to)
  vim.bo[bufnr].undolevels = vim.bo[bufnr].undolevels
  require('fim_lsp.redo').insert(text:sub(#found.typed + 1), function()
    local lines = vim.split(text, '\n', { plain = true })
    api.nvim_buf_set_text(bufnr, row, found.from, row, to, lines)
    api.nvim_win_set_cursor(0, { row + #lines, (#lines == 1 and found.from or 0) + #lines[#lines] })
  end)
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

--- Whether an item may be drawn: in insert mode, after the pause, where no menu takes its place, and if it matches.
local function may_show(item, bufnr)
  return bufnr == api.nvim_get_current_buf()
    and vim.startswith(api.nvim_get_mode().mode, 'i')
    and not pause.is_on(bufnr)
    and not popup.covers()
    and find(item, bufnr) ~= nil
end

--- Whether something is shown. Where the built-in's state is not accessible, whatever it shows.
local function is_shown(bufnr)
  local item = builtin.item(bufnr)
  if not item then
    return not builtin.known(bufnr)
  end
  return not is_ours(item) or may_show(item, bufnr)
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
    return is_shown(bufnr)
      and popup.close_first(function()
        return get(M.on_accept(place.parts[name]))
      end)
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
    if not is_shown(bufnr) then
      return false
    end
    if item and is_ours(item) and builtin.count(bufnr) == 1 then
      ask_for_others(item, bufnr, count)
      return true
    end
    vim.lsp.inline_completion.select({ count = count })
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
    pause.stop(bufnr)
    last[bufnr] = state(bufnr)
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

--- For builtin.adopt(): whether to draw an item.
local function prepare(item, bufnr)
  if not is_ours(item) then
    return nil
  end
  if type(item.insert_text) == 'string' then -- in a file with CRLF line ends the built-in would draw the CR
    item.insert_text = item.insert_text:gsub('\r\n', '\n')
  end
  return may_show(item, bufnr)
end

local function ask_after_pause(bufnr)
  builtin.redraw(bufnr)
  if bufnr == api.nvim_get_current_buf() and vim.startswith(api.nvim_get_mode().mode, 'i') then
    builtin.ask(bufnr, AUTOMATIC)
  end
end

--- After each key: send a request at once, or after the user's pause. The built-in would wait 200 ms, whatever was typed; the
--- server debounces by itself and answers from its cache without delay.
local function after_key(bufnr)
  local now = state(bufnr)
  if not vim.startswith(api.nvim_get_mode().mode, 'i') then -- Replace mode, in which the built-in would ask but show nothing
    builtin.stop(bufnr)
  elseif now ~= last[bufnr] then
    last[bufnr] = now
    if pause.delay == 0 or is_shown(bufnr) then
      builtin.ask(bufnr, AUTOMATIC)
    else
      builtin.stop(bufnr)
      pause.start(bufnr, ask_after_pause)
    end
  end
end

--- What was typed before the server was there counts as a key now, unless a suggestion has been requested for it since.
M.catch_up = after_key

local function on_insert_enter(bufnr)
  require('fim_lsp.keys').set_local()
  if vim.v.insertmode ~= 'i' then
    builtin.stop(bufnr)
  elseif pause.delay > 0 then
    builtin.stop(bufnr)
    pause.start(bufnr, ask_after_pause)
  end
end

--- When a menu has opened or closed, or an entry was selected: draw or hide.
local function after_menu(bufnr)
  local covers = popup.covers()
  if covers ~= covered[bufnr] then
    covered[bufnr] = covers
    builtin.redraw(bufnr)
  end
end

--- Manage the ghost text of a buffer. Call it after vim.lsp.inline_completion.enable(), so that it runs after the built-in.
function M.attach(bufnr)
  require('fim_lsp.highlight').define()
  last[bufnr] = nil
  builtin.adopt(bufnr, function(item)
    return prepare(item, bufnr)
  end)
  local group = api.nvim_create_augroup('fim_lsp.ghost.' .. bufnr, {})
  local function on(events, action)
    api.nvim_create_autocmd(events, {
      group = group,
      buffer = bufnr,
      callback = function()
        action(bufnr)
      end,
    })
  end
  on({ 'CursorMovedI', 'TextChangedI', 'TextChangedP' }, after_key)
  on('InsertEnter', on_insert_enter)
  on('InsertLeave', pause.stop)
  on({ 'SafeState', 'CompleteDone' }, after_menu)
  if bufnr == api.nvim_get_current_buf() and vim.startswith(api.nvim_get_mode().mode, 'i') then
    require('fim_lsp.keys').set_local()
  end
end

--- Leave the buffer to the built-in.
function M.detach(bufnr)
  pcall(api.nvim_del_augroup_by_name, 'fim_lsp.ghost.' .. bufnr)
  pause.stop(bufnr)
  asked[bufnr], last[bufnr], covered[bufnr] = nil, nil, nil
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
        if shown and bufnr == api.nvim_get_current_buf() then
          builtin.prefer(bufnr, function(text)
            return vim.endswith((text:gsub('\r\n', '\n')), shown)
          end)
        end
      end)
    end
  end,
})

return M
