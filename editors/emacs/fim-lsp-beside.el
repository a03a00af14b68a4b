;;; fim-lsp-beside.el --- Ghost text beside what else is shown at point -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: MIT

;;; Commentary:

;; Where a completion menu is open, its keys are the menu's, and ghost text steps back: company's, corfu's, and that of
;; `completion-at-point'.  Emacs' completion preview steps back for ghost text.

;;; Code:

(require 'fim-lsp-ghost)

(defcustom fim-lsp-hide-beside-menu t
  "Whether ghost text is hidden while a completion menu is open.
If nil, both are shown, and \\`TAB' accepts the ghost text."
  :group 'fim-lsp
  :type 'boolean)

(defcustom fim-lsp-inhibit-functions '(fim-lsp-elsewhere-p)
  "Functions without arguments; while one returns non-nil, there is no ghost text."
  :group 'fim-lsp
  :type 'hook)

(defvar fim-lsp-beside-menu-closed-function #'ignore
  "A function to call when a menu was closed.")

(defvar company-candidates)
(defvar completion-preview-active-mode)
(defvar evil-local-mode)
(defvar evil-state)
(defvar lsp-inline-completion-mode)
(defvar multiple-cursors-mode)
(declare-function completion-preview-hide "completion-preview")

(defun fim-lsp-elsewhere-p ()
  "Whether the user is doing something other than typing at point.
That includes recording a keyboard macro: \\`TAB' in it would accept what is
not there when it is replayed."
  (or buffer-read-only
      executing-kbd-macro
      defining-kbd-macro
      (region-active-p)
      isearch-mode
      (bound-and-true-p multiple-cursors-mode)
      (bound-and-true-p lsp-inline-completion-mode)
      (and (bound-and-true-p evil-local-mode)
           (not (memq evil-state '(insert emacs))))))

(defun fim-lsp-beside-menu-p ()
  "Whether a completion menu is open for which ghost text hides."
  (and fim-lsp-hide-beside-menu
       (or completion-in-region-mode
           (bound-and-true-p company-candidates))))

(defun fim-lsp-beside-alone ()
  "Hide Emacs' completion preview, which would be shown at the same place."
  (when (bound-and-true-p completion-preview-active-mode)
    (completion-preview-hide)))

(defun fim-lsp-beside--menu-changed (&rest _)
  "Hide or show ghost text when a menu was opened or closed."
  (cond
   ((fim-lsp-beside-menu-p)
    (fim-lsp-ghost-hide))
   (fim-lsp-hide-beside-menu
    (funcall fim-lsp-beside-menu-closed-function))))

;; A menu may be opened by a timer, after which no command runs.
(add-hook 'completion-in-region-mode-hook #'fim-lsp-beside--menu-changed)
(add-hook 'company-completion-started-hook #'fim-lsp-beside--menu-changed)
(add-hook 'company-after-completion-hook #'fim-lsp-beside--menu-changed)

(provide 'fim-lsp-beside)
;;; fim-lsp-beside.el ends here
