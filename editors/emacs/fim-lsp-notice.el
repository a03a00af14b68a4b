;;; fim-lsp-notice.el --- What the server reports: messages, log and status -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: MIT

;;; Commentary:

;; The echo area keeps a message until the next key, and the server reports a problem only once.  Hence a message is shown
;; again in the first pause, if keys have removed it by then.  M-x removes messages too: two seconds after a command it suggests
;; a shorter name, for two seconds by default, and then restores what was there before.

;;; Code:

(defvar fim-lsp-notice-status nil
  "The server's last status: a plist with :state and more, or nil.")

(defvar fim-lsp-notice-status-hook nil
  "Functions to call when the status has changed, without arguments.")

(defconst fim-lsp-notice--pause 1
  "Seconds without a key after which a message is shown again.")

(defun fim-lsp-notice--hidden ()
  "Seconds after which Emacs has put an earlier message in place of a new one.
\\[execute-extended-command] shows its own for `suggest-key-bindings' seconds, by default two."
  (+ 0.5 (if (numberp suggest-key-bindings) suggest-key-bindings 2)))

(defconst fim-lsp-notice--log-size 100000
  "How many characters of the log are kept.")

(defvar fim-lsp-notice--timer nil
  "The timer that shows the last message again.")

(defvar fim-lsp-notice--text nil
  "The last message.")

(defun fim-lsp-notice-in-emacs (sentence)
  "The server's SENTENCE, with commands as they are called in Emacs."
  (let ((case-fold-search nil))
    (replace-regexp-in-string
     "the command fim-lsp\\.[a-zA-Z]+"
     (lambda (command)
       (concat "M-x fim-lsp-"
               (downcase (replace-regexp-in-string "[A-Z]" "-\\&" (string-remove-prefix "the command fim-lsp." command)))))
     (replace-regexp-in-string "`?fim-lsp key set [^` ,;]+`?" "M-x fim-lsp-key" sentence t t)
     t t)))

(defun fim-lsp-notice-show (sentence)
  "Show SENTENCE in the echo area, and again in the first pause after it has gone."
  (fim-lsp-notice-forget)
  (let ((text (fim-lsp-notice-in-emacs sentence)))
    (setq fim-lsp-notice--text text)
    (message "%s" text)
    (fim-lsp-notice--keep text)))

(defun fim-lsp-notice--keep (text)
  "Show TEXT, the message that is shown, again once it has gone."
  (setq fim-lsp-notice--timer
        (run-with-idle-timer fim-lsp-notice--pause nil #'fim-lsp-notice--again))
  (run-with-timer (fim-lsp-notice--hidden) nil #'fim-lsp-notice--restore text))

(defun fim-lsp-notice-wait (text)
  "Show TEXT in the echo area until there is an answer."
  (let ((message-log-max nil))
    (message "%s" text)))

(defun fim-lsp-notice-answered (waiting)
  "Remove WAITING, what `fim-lsp-notice-wait' has shown.
Do so again if \\[execute-extended-command] has put it back."
  (when (equal (current-message) waiting)
    (message nil))
  (run-with-timer (fim-lsp-notice--hidden) nil
                  (lambda ()
                    (when (equal (current-message) waiting)
                      (message nil)))))

(defun fim-lsp-notice--restore (text)
  "Show TEXT again if it is the last message and no key has removed it."
  (when (and (eq text fim-lsp-notice--text)
             (time-less-p (fim-lsp-notice--hidden) (or (current-idle-time) 0)))
    (fim-lsp-notice--show-last)))

(defun fim-lsp-notice-forget ()
  "Do not show the last message again: it is no longer true."
  (remove-hook 'post-command-hook #'fim-lsp-notice--removed)
  (when fim-lsp-notice--timer
    (cancel-timer fim-lsp-notice--timer)
    (setq fim-lsp-notice--timer nil)))

(defun fim-lsp-notice--again ()
  "Show the last message again, or wait until a key has removed it."
  (if (equal (current-message) fim-lsp-notice--text)
      (progn
        (setq fim-lsp-notice--timer nil)
        (add-hook 'post-command-hook #'fim-lsp-notice--removed))
    (fim-lsp-notice--show-last)))

(defun fim-lsp-notice--removed ()
  "A key has removed the last message: show it again in the next pause."
  (remove-hook 'post-command-hook #'fim-lsp-notice--removed)
  (setq fim-lsp-notice--timer
        (run-with-idle-timer fim-lsp-notice--pause nil #'fim-lsp-notice--show-last)))

(defun fim-lsp-notice--show-last ()
  "Show the last message again, unless it is there or the minibuffer is in use."
  (setq fim-lsp-notice--timer nil)
  (unless (or (equal (current-message) fim-lsp-notice--text) (active-minibuffer-window))
    (let ((message-log-max nil))
      (message "%s" fim-lsp-notice--text))))

(defun fim-lsp-notice-log (text)
  "Append TEXT, a message for the log, to the buffer *fim-lsp log*."
  (with-current-buffer (get-buffer-create "*fim-lsp log*")
    (unless (derived-mode-p 'special-mode)
      (special-mode)
      (setq-local truncate-lines nil))
    (let ((inhibit-read-only t) (at-end (= (point) (point-max))))
      (save-excursion
        (goto-char (point-max))
        (insert (format-time-string "%H:%M:%S ") text "\n")
        (when (> (buffer-size) fim-lsp-notice--log-size)
          (goto-char (- (point-max) (/ fim-lsp-notice--log-size 2)))
          (delete-region (point-min) (pos-bol))))
      (when at-end
        (goto-char (point-max))))))

(defun fim-lsp-notice-take-status (status)
  "Store STATUS, a plist as the server sends it, and show it in mode lines."
  (setq fim-lsp-notice-status status)
  (run-hooks 'fim-lsp-notice-status-hook)
  (force-mode-line-update t))

(provide 'fim-lsp-notice)
;;; fim-lsp-notice.el ends here
