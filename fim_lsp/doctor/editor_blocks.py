"""The block of configuration for each editor, ready to paste: with the real paths of this machine. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Paths:
    """``command`` is the absolute path of ``fim-lsp``; ``plugins`` the folder ``editors`` of a clone, None without one."""

    command: str
    plugins: Path | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Editor:
    """One row. ``programs`` are its names on PATH; ``version`` is a pattern of what ``--version`` prints.

    From ``minimum`` on, it shows what ``shows`` says; below it, ``older`` says what to do. ``file`` is where the block goes.
    """

    name: str
    title: str
    programs: tuple[str, ...]
    version: str
    minimum: tuple[int, ...]
    shows: str
    older: str
    file: str
    block: Callable[[Paths], str]


def _quoted(path: str | Path) -> str:
    """A string literal of Lua, Emacs Lisp, TOML and JSON alike."""
    return json.dumps(str(path), ensure_ascii=False)


def _neovim(paths: Paths) -> str:
    command = _quoted(paths.command)
    if paths.plugins:
        return (
            f"vim.opt.runtimepath:append({_quoted(paths.plugins / 'neovim')})\n"
            f"require('fim_lsp').setup({{ cmd = {{ {command} }} }})"
        )
    return (
        f"vim.lsp.config('fim_lsp', {{ cmd = {{ {command} }}, root_markers = {{ '.git' }} }})\n"
        "vim.lsp.enable('fim_lsp')\n"
        "vim.lsp.inline_completion.enable()\n"
        "vim.keymap.set('i', '<Tab>', function()\n"
        "  if not vim.lsp.inline_completion.get() then\n"
        "    return '<Tab>'\n"
        "  end\n"
        "end, { expr = true, desc = 'Accept the ghost text' })"
    )


def _emacs(paths: Paths) -> str:
    command = _quoted(paths.command)
    if paths.plugins:
        return (
            f"(add-to-list 'load-path {_quoted(paths.plugins / 'emacs')})\n"
            "(require 'fim-lsp)\n"
            f"(setq fim-lsp-command '({command}))\n"
            "(fim-lsp-setup)"
        )
    return (
        "(with-eval-after-load 'eglot\n"
        f"  (add-to-list 'eglot-server-programs '((python-mode python-ts-mode) {command})))\n"
        "(add-hook 'python-base-mode-hook #'eglot-ensure)\n"
        "(add-hook 'python-base-mode-hook #'completion-preview-mode)"
    )


def _helix(paths: Paths) -> str:
    return (
        f"[language-server.fim-lsp]\ncommand = {_quoted(paths.command)}\n\n"
        "# once for each language, after the servers that `hx --health python` names\n"
        '[[language]]\nname = "python"\nlanguage-servers = ["ty", "ruff", "jedi", "pylsp", "zuban", "fim-lsp"]'
    )


def _vscode(paths: Paths) -> str:
    setting = f'"fim-lsp.command": [{_quoted(paths.command)}]'
    if paths.plugins:
        folder = _quoted(paths.plugins / "vscode")
        build = (
            f"cd {folder} && npm ci --ignore-scripts && npm run package && code --install-extension dist/fim-lsp.vsix"
        )
        return f"// first, in a terminal: {build}\n{setting}"
    return f"// first, install the extension (fim-lsp.vsix, built in editors/vscode of the source)\n{setting}"


def _vim(paths: Paths) -> str:
    command = paths.command.replace("'", "''")
    return (
        '" with the plugin neoclide/coc.nvim; more keys are in editors/vim/vimrc of the source\n'
        "call coc#config('languageserver.fim-lsp', "
        f"{{'command': '{command}', 'filetypes': ['*'], 'rootPatterns': ['.git']}})\n"
        "inoremap <silent><expr> <Tab> coc#inline#visible() ? coc#inline#accept() : "
        'coc#pum#visible() ? coc#pum#next(1) : "\\<Tab>"'
    )


def _kakoune(paths: Paths) -> str:
    return (
        "# with kakoune-lsp 17 or newer: suggestions are in the completion menu\n"
        "hook -group fim-lsp global BufSetOption filetype=(?:c|cpp|go|java|javascript|python|rust|sh|typescript) %{\n"
        "    set-option -add buffer lsp_servers %{\n"
        f'        [fim-lsp]\n        root_globs = [".git"]\n        command = {_quoted(paths.command)}\n'
        "    }\n}"
    )


_NEEDS_12: Final = "in Neovim 0.11 suggestions are in the completion menu; install Neovim 0.12 for ghost text"

EDITORS: Final[Mapping[str, Editor]] = MappingProxyType(
    {
        row.name: row
        for row in (
            Editor(
                name="nvim", title="Neovim", programs=("nvim",), version=r"NVIM v(\d[\d.]*)", minimum=(0, 12),
                shows="ghost text", older=_NEEDS_12, file="init.lua", block=_neovim,
            ),
            Editor(
                name="emacs", title="Emacs", programs=("emacs",), version=r"GNU Emacs (\d[\d.]*)", minimum=(30,),
                shows="ghost text", older="install Emacs 30 or newer", file="init.el", block=_emacs,
            ),
            Editor(
                name="helix", title="Helix", programs=("hx", "helix"), version=r"helix (\d[\d.]*)", minimum=(23, 10),
                shows="suggestions in the completion menu", older="install Helix 23.10 or newer, which supports several "
                "servers for a language", file="~/.config/helix/languages.toml", block=_helix,
            ),
            Editor(
                name="code", title="VS Code", programs=("code", "codium"), version=r"^(\d[\d.]*)", minimum=(1, 91),
                shows="ghost text", older="update VS Code to 1.91 or newer", file="settings.json", block=_vscode,
            ),
            Editor(
                name="vim", title="Vim", programs=("vim",), version=r"Vi IMproved (\d[\d.]*)", minimum=(9,),
                shows="ghost text, with the plugin coc.nvim", older="install Vim 9 or newer",
                file="vimrc", block=_vim,
            ),
            Editor(
                name="kak", title="Kakoune", programs=("kak",), version=r"Kakoune v?(\d[\d.]*)", minimum=(2022,),
                shows="suggestions in the completion menu, with kakoune-lsp", older="install a Kakoune that kakoune-lsp supports",
                file="kakrc", block=_kakoune,
            ),
        )
    }
)  # fmt: skip
"""By the name for ``fim-lsp doctor --editor``, in the order in which they are listed."""
