;; fim-lsp for Emacs 30 with eglot: put this into your init.el. Tab accepts the ghost text.
(with-eval-after-load 'eglot
  (add-to-list 'eglot-server-programs '((python-mode python-ts-mode) . ("fim-lsp"))))
(add-hook 'python-mode-hook #'eglot-ensure)
(add-hook 'python-mode-hook #'completion-preview-mode)
