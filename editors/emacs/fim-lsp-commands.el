;;; fim-lsp-commands.el --- Commands beside those on ghost text -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: MIT

;;; Commentary:

;; What one asks the server to say or to do.  They work with the connection of this package and with lsp-mode's.

;;; Code:

(require 'fim-lsp-client)
(require 'fim-lsp-document)
(require 'fim-lsp-key)
(require 'fim-lsp-lsp-mode)
(require 'fim-lsp-mode-line)

(declare-function fim-lsp-mode "fim-lsp")
(declare-function lsp-inline-completion-mode "lsp-inline-completion")

(defun fim-lsp-commands--execute (command arguments receive)
  "Execute COMMAND with ARGUMENTS at the server of this buffer.
RECEIVE is called with the result."
  (if-let* ((workspace (fim-lsp-lsp-mode-workspace)))
      (fim-lsp-lsp-mode-execute workspace command arguments receive)
    (fim-lsp-client-execute command arguments receive)))

(defun fim-lsp-commands--tell (command &rest arguments)
  "Execute COMMAND with ARGUMENTS and show the sentence that it answers with."
  ;; With an empty echo area, Emacs would suggest a shorter name at once, and remove the answer with it.
  (fim-lsp-notice-wait "fim-lsp: asking the server...")
  (fim-lsp-commands--execute
   command (append arguments '((:quiet t)))
   (lambda (answer)
     (message "fim-lsp: %s" (fim-lsp-notice-in-emacs
                             (or (plist-get answer :message) "this server does not know the command"))))))

;;; On and off

(defun fim-lsp-commands--turn (on everywhere)
  "Turn ghost text ON in this buffer, or EVERYWHERE, and say so."
  (if everywhere
      (fim-lsp-commands--tell "fim-lsp.toggle" (if on t :json-false))
    (let ((hindrance (and on (fim-lsp-document-hindrance))))
      (cond
       (hindrance
        (user-error "No ghost text here: %s %s" (buffer-name) hindrance))
       ((fim-lsp-lsp-mode-workspace)
        (lsp-inline-completion-mode (if on 1 -1)))
       (t
        (fim-lsp-mode (if on 1 -1))))
      (message "fim-lsp: ghost text is %s in %s%s"
               (if on "on" "off") (buffer-name) (if on "" "; M-x fim-lsp-enable turns it on")))))

;;;###autoload
(defun fim-lsp-enable (&optional everywhere)
  "Turn ghost text on in this buffer; with a prefix argument, EVERYWHERE."
  (interactive "P")
  (fim-lsp-commands--turn t everywhere))

;;;###autoload
(defun fim-lsp-disable (&optional everywhere)
  "Turn ghost text off in this buffer; with a prefix argument, EVERYWHERE.
`fim-lsp-ask' still asks for one."
  (interactive "P")
  (fim-lsp-commands--turn nil everywhere))

;;;###autoload
(defun fim-lsp-toggle (&optional everywhere)
  "Turn ghost text off or on in this buffer; with a prefix argument, EVERYWHERE."
  (interactive "P")
  (if everywhere
      (fim-lsp-commands--tell "fim-lsp.toggle")
    (fim-lsp-commands--turn (not (fim-lsp-mode-line-shown-p)) nil)))

;;;###autoload
(defun fim-lsp-toggle-language ()
  "Turn suggestions off or on for the language of this buffer."
  (interactive)
  (fim-lsp-commands--tell "fim-lsp.toggleLanguage" (fim-lsp-document-language)))

;;;###autoload
(defun fim-lsp-snooze (minutes)
  "Show no suggestions for MINUTES, by default 30; 0 ends that.
MINUTES is the prefix argument, or is asked for without one."
  (interactive (list (if current-prefix-arg
                         (prefix-numeric-value current-prefix-arg)
                       (read-number "No suggestions for how many minutes? " 30))))
  (fim-lsp-commands--tell "fim-lsp.snooze" minutes))

;;;###autoload
(defun fim-lsp-trigger ()
  "Make suggestions only when they are asked for, or as you type again.
That is for this session; the setting is `trigger'."
  (interactive)
  (fim-lsp-commands--tell "fim-lsp.trigger"))

;;;###autoload
(defun fim-lsp-clear-cache ()
  "Forget the suggestions made so far, and delete the kept indexes of workspaces."
  (interactive)
  (fim-lsp-commands--tell "fim-lsp.clearCache"))

;;;###autoload
(defun fim-lsp-restart ()
  "Restart the server with the current settings."
  (interactive)
  (if (fim-lsp-lsp-mode-workspace)
      (fim-lsp-lsp-mode-start)
    (fim-lsp-client-restart)
    (unless fim-lsp-client-down
      (message "fim-lsp: starting the server"))))

;;;###autoload
(defun fim-lsp-install-server ()
  "Install the server into `fim-lsp-server-directory', or renew it there."
  (interactive)
  (let ((buffer (current-buffer)))
    (fim-lsp-server-install
     (if (and fim-lsp-lsp-mode-registered (not (bound-and-true-p fim-lsp-mode)))
         (lambda ()
           (when (buffer-live-p buffer)
             (with-current-buffer buffer
               (fim-lsp-lsp-mode-start))))
       #'fim-lsp-client-restart))))

;;; The model

(defconst fim-lsp-commands--no-model "(as in the settings)"
  "The choice that goes back to the model of the settings.")

;;;###autoload
(defun fim-lsp-model ()
  "Choose another model for this session."
  (interactive)
  (fim-lsp-notice-wait "fim-lsp: looking which models there are...")
  (fim-lsp-commands--execute
   "fim-lsp.model" '((:quiet t))
   (lambda (answer)
     ;; outside of the connection's filter, which must not wait for the user
     (run-with-timer 0 nil #'fim-lsp-commands--choose-model answer))))

(defun fim-lsp-commands--choose-model (answer)
  "Let the user choose one of the models of ANSWER."
  (if (null answer)
      (message "fim-lsp: this server does not know the command")
    (let ((name (completing-read
                 (format-prompt "Model" (plist-get answer :model))
                 (append (plist-get answer :models) (list fim-lsp-commands--no-model))
                 nil nil nil nil (plist-get answer :model))))
      (fim-lsp-commands--tell "fim-lsp.model" (unless (equal name fim-lsp-commands--no-model) name)))))

;;; What the server says

;;;###autoload
(defun fim-lsp-status ()
  "Say what the server does, with which back end and which model."
  (interactive)
  (message "%s%s" (fim-lsp-mode-line-in-words)
           (if (fim-lsp-mode-line-shown-p) "" (concat ".  " (fim-lsp-commands--off-here)))))

(defun fim-lsp-commands--off-here ()
  "A sentence on why this buffer has no ghost text."
  (let ((hindrance (fim-lsp-document-hindrance)))
    (cond
     (hindrance (format "No ghost text here: %s %s." (buffer-name) hindrance))
     ((not buffer-file-name)
      "No ghost text here, because this buffer has no file: C-x C-w gives it one, M-x fim-lsp-enable does without.")
     (t "Ghost text is off in this buffer; M-x fim-lsp-enable turns it on."))))

;;;###autoload
(defun fim-lsp-why ()
  "Explain why ghost text is shown or not, here and for the latest requests."
  (interactive)
  (let ((off (unless (fim-lsp-mode-line-shown-p) (list (fim-lsp-commands--off-here)))))
    (if (or (fim-lsp-lsp-mode-workspace) (fim-lsp-client-connection))
        (fim-lsp-commands--execute
         "fim-lsp.why" (list (if (and off (not buffer-file-name))
                                 '(:quiet t)
                               (list :quiet t :uri (fim-lsp-document-uri))))
         (lambda (lines) (fim-lsp-commands--show (append off lines nil))))
      (fim-lsp-commands--show (append off (list (fim-lsp-mode-line-in-words)))))))

;;;###autoload
(defun fim-lsp-doctor ()
  "Check the server's settings, key, host and model with a real request."
  (interactive)
  (fim-lsp-commands--report "fim-lsp.doctor" "fim-lsp: checking settings, keys and hosts..."))

;;;###autoload
(defun fim-lsp-stats ()
  "Show how many suggestions were accepted, and what they cost."
  (interactive)
  (fim-lsp-commands--report "fim-lsp.stats" "fim-lsp: counting..."))

(defun fim-lsp-commands--report (command waiting)
  "Say WAITING, execute COMMAND, and show the lines of its result."
  (fim-lsp-notice-wait waiting)
  (fim-lsp-commands--execute command (list (list :quiet t :uri (fim-lsp-document-uri)))
                             (lambda (answer)
                               (fim-lsp-notice-answered waiting)
                               (fim-lsp-commands--show (append (plist-get answer :lines) nil)))))

(defun fim-lsp-commands--show (lines)
  "Show LINES, a list of strings, or if there are none the server's last status."
  (with-help-window "*fim-lsp*"
    (dolist (line (or lines (list (fim-lsp-mode-line-in-words))))
      (princ (fim-lsp-notice-in-emacs line))
      (terpri)))
  (with-current-buffer "*fim-lsp*"
    (let ((inhibit-read-only t))
      (save-excursion
        (goto-char (point-min))
        (while (not (eobp))
          (put-text-property (pos-bol) (pos-eol) 'wrap-prefix (fim-lsp-commands--indentation))
          (forward-line))))
    (visual-line-mode 1)))

(defun fim-lsp-commands--indentation ()
  "The spaces below which the line at point continues.
Lines of the doctor have their text in a column."
  (make-string (if (looking-at "[✓!✗·] .\\{13\\} \\| +→ ") (- (match-end 0) (pos-bol)) 2) ?\s))

;;;###autoload
(defun fim-lsp-log ()
  "Show the log of the server."
  (interactive)
  (if (fim-lsp-lsp-mode-workspace)
      (pop-to-buffer "*lsp-log*")
    (let ((errors (get-buffer " *fim-lsp stderr*")))
      (when (and errors (> (buffer-size errors) 0))
        (fim-lsp-notice-log (concat "standard error:\n" (with-current-buffer errors (string-trim (buffer-string)))))
        (with-current-buffer errors
          (let ((inhibit-read-only t))
            (erase-buffer)))))
    (unless (get-buffer "*fim-lsp log*")
      (fim-lsp-notice-log (fim-lsp-mode-line-in-words)))
    (pop-to-buffer "*fim-lsp log*")))

;;;###autoload
(defalias 'fim-lsp-key #'fim-lsp-set-key)

(provide 'fim-lsp-commands)
;;; fim-lsp-commands.el ends here
