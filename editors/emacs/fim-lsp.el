;;; fim-lsp.el --- Ghost text from the fim-lsp server -*- lexical-binding: t; -*-

;; Version: 0.1.0
;; Package-Requires: ((emacs "30.1"))
;; Keywords: convenience, tools
;; URL: https://github.com/OWNER/fim-lsp
;; SPDX-License-Identifier: MIT

;;; Commentary:

;; The next lines of your code as ghost text, by the language server fim-lsp:
;;
;;     (require 'fim-lsp)
;;     (fim-lsp-setup)
;;
;; TAB accepts, and is TAB as ever where no ghost text is shown.  M-f takes a word, M-e a line, M-n and M-p show other
;; suggestions, C-g dismisses.  `fim-lsp-why' says why there is nothing to see.
;;
;; It works beside eglot, whatever server that uses, and without it: eglot has one server for a mode, so this one has a
;; connection of its own, over jsonrpc.el.  Users of lsp-mode, which runs several servers and has ghost text itself,
;; may have it do both instead:
;;
;;     (with-eval-after-load 'lsp-mode
;;       (fim-lsp-setup 'lsp-mode))

;;; Code:

(require 'fim-lsp-client)
(require 'fim-lsp-ghost)

(defcustom fim-lsp-idle-delay 0
  "Seconds without a key until ghost text is asked for.
The server waits by itself as long as your typing asks for, and one
question it gets at each key costs next to nothing."
  :group 'fim-lsp
  :type 'number)

(defcustom fim-lsp-quiet-commands '(undo undo-only undo-redo kill-region kill-line kill-whole-line indent-region)
  "Commands that change text, after which no ghost text is wanted."
  :group 'fim-lsp
  :type '(repeat function))

(defcustom fim-lsp-inhibit-functions '(fim-lsp-elsewhere-p)
  "Functions without arguments; while one returns non-nil, there is no ghost text."
  :group 'fim-lsp
  :type 'hook)

(defvar-local fim-lsp--tick 0
  "The buffer's count of changes after the last command.")

(defvar-local fim-lsp--point 0
  "Point after the last command.")

(defvar fim-lsp--timer nil
  "What asks for ghost text once Emacs is idle.")

;;;###autoload
(define-minor-mode fim-lsp-mode
  "Ghost text in this buffer."
  :lighter (:eval (fim-lsp--lighter))
  (cond
   ((not fim-lsp-mode)
    (remove-hook 'post-command-hook #'fim-lsp--after-command t)
    (remove-hook 'window-selection-change-functions #'fim-lsp--left t)
    (fim-lsp--quit)
    (fim-lsp-client-detach))
   ((not (fim-lsp--file-p))
    (setq fim-lsp-mode nil)
    (when (called-interactively-p 'interactive)
      (message "fim-lsp: ghost text is for files of this machine that aren't encrypted")))
   (t
    (setq fim-lsp--tick (buffer-chars-modified-tick)
          fim-lsp--point (point))
    ;; late, so that what others show is known
    (add-hook 'post-command-hook #'fim-lsp--after-command 80 t)
    (add-hook 'window-selection-change-functions #'fim-lsp--left nil t)
    (fim-lsp-client-attach))))

;;;###autoload
(define-globalized-minor-mode global-fim-lsp-mode fim-lsp-mode fim-lsp--turn-on
  :group 'fim-lsp
  :predicate '(prog-mode text-mode conf-mode))

(defun fim-lsp--turn-on ()
  "Turn on `fim-lsp-mode' where there may be ghost text."
  (when (fim-lsp--file-p)
    (fim-lsp-mode 1)))

(defun fim-lsp--file-p ()
  "Whether this buffer visits a file of this machine that isn't encrypted."
  (and buffer-file-name
       (not (file-remote-p buffer-file-name))
       (not (string-match-p epa-file-name-regexp buffer-file-name))))

;;;###autoload
(defun fim-lsp-setup (&optional client)
  "Have ghost text in all files, programs and texts.
CLIENT is the symbol `lsp-mode' where lsp-mode is to run the server and
show the ghost text; else that is done here, beside whatever else runs."
  (if (eq client 'lsp-mode)
      (fim-lsp--register)
    (global-fim-lsp-mode 1)))

;;; Ghost text follows what is typed

(defun fim-lsp--after-command ()
  "Keep, take away or ask for ghost text, as the last command wants it."
  (let ((edited (/= fim-lsp--tick (setq fim-lsp--tick (buffer-chars-modified-tick))))
        (moved (/= fim-lsp--point (setq fim-lsp--point (point)))))
    (when edited
      (fim-lsp-client-send-changes))
    (cond
     ((run-hook-with-args-until-success 'fim-lsp-inhibit-functions)
      (fim-lsp--quit))
     ((fim-lsp-ghost-refresh)
      (fim-lsp--alone))
     ((and edited (not (memq this-command fim-lsp-quiet-commands)))
      (fim-lsp--ask-when-idle))
     ((or edited moved (eq this-command 'fim-lsp-dismiss))
      (fim-lsp--quit)))))

(defun fim-lsp--left (window)
  "Take the ghost text away when WINDOW is no longer selected."
  (unless (eq window (selected-window))
    (with-current-buffer (window-buffer window)
      (fim-lsp--quit))))

(defun fim-lsp--quit ()
  "Take the ghost text away, and back what was asked."
  (fim-lsp-ghost-forget)
  (when fim-lsp--timer
    (cancel-timer fim-lsp--timer)
    (setq fim-lsp--timer nil))
  (fim-lsp-client-cancel))

(defun fim-lsp--ask-when-idle ()
  "Ask for ghost text at point as soon as no key is waiting."
  (when fim-lsp--timer
    (cancel-timer fim-lsp--timer))
  (setq fim-lsp--timer
        (run-with-idle-timer fim-lsp-idle-delay nil #'fim-lsp--ask (current-buffer) nil)))

(defun fim-lsp--ask (buffer explicit)
  "Ask for ghost text at point of BUFFER; EXPLICIT when the user does.
Return non-nil if the server was asked."
  (setq fim-lsp--timer nil)
  (when (eq buffer (window-buffer))
    (with-current-buffer buffer
      (let ((tick (buffer-chars-modified-tick)) (place (point)))
        (fim-lsp-client-ask
         explicit
         (lambda (items)
           (when (and (eq buffer (window-buffer))
                      (= tick (buffer-chars-modified-tick buffer))
                      (= place (with-current-buffer buffer (point))))
             (with-current-buffer buffer
               (fim-lsp--receive items explicit)))))))))

(defun fim-lsp--receive (items explicit)
  "Show ITEMS of the server at point; tell that there are none if EXPLICIT."
  (cond
   ((run-hook-with-args-until-success 'fim-lsp-inhibit-functions))
   ((fim-lsp-ghost-offer (mapcar #'fim-lsp--item items))
    (fim-lsp--alone))
   (explicit
    (message "fim-lsp: nothing to suggest here"))))

(defun fim-lsp--item (item)
  "Make a suggestion of ITEM, which is an InlineCompletionItem."
  (let ((text (plist-get item :insertText))
        (range (plist-get item :range))
        (command (plist-get item :command)))
    (fim-lsp-ghost-make
     (if (stringp text) text (plist-get text :value))
     (if range (fim-lsp-client-point (plist-get range :start)) (point))
     (if range (fim-lsp-client-point (plist-get range :end)) (point))
     (and command
          (lambda ()
            (fim-lsp-client-execute
             (plist-get command :command) (plist-get command :arguments) #'ignore))))))

;;; Others who show something at point

(defvar company-candidates)
(defvar completion-preview-active-mode)
(defvar evil-local-mode)
(defvar evil-state)
(defvar lsp-inline-completion-mode)
(defvar multiple-cursors-mode)
(declare-function completion-preview-hide "completion-preview")

(defun fim-lsp-elsewhere-p ()
  "Whether something else is going on than typing at point."
  (or buffer-read-only
      executing-kbd-macro
      (region-active-p)
      completion-in-region-mode
      isearch-mode
      (bound-and-true-p company-candidates)
      (bound-and-true-p multiple-cursors-mode)
      (bound-and-true-p lsp-inline-completion-mode)
      (and (bound-and-true-p evil-local-mode)
           (not (memq evil-state '(insert emacs))))))

(defun fim-lsp--alone ()
  "Hide the preview of a completion, which would stand in the same place."
  (when (bound-and-true-p completion-preview-active-mode)
    (completion-preview-hide)))

;;; Commands

;;;###autoload
(defun fim-lsp-complete ()
  "Ask for ghost text at point, now."
  (interactive)
  (unless fim-lsp-mode
    (fim-lsp-mode 1))
  (unless (fim-lsp--ask (current-buffer) t)
    (message "fim-lsp: %s" (or fim-lsp-client--down "the server isn't ready yet"))))

;;;###autoload
(defun fim-lsp-restart ()
  "Start the server anew, with the settings as they are now."
  (interactive)
  (fim-lsp-client-restart))

;;;###autoload
(defun fim-lsp-why ()
  "Show why there is ghost text, or why there is none."
  (interactive)
  (if fim-lsp-mode
      (fim-lsp-client-execute "fim-lsp.why" '((:quiet t)) #'fim-lsp--explain)
    (fim-lsp--explain nil)))

(defun fim-lsp--explain (lines)
  "Show LINES, an array of strings, or what the server last said of its state."
  (with-help-window "*fim-lsp*"
    (princ (string-join (or (append lines nil) (list (fim-lsp--status-in-words))) "\n"))
    (terpri)))

(defun fim-lsp--status-in-words ()
  "What the server last said of its state."
  (pcase-let (((map :state :reason :backend :model :host) fim-lsp-client-status))
    (string-join (delq nil (list (concat "fim-lsp: " (or fim-lsp-client--down state "running"))
                                 reason backend model host))
                 ", ")))

(defconst fim-lsp--marks '(("paused" . "~") ("trouble" . "!") ("off" . "-"))
  "What the mode line adds for a state that isn't as it should be.")

(defun fim-lsp--lighter ()
  "The state in the mode line: slanted while the model writes."
  (let* ((state (if fim-lsp-client--down "off" (plist-get fim-lsp-client-status :state)))
         (mark (alist-get state fim-lsp--marks "" nil #'equal)))
    (concat " " (propertize (concat "fim" mark)
                            'face (cond ((equal state "busy") 'italic)
                                        ((equal state "trouble") 'warning))
                            'help-echo (fim-lsp--status-in-words)))))

;;; lsp-mode

(defvar lsp-inline-completion-active-map)
(defvar lsp-inline-completion-idle-delay)
(declare-function lsp-inline-completion-accept "lsp-inline-completion")
(declare-function lsp-register-client "lsp-mode")
(declare-function lsp-stdio-connection "lsp-mode")
(declare-function make-lsp-client "lsp-mode")

(defun fim-lsp--register ()
  "Let lsp-mode run the server beside others, and show its ghost text soon."
  (require 'lsp-inline-completion)
  (lsp-register-client
   (make-lsp-client
    :new-connection (lsp-stdio-connection (lambda () fim-lsp-command))
    :activation-fn (lambda (&rest _) (derived-mode-p 'prog-mode 'text-mode 'conf-mode))
    :add-on? t
    :priority -1
    :server-id 'fim-lsp
    :initialization-options #'fim-lsp-client-options
    :custom-capabilities '((experimental . ((fimLspStatus . t))))
    :notification-handlers
    (let ((handlers (make-hash-table :test #'equal)))
      (puthash "fim-lsp/status" (lambda (_workspace params) (fim-lsp--heard params)) handlers)
      handlers)))
  (when (= lsp-inline-completion-idle-delay 2) ; its default; the server waits by itself
    (setq lsp-inline-completion-idle-delay 0.1))
  (cl-loop for (key command) in '(("TAB" lsp-inline-completion-accept)
                                  ("<tab>" lsp-inline-completion-accept)
                                  ("M-n" lsp-inline-completion-next)
                                  ("M-p" lsp-inline-completion-prev)
                                  ("C-n" nil) ; which move the cursor
                                  ("C-p" nil))
           do (keymap-set lsp-inline-completion-active-map key command)))

(defun fim-lsp--heard (status)
  "Keep STATUS, a hash table or plist of the server's state."
  (setq fim-lsp-client-status
        (if (hash-table-p status)
            (cl-loop for name being the hash-keys of status using (hash-values value)
                     collect (intern (format ":%s" name))
                     collect value)
          status)))

(provide 'fim-lsp)
;;; fim-lsp.el ends here
