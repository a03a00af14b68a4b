"""The plugin's keys in Neovim where there is nothing to accept: each does what it did before it was mapped."""

from __future__ import annotations

from tests.editors.cases import BEFORE, SUGGESTED
from tests.editors.neovim import RUNTIMEPATH, SETUP, Neovim
from tests.editors.sandbox import Sandbox, writes


async def test_without_a_suggestion_each_key_does_what_neovim_does(sandbox: Sandbox) -> None:
    neovim = Neovim(sandbox, f"{RUNTIMEPATH}{SETUP}vim.cmd('iabbrev teh the')\n")
    sandbox.codestral.answer = writes()
    terminal = sandbox.terminal
    path = sandbox.file("demo.txt", "\nlast\n")
    await neovim.open(path)
    terminal.type("a\tteh")
    terminal.keys("C-]")
    terminal.type(".abc")
    await terminal.wait_for("the.abc")
    for key, place in (("M-Right", (11, 0)), ("M-Down", (3, 1)), ("M-[", (10, 0)), ("M-]", (10, 0))):
        terminal.keys(key)  # like Esc and the key; the brackets wait for another one
        await terminal.wait_for(lambda screen: "-- INSERT --" not in screen)
        if key in {"M-[", "M-]"}:
            terminal.keys("Escape")
        await terminal.wait_for(lambda _, at=place: terminal.cursor()[1] == at[1])
        terminal.type("gg0A")
        await terminal.wait_for("-- INSERT --")
    await neovim.save_as(path, b"a\tthe.abc\nlast\n")
    await neovim.quit()


# A mapping of each kind: of the buffer or global, expression or not, recursive or not.
_MAPPINGS = r"""
vim.api.nvim_create_autocmd('FileType', { pattern = 'text', callback = function()
  vim.keymap.set('i', '<Tab>', function() vim.api.nvim_put({ 'put' }, 'c', false, true) end, { buffer = true })
  vim.keymap.set('i', '<M-[>', function() return 'L<C-v>u0041' end, { buffer = true, expr = true })
  vim.keymap.set('i', '<Plug>(t)', 'plug', { buffer = true })
  vim.keymap.set('i', '<C-]>', '<Plug>(t)', { buffer = true, remap = true })
  vim.keymap.set('i', '<M-Right>', 'right', { buffer = true })
end })
vim.keymap.set('i', '<M-]>', 'global')
vim.keymap.set('i', '<M-Right>', 'hidden by the one of the buffer')
vim.cmd([[
  function! s:own()
    return 'S'
  endfunction
  inoremap <expr> <C-s> <SID>own()
  imap <expr> <C-v> "\<C-v>" . "u00e9"
  imap <C-t> <C-t>t
]])
"""
_KEYS = "require('fim_lsp').setup({ keymaps = { accept_line = '<C-s>', previous = '<C-v>', dismiss = '<C-t>' } })\n"


async def test_without_a_suggestion_each_key_does_what_the_users_own_mapping_does(sandbox: Sandbox) -> None:
    neovim = Neovim(sandbox, f"vim.o.shiftwidth = 2\n{_MAPPINGS}{RUNTIMEPATH}{SETUP}")
    sandbox.codestral.answer = writes(SUGGESTED)
    terminal = sandbox.terminal
    path = sandbox.file("demo.txt", "\n")
    await neovim.open(path)
    for key, shown in (
        ("Tab", "put"),
        ("M-[", "putLA"),
        ("C-]", "putLAplug"),
        ("M-Right", "putLAplugright"),
        ("M-]", "putLAplugrightglobal"),
    ):
        terminal.keys(key)
        await terminal.wait_for(shown)
    terminal.type(f"\x1b:lua {_KEYS.strip()}\nA")  # the keys of the first setup() are the user's again
    for key, shown in (("C-s", "globalS"), ("C-v", "globalSé"), ("C-t", "  putLAplugrightglobalSét"), ("M-[", "étLA")):
        terminal.keys(key)
        await terminal.wait_for(shown)
    terminal.type("\x1bccret")
    await terminal.wait_for(SUGGESTED)
    terminal.keys("Tab")
    await terminal.wait_for(lambda _: terminal.cursor()[0] == len("  " + SUGGESTED))
    terminal.keys("Tab")
    await neovim.save_as(path, f"  {SUGGESTED}put\n".encode())
    await neovim.quit()


async def test_accepting_beside_a_menu_closes_it_and_what_was_accepted_stays(sandbox: Sandbox) -> None:
    neovim = Neovim(sandbox, f"vim.o.completeopt = 'menuone,noselect'\n{RUNTIMEPATH}{SETUP}")
    path = await neovim.open_with_suggestion(typed="ret")
    terminal = sandbox.terminal
    rest = SUGGESTED.removeprefix("return")
    terminal.keys("C-n")
    await terminal.wait_for("Back at original")
    await terminal.wait_for(SUGGESTED)
    terminal.keys("C-n")
    await terminal.wait_for("The only match", rest)  # ghost text is hidden while an entry is selected
    terminal.keys("C-p")
    await terminal.wait_for(rest)
    terminal.type("\t ")
    width = len(f"    {SUGGESTED} ")
    await terminal.wait_for(lambda screen: terminal.cursor()[0] == width and "Keyword completion" not in screen)
    terminal.keys("C-n")
    await terminal.wait_for("Back at original")
    terminal.keys("C-n")
    await terminal.wait_for("match 1 of ")
    await neovim.save_as(path, f"{BEFORE}{SUGGESTED} def\n".encode())
    await neovim.quit()


async def test_beside_a_menu_ghost_text_is_always_or_never_shown_as_set(sandbox: Sandbox) -> None:
    options = "vim.o.completeopt = 'menuone,noselect'\nrequire('fim_lsp').setup({ beside_menu = 'never' })\n"
    neovim = Neovim(sandbox, RUNTIMEPATH + options)
    path = await neovim.open_with_suggestion(typed="ret")
    terminal = sandbox.terminal
    rest = SUGGESTED.removeprefix("return")
    terminal.keys("C-n")
    await terminal.wait_for("Back at original", rest)
    terminal.type("\t")  # nothing to accept: it closes the menu and is a tab
    await terminal.wait_for(lambda screen: "Back at original" not in screen and rest not in screen)
    terminal.type("\x08\x1b:lua require('fim_lsp').setup({ beside_menu = 'always' })\nccret")
    await terminal.wait_for(SUGGESTED)
    terminal.keys("C-n", "C-n")
    await terminal.wait_for("The only match")
    await terminal.wait_for(SUGGESTED)
    terminal.keys("Tab")
    await terminal.wait_for(SUGGESTED, "Keyword completion")
    await neovim.save_as(path, f"{BEFORE}{SUGGESTED}\n".encode())
    await neovim.quit()


async def test_dot_repeats_what_was_accepted_and_a_macro_repeats_the_keys(sandbox: Sandbox) -> None:
    neovim = Neovim(sandbox)
    lines = "if n < 0:\n        return 0"
    sandbox.codestral.answer = writes(lines, "total = n + 1")
    path = sandbox.file("demo.py", "def fib(n):\n    \n    \n    \n    \n")
    await neovim.open(path, line=2)
    terminal = sandbox.terminal
    terminal.type("\x1bS")
    await terminal.wait_for("-- INSERT --")
    terminal.type("if n")
    await terminal.wait_for("return 0")
    terminal.type("\t  # a")
    await terminal.wait_for("return 0  # a")
    terminal.type("\x1bj.")
    repeated = f"    {lines}  # a\n"
    await neovim.save_as(path, f"def fib(n):\n{repeated}{repeated}    \n    \n".encode())
    terminal.type("jqqS")
    await terminal.wait_for("-- INSERT --recording @q")
    for letter in "tot":  # at once they would count as pasted
        await neovim.type_and_wait(letter)
    await terminal.wait_for("total = n + 1")
    terminal.type("\t\x1bqj@q")  # in the macro, Tab is a tab
    await neovim.save_as(path, f"def fib(n):\n{repeated}{repeated}    total = n + 1\n    tot \n".encode())
    await neovim.quit()
