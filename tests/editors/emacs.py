"""Emacs with the package, in a terminal: by itself, beside eglot's server, and with lsp-mode."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.editors.driver import Editor
from tests.editors.programs import ROOT, program
from tests.editors.sandbox import Sandbox

PACKAGE = ROOT / "editors" / "emacs"
_QUIET = f"""
;; -*- lexical-binding: t -*-
(setq inhibit-startup-screen t make-backup-files nil auto-save-default nil create-lockfiles nil
      indent-tabs-mode nil native-comp-jit-compilation nil native-comp-enable-subr-trampolines nil
      auto-save-list-file-prefix nil xterm-extra-capabilities nil)
(add-to-list 'auto-mode-alist '("\\\\.go\\\\'" . prog-mode))
(add-to-list 'load-path "{PACKAGE}")
(keymap-global-set "C-c q" #'kill-emacs)
(defun dump ()
  (let ((coding-system-for-write 'utf-8-emacs))
    (with-temp-file "~/messages.log"
      (dolist (name '("*Messages*" "*Warnings*" "*lsp-log*"))
        (when (get-buffer name) (insert-buffer-substring name))))))
(add-hook 'kill-emacs-hook #'dump 100)
(keymap-global-set "C-c d" #'dump)
"""
ALONE = "(require 'fim-lsp)\n(fim-lsp-setup)\n"
# eglot has a server of its own: ours, by another name and without a menu.
_EGLOT = f"""
(require 'eglot)
(setq eglot-autoshutdown t eglot-sync-connect nil)
(dolist (mode '(python-mode text-mode prog-mode))
  (add-to-list 'eglot-server-programs `(,mode "{sys.executable}" "-m" "fim_lsp" :initializationOptions (:menu "never"))))
(setenv "PYTHONPATH" "{ROOT}")
(add-hook 'prog-mode-hook #'eglot-ensure)
"""
# A package manager's autoloads would load these.
_LSP_MODE = """
(dolist (feature '(lsp-mode lsp-lens lsp-modeline lsp-headerline lsp-diagnostics lsp-completion lsp-inline-completion
                   lsp-icons lsp-semantic-tokens))
  (require feature))
(setq lsp-auto-guess-root t lsp-warn-no-matched-clients nil lsp-enable-suggest-server-download nil
      lsp-client-packages nil lsp-enable-snippet nil lsp-keep-workspace-alive nil lsp-headerline-breadcrumb-enable nil)
(add-hook 'prog-mode-hook #'lsp)
(require 'fim-lsp)
(fim-lsp-setup 'lsp-mode)
"""
WAYS = {"alone": ALONE, "beside eglot": ALONE + _EGLOT, "lsp-mode": _LSP_MODE}


class Emacs(Editor):
    """With two lines of set-up, unless ``config`` says otherwise. ``env`` is added to the environment."""

    process_name = "emacs-nox"

    def __init__(self, sandbox: Sandbox, config: str = ALONE, env: Mapping[str, str] | None = None) -> None:
        super().__init__(sandbox)
        self.own_client = "(fim-lsp-setup)" in config  # else the connection is eglot's or lsp-mode's
        self._has_eglot = config.endswith(_EGLOT)
        init = sandbox.home / ".config" / "emacs" / "init.el"
        init.parent.mkdir(parents=True)
        init.write_text(_QUIET.lstrip() + config)
        self.log = sandbox.home / "messages.log"
        sandbox.logs.append(self.log)
        self.executable = program("emacs")
        self._env = env

    def start(self, path: Path, *, line: int = 1, column: int | None = None) -> None:
        self.sandbox.install()
        place = [] if column else ["--eval", "(end-of-line)"]
        command = (self.executable, f"+{line}:{column or 1}", path.name, *place)
        self.terminal.start(*command, env=self._env, folder=path.parent)

    async def open(self, path: Path, *, line: int = 1, column: int | None = None) -> None:
        await super().open(path, line=line, column=column)
        if self._has_eglot:
            await self.terminal.wait_for("[eglo")  # in the mode line: what eglot says of its start is over by then

    async def visit(self, path: Path, *, line: int = 1, column: int | None = None) -> None:
        self.terminal.keys("C-x", "C-f")
        self.terminal.type(f"{path.name}\n")
        await self.terminal.wait_for(f" {path.name} ", "Find file")
        self.terminal.keys("M-g", "g")
        self.terminal.type(f"{line}\n")
        if column is None:
            self.terminal.keys("C-e")
        for _ in range((column or 1) - 1):
            self.terminal.keys("C-f")
        await self._server_has(path)
        if self._has_eglot:
            await self.terminal.wait_for(" fim  [")  # the beginning of it, after a longer name and CRLF

    def run(self, command: str, *answers: str) -> None:
        """Run a command of ours by its name; ``answers`` are what is typed where it asks."""
        self.terminal.keys("M-x")
        self.terminal.type("\n".join([f"fim-lsp-{command}", *answers, ""]))

    async def save(self) -> None:
        self.terminal.keys("C-x", "C-s")

    async def quit(self) -> None:
        await self.leave()
        assert self.wire.exits() == ([0] if self.own_client else [])  # lsp-mode and eglot leave it to the system
        assert self.errors() == []

    async def leave(self) -> None:
        self.terminal.keys("C-c", "q")
        await self.terminal.ended()

    def errors(self) -> Sequence[str]:
        """Warnings too."""
        bad = re.compile(r"\berror\b|warning|wrong type|void|deleting it", re.IGNORECASE)
        known = [
            *self.wire.notices(),
            *self.wire.logged(),
            "Warning: Lisp directory",
        ]  # an Emacs that was moved says so
        known += ["Pattern t is deprecated"]  # lsp-mode, where it isn't compiled
        lines = self.log.read_text(errors="replace").splitlines()
        return [line for line in lines if bad.search(line) and not any(message in line for message in known)]
