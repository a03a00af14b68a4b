;;; fim-lsp-document.el --- Buffers as documents of the server -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: MIT

;;; Commentary:

;; A buffer is opened at the server and kept in sync, with positions in characters.  Only documented parts of
;; track-changes.el are used.

;;; Code:

(require 'cl-lib)
(require 'epa-hook)
(require 'track-changes)
(require 'fim-lsp-client)

(defvar-local fim-lsp-document--tracker nil
  "The tracker of this buffer's changes; non-nil if the server is to know it.")

(defvar-local fim-lsp-document--uri nil
  "The URI of this buffer at the server; nil if the server does not know it.")

(defvar-local fim-lsp-document--version 0
  "The version of the document: the number of changes sent.")

(defun fim-lsp-document-attach ()
  "Open this buffer at the server and keep it in sync."
  (unless fim-lsp-document--tracker
    (setq fim-lsp-document--tracker (track-changes-register #'fim-lsp-document--changed))
    (add-hook 'kill-buffer-hook #'fim-lsp-document-detach nil t)
    (add-hook 'change-major-mode-hook #'fim-lsp-document-detach nil t)
    (add-hook 'after-set-visited-file-name-hook #'fim-lsp-document--renamed nil t)
    (fim-lsp-client-start)
    (fim-lsp-document--open)))

(defun fim-lsp-document-detach ()
  "Close this buffer at the server."
  (when fim-lsp-document--tracker
    (fim-lsp-document--close)
    (track-changes-unregister fim-lsp-document--tracker)
    (setq fim-lsp-document--tracker nil)
    (remove-hook 'kill-buffer-hook #'fim-lsp-document-detach t)
    (remove-hook 'change-major-mode-hook #'fim-lsp-document-detach t)
    (remove-hook 'after-set-visited-file-name-hook #'fim-lsp-document--renamed t)))

(defun fim-lsp-document--renamed ()
  "Reopen the buffer if it visits another file than before."
  (unless (equal fim-lsp-document--uri (fim-lsp-document-uri))
    (fim-lsp-document--close)
    (fim-lsp-document--open)))

(defun fim-lsp-document-hindrance ()
  "Why this buffer is never sent to the server, or nil."
  (let ((name (or buffer-file-name default-directory)))
    (cond ((file-remote-p name) "is on another machine")
          ((string-match-p epa-file-name-regexp (or buffer-file-name "")) "is encrypted")
          ((minibufferp) "is the minibuffer"))))

(defun fim-lsp-document--open ()
  "Send this buffer's text to the server, and its project if that is new."
  (when-let* ((connection (and (not (fim-lsp-document-hindrance)) (fim-lsp-client-connection))))
    (fim-lsp-client-enter (fim-lsp-client-root))
    (track-changes-fetch fim-lsp-document--tracker #'ignore)
    (setq fim-lsp-document--uri (fim-lsp-document-uri)
          fim-lsp-document--version 0)
    (jsonrpc-notify connection :textDocument/didOpen
                    (list :textDocument
                          (list :uri fim-lsp-document--uri
                                :languageId (fim-lsp-document-language)
                                :version 0
                                :text (fim-lsp-document--text))))))

(defun fim-lsp-document--open-all ()
  "Open all buffers at a server that is ready."
  (dolist (buffer (buffer-list))
    (with-current-buffer buffer
      (when fim-lsp-document--tracker
        (fim-lsp-document--open)))))

(defun fim-lsp-document--forget-all ()
  "No buffer is open at a server that has ended."
  (dolist (buffer (buffer-list))
    (with-current-buffer buffer
      (setq fim-lsp-document--uri nil))))

(add-hook 'fim-lsp-client-ready-hook #'fim-lsp-document--open-all)
(add-hook 'fim-lsp-client-ended-hook #'fim-lsp-document--forget-all)

(defun fim-lsp-document--close ()
  "Close this buffer's document."
  (when-let* ((connection (and fim-lsp-document--uri (fim-lsp-client-connection))))
    (jsonrpc-notify connection :textDocument/didClose
                    (list :textDocument (list :uri fim-lsp-document--uri))))
  (setq fim-lsp-document--uri nil))

(defun fim-lsp-document-uri ()
  "The URI of this buffer: that of its file, or one by its name."
  (if buffer-file-name
      (fim-lsp-client-uri-of buffer-file-name)
    (concat "untitled:" (url-hexify-string (buffer-name)))))

(defconst fim-lsp-document--languages
  '((c++ . "cpp") (sh . "shellscript") (bash . "shellscript") (js . "javascript") (tsx . "typescriptreact")
    (emacs-lisp . "elisp") (cperl . "perl") (tex . "latex") (LaTeX . "latex") (js-json . "json") (mhtml . "html"))
  "LSP's language ids of modes with another name.")

(defun fim-lsp-document-language ()
  "LSP's id of this buffer's language."
  (let ((name (replace-regexp-in-string "\\(?:-base\\)?\\(?:-ts\\)?-mode\\'" "" (symbol-name major-mode))))
    (alist-get (intern name) fim-lsp-document--languages name)))

;;; Changes

(defun fim-lsp-document--changed (_tracker &rest _)
  "Send edits that no command of this buffer has sent."
  (fim-lsp-document--flush))

(defun fim-lsp-document--flush ()
  "Send pending edits to the server."
  (when-let* ((connection (and fim-lsp-document--uri (fim-lsp-client-connection))))
    (track-changes-fetch
     fim-lsp-document--tracker
     (lambda (beg end before)
       (jsonrpc-notify connection :textDocument/didChange
                       (list :textDocument (list :uri fim-lsp-document--uri
                                                 :version (cl-incf fim-lsp-document--version))
                             :contentChanges (vector (fim-lsp-document--change beg end before))))))))

(defun fim-lsp-document--change (beg end before)
  "The change that replaced BEFORE by the text between BEG and END.
BEFORE is the symbol `error' if the replaced text is not known."
  (if (stringp before)
      (list :range (list :start (fim-lsp-document--position beg)
                         :end (fim-lsp-document--position-after beg before))
            :text (fim-lsp-document--text beg end))
    (list :text (fim-lsp-document--text))))

(defun fim-lsp-document--text (&optional beg end)
  "The text from BEG to END, or all of it.
Bytes that are not Unicode become one replacement character each, so
that positions stay the same."
  (save-restriction
    (widen)
    (replace-regexp-in-string
     "[^\u0000-\uD7FF\uE000-\U0010FFFF]" "\uFFFD"
     (buffer-substring-no-properties (or beg (point-min)) (or end (point-max))) t t)))

(defun fim-lsp-document--position (position)
  "POSITION in this buffer as an LSP position."
  (save-excursion
    (save-restriction
      (widen)
      (goto-char position)
      (list :line (1- (line-number-at-pos nil t))
            :character (- position (pos-bol))))))

(defun fim-lsp-document--position-after (beg text)
  "The LSP position after TEXT, had it been at BEG."
  (let ((start (fim-lsp-document--position beg))
        (lines (split-string text "\n")))
    (if (cdr lines)
        (list :line (+ (plist-get start :line) (length (cdr lines)))
              :character (length (car (last lines))))
      (list :line (plist-get start :line)
            :character (+ (plist-get start :character) (length text))))))

(defun fim-lsp-document-point (position)
  "The buffer position of the LSP position POSITION."
  (save-excursion
    (save-restriction
      (widen)
      (goto-char (point-min))
      (forward-line (plist-get position :line))
      (min (+ (point) (plist-get position :character)) (pos-eol)))))

;;; Requests

(defun fim-lsp-document-sync ()
  "Send this buffer's pending edits to the server now."
  (fim-lsp-client-start)
  (fim-lsp-document--flush))

(defun fim-lsp-document-ask (explicit receive)
  "Request ghost text at point, and call RECEIVE with the list of items.
EXPLICIT is non-nil if the user asked for it.  Return non-nil if a request
was sent; see `fim-lsp-client-request-ghost'."
  (fim-lsp-document-sync)
  (when fim-lsp-document--uri
    (fim-lsp-client-request-ghost
     (list :textDocument (list :uri fim-lsp-document--uri)
           :position (fim-lsp-document--position (point))
           :context (list :triggerKind (if explicit 1 2)))
     receive)))

(defun fim-lsp-document-ask-for-others (receive)
  "Ask for other suggestions at point; call RECEIVE with the answer.
That is a plist with :items and :message, or nil."
  (fim-lsp-document-sync)
  (fim-lsp-client-execute "fim-lsp.alternatives"
                          (list (fim-lsp-document-uri) (fim-lsp-document--position (point)) '(:quiet t))
                          receive))

(provide 'fim-lsp-document)
;;; fim-lsp-document.el ends here
