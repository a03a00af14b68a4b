;;; fim-lsp-mode-line.el --- The server's state in the mode line -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: MIT

;;; Commentary:

;; `fim', with a mark for what is amiss and "…" while an answer is awaited.  A click on it opens `fim-lsp-why'.  It is not
;; a minor mode's lighter, on which a click opens the menu of minor modes.

;;; Code:

(require 'fim-lsp-client)

(defcustom fim-lsp-mode-line-usage nil
  "Whether the mode line shows today's latency and tokens.
The latency is the median of the calls that were answered, and tokens
are those sent and received."
  :group 'fim-lsp
  :type 'boolean)

(defconst fim-lsp-mode-line--patience 0.5
  "Seconds without an answer after which the mode line shows that it is awaited.")

(defconst fim-lsp-mode-line--age 10
  "Seconds for which today's figures are shown before they are asked for again.")

(defconst fim-lsp-mode-line--marks
  '(("waiting" . "…") ("calling" . "…")
    ("limited" . "~") ("offline" . "?") ("failing" . "!") ("disabled" . "-") ("snoozed" . "z"))
  "What the mode line shows for a state of the server.")

(defvar fim-lsp-mode-line--waiting nil
  "Whether an answer has been awaited for a while.")

(defvar fim-lsp-mode-line--timer nil
  "The timer that looks whether an answer is still awaited.")

(defvar fim-lsp-mode-line--usage nil
  "Today's figures as the server sent them: a plist, or nil.")

(defvar fim-lsp-mode-line--asked-at 0
  "When they were asked for, in seconds since the epoch.")

(defun fim-lsp-mode-line-state ()
  "The state of the server, as a string."
  (cond (fim-lsp-client-down "disabled")
        ((plist-get fim-lsp-notice-status :state))
        ((fim-lsp-client-connection) "idle")
        (t "starting")))

(defun fim-lsp-mode-line-in-words ()
  "The server's last status as a sentence."
  (pcase-let (((map :reason :backend :model :host) fim-lsp-notice-status))
    (string-join (remove "" (delq nil (list (concat "fim-lsp: " (or fim-lsp-client-down (fim-lsp-mode-line-state)))
                                            reason backend model host)))
                 ", ")))

(defvar-keymap fim-lsp-mode-line-map
  :doc "Keys on the state in the mode line."
  "<mode-line> <mouse-1>" #'fim-lsp-why
  "<mode-line> <mouse-3>" #'fim-lsp-status)

(declare-function fim-lsp-why "fim-lsp-commands")
(declare-function fim-lsp-status "fim-lsp-commands")

;;;###autoload
(defun fim-lsp-mode-line ()
  "The state for a mode line, with a space after it."
  (let* ((state (fim-lsp-mode-line-state))
         (mark (alist-get (if (and fim-lsp-mode-line--waiting (equal state "idle")) "waiting" state)
                          fim-lsp-mode-line--marks "" nil #'equal)))
    (concat (propertize (concat "fim" mark (fim-lsp-mode-line--figures))
                        'face (and (equal state "failing") 'warning)
                        'mouse-face 'mode-line-highlight
                        'local-map fim-lsp-mode-line-map
                        'help-echo (concat (fim-lsp-mode-line-in-words)
                                           "\nmouse-1: why is there (no) suggestion?"))
            " ")))

(defvar fim-lsp-mode)
(defvar lsp-inline-completion-mode)

(defun fim-lsp-mode-line-shown-p ()
  "Whether this buffer has ghost text, from this package or lsp-mode."
  (or (bound-and-true-p fim-lsp-mode) (bound-and-true-p lsp-inline-completion-mode)))

(defun fim-lsp-mode-line-install ()
  "Add the state to the mode lines of buffers with ghost text."
  (add-to-list 'mode-line-misc-info '(:eval (and (fim-lsp-mode-line-shown-p) (fim-lsp-mode-line)))))

(defun fim-lsp-mode-line-asked ()
  "A request was sent: look after a while whether it has an answer."
  (when fim-lsp-mode-line--timer
    (cancel-timer fim-lsp-mode-line--timer))
  (setq fim-lsp-mode-line--timer
        (run-with-timer fim-lsp-mode-line--patience nil #'fim-lsp-mode-line--look)))

(defun fim-lsp-mode-line--look ()
  "Show that an answer is awaited, if it is."
  (setq fim-lsp-mode-line--timer nil)
  (fim-lsp-mode-line--set (and (fim-lsp-client-waits-p) t)))

(defun fim-lsp-mode-line-answered ()
  "No answer is awaited any more."
  (fim-lsp-mode-line--set nil)
  (fim-lsp-mode-line--refresh))

(defun fim-lsp-mode-line--set (waiting)
  "Show whether Emacs is WAITING for an answer."
  (unless (eq waiting fim-lsp-mode-line--waiting)
    (setq fim-lsp-mode-line--waiting waiting)
    (force-mode-line-update t)))

;;; Figures

(defun fim-lsp-mode-line--figures ()
  "Today's figures, if they are wanted and known."
  (pcase-let (((map :latency :tokens) fim-lsp-mode-line--usage))
    (if (and fim-lsp-mode-line-usage (numberp tokens))
        (concat (and (numberp latency) (format " %dms" latency))
                (format " %s" (fim-lsp-mode-line--short tokens)))
      "")))

(defun fim-lsp-mode-line--short (tokens)
  "A number of TOKENS in few characters."
  (cond ((< tokens 1000) (format "%dtok" tokens))
        ((< tokens 1000000) (format "%.1fktok" (/ tokens 1e3)))
        (t (format "%.1fMtok" (/ tokens 1e6)))))

(defun fim-lsp-mode-line--refresh ()
  "Ask for today's figures, if they are wanted and old."
  (when (and fim-lsp-mode-line-usage
             (fim-lsp-client-connection)
             (> (- (float-time) fim-lsp-mode-line--asked-at) fim-lsp-mode-line--age))
    (setq fim-lsp-mode-line--asked-at (float-time))
    (fim-lsp-client-execute "fim-lsp.status" '((:usage t :quiet t))
                            (lambda (answer)
                              (setq fim-lsp-mode-line--usage (plist-get answer :usage))
                              (force-mode-line-update t)))))

(provide 'fim-lsp-mode-line)
;;; fim-lsp-mode-line.el ends here
