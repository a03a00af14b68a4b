;; fim-lsp for Emacs 30: put this into your init.el. Tab accepts the ghost text. -*- lexical-binding: t -*-
(add-to-list 'load-path "/path/to/fim-lsp/editors/emacs")
(require 'fim-lsp)
(fim-lsp-setup)
