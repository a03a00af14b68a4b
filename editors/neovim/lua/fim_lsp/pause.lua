--- Ghost text only after a pause: while one is on, nothing appears that was not shown before the last key.
local M = {}

M.delay = 0 -- milliseconds after the last key

local timers = {} ---@type table<integer, uv.uv_timer_t?> by buffer

---@return boolean
function M.is_on(bufnr)
  return timers[bufnr] ~= nil
end

function M.stop(bufnr)
  local timer = timers[bufnr]
  timers[bufnr] = nil
  if timer and not timer:is_closing() then
    timer:stop()
    timer:close()
  end
end

--- Begin a pause, or begin it again; call `done` at its end.
---@param done fun(bufnr: integer)
function M.start(bufnr, done)
  M.stop(bufnr)
  timers[bufnr] = vim.defer_fn(function()
    timers[bufnr] = nil
    done(bufnr)
  end, M.delay)
end

return M
