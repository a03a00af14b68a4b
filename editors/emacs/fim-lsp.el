;;; fim-lsp.el --- Ghost text from the fim-lsp server -*- lexical-binding: t; -*-

;; Version: 0.1.0
;; Package-Requires: ((emacs "30.1"))
;; Keywords: convenience, tools
;; URL: https://github.com/OWNER/fim-lsp
;; SPDX-License-Identifier: MIT

;;; Commentary:

;; The next lines of your code as ghost text, from the language server fim-lsp:
;;
;;     (require 'fim-lsp)
;;     (fim-lsp-setup)
;;
;; TAB accepts, and keeps its usual meaning when no ghost text is shown.  M-f accepts a word, M-e a line, M-n and M-p
;; show other suggestions, C-g dismisses.  `fim-lsp-why' explains why nothing is shown, and `fim-lsp-doctor' checks settings,
;; key, host and model.
;;
;; It works next to eglot and without it: eglot has one server per mode, so this package has a connection of its own, over
;; jsonrpc.el.  lsp-mode, which runs several servers and shows ghost text itself, can do both instead:
;;
;;     (with-eval-after-load 'lsp-mode
;;       (fim-lsp-setup 'lsp-mode))

;;; Code:

(require 'fim-lsp-client)
(require 'fim-lsp-ghost)

(defcustom fim-lsp-idle-delay 0
  "Seconds without a key before ghost text is requested.
The server debounces by itself, and a request at each key costs next to
nothing."
  :group 'fim-lsp
  :type 'number)

(defcustom fim-lsp-quiet-commands '(undo undo-only undo-redo kill-region kill-line kill-whole-line indent-region)
  "Commands after which no ghost text is requested although they change text."
  :group 'fim-lsp
  :type '(repeat function))

(defcustom fim-lsp-inhibit-functions '(fim-lsp-elsewhere-p)
  "Functions without arguments; while one returns non-nil, there is no ghost text."
  :group 'fim-lsp
  :type 'hook)

(defvar-local fim-lsp--tick 0
  "The buffer's modification tick after the last command.")

(defvar-local fim-lsp--point 0
  "Point after the last command.")

(defvar fim-lsp--timer nil
  "The timer that requests ghost text once Emacs is idle.")

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
      (message "fim-lsp: ghost text is for local files that are not encrypted")))
   (t
    (setq fim-lsp--tick (buffer-chars-modified-tick)
          fim-lsp--point (point))
    ;; late, so that other packages have shown what they show
    (add-hook 'post-command-hook #'fim-lsp--after-command 80 t)
    (add-hook 'window-selection-change-functions #'fim-lsp--left nil t)
    (fim-lsp-client-attach))))

;;;###autoload
(define-globalized-minor-mode global-fim-lsp-mode fim-lsp-mode fim-lsp--turn-on
  :group 'fim-lsp
  :predicate '(prog-mode text-mode conf-mode))

(defun fim-lsp--turn-on ()
  "Turn on `fim-lsp-mode' in buffers that can have ghost text."
  (when (fim-lsp--file-p)
    (fim-lsp-mode 1)))

(defun fim-lsp--file-p ()
  "Whether this buffer visits a local file that is not encrypted."
  (and buffer-file-name
       (not (file-remote-p buffer-file-name))
       (not (string-match-p epa-file-name-regexp buffer-file-name))))

;;;###autoload
(defun fim-lsp-setup (&optional client)
  "Enable ghost text in all program, text and configuration files.
If CLIENT is the symbol `lsp-mode', lsp-mode runs the server and shows
the ghost text; otherwise this package does."
  (if (eq client 'lsp-mode)
      (fim-lsp--register)
    (global-fim-lsp-mode 1)))

;;; Ghost text while typing

(defun fim-lsp--after-command ()
  "Keep, remove or request ghost text, depending on the last command."
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
  "Remove the ghost text when WINDOW is no longer selected."
  (unless (eq window (selected-window))
    (with-current-buffer (window-buffer window)
      (fim-lsp--quit))))

(defun fim-lsp--quit ()
  "Remove the ghost text and cancel a pending request."
  (fim-lsp-ghost-forget)
  (when fim-lsp--timer
    (cancel-timer fim-lsp--timer)
    (setq fim-lsp--timer nil))
  (fim-lsp-client-cancel))

(defun fim-lsp--ask-when-idle ()
  "Request ghost text at point as soon as Emacs is idle."
  (when fim-lsp--timer
    (cancel-timer fim-lsp--timer))
  (setq fim-lsp--timer
        (run-with-idle-timer fim-lsp-idle-delay nil #'fim-lsp--ask (current-buffer) nil)))

(defun fim-lsp--ask (buffer explicit)
  "Request ghost text at point of BUFFER; EXPLICIT if the user asked for it.
Return non-nil if a request was sent."
  (setq fim-lsp--timer nil)
  (when (eq buffer (window-buffer))
    (with-current-buffer buffer
      (fim-lsp-client-ask explicit (fim-lsp--unless-changed
                                    (lambda (items) (fim-lsp--receive items explicit)))))))

(defun fim-lsp--unless-changed (receive)
  "Wrap RECEIVE, a function, to be called in this buffer.
Nothing is called if the text, point or the window's buffer has changed."
  (let ((buffer (current-buffer)) (tick (buffer-chars-modified-tick)) (place (point)))
    (lambda (result)
      (when (and (eq buffer (window-buffer))
                 (= tick (buffer-chars-modified-tick buffer))
                 (= place (with-current-buffer buffer (point))))
        (with-current-buffer buffer
          (funcall receive result))))))

(defun fim-lsp--receive (items explicit)
  "Show the server's ITEMS at point; if EXPLICIT, report that there are none."
  (cond
   ((run-hook-with-args-until-success 'fim-lsp-inhibit-functions))
   ((fim-lsp-ghost-offer (mapcar #'fim-lsp--item items))
    (fim-lsp--alone))
   (explicit
    (message "fim-lsp: nothing to suggest here"))))

(defun fim-lsp--item (item)
  "Convert ITEM, an InlineCompletionItem, to a suggestion."
  (let ((text (plist-get item :insertText))
        (range (plist-get item :range))
        (command (plist-get item :command)))
    (fim-lsp-ghost-make
     (if (stringp text) text (plist-get text :value))
     (if range (fim-lsp-client-point (plist-get range :start)) (point))
     (if range (fim-lsp-client-point (plist-get range :end)) (point))
     (and command (lambda (part) (fim-lsp-client-accepted command part))))))

(defun fim-lsp--ask-for-others (count)
  "Ask for other suggestions than the one that is shown, and show the COUNTth next."
  (message "fim-lsp: asking for other suggestions...")
  (fim-lsp-client-ask-for-others
   (fim-lsp--unless-changed
    (lambda (answer)
      (let ((items (append (plist-get answer :items) nil)))
        (if (and (cdr items) (fim-lsp-ghost-offer (mapcar #'fim-lsp--item items)))
            (fim-lsp-next count)
          (message "fim-lsp: %s" (or (plist-get answer :message) "no other suggestion here"))))))))

(setq fim-lsp-ghost-more-function #'fim-lsp--ask-for-others)

;;; Other packages that show something at point

(defvar company-candidates)
(defvar completion-preview-active-mode)
(defvar evil-local-mode)
(defvar evil-state)
(defvar lsp-inline-completion-mode)
(defvar multiple-cursors-mode)
(declare-function completion-preview-hide "completion-preview")

(defun fim-lsp-elsewhere-p ()
  "Whether the user is doing something other than typing at point."
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
  "Hide Emacs' completion preview, which would be shown at the same place."
  (when (bound-and-true-p completion-preview-active-mode)
    (completion-preview-hide)))

;;; Commands

;;;###autoload
(defun fim-lsp-complete ()
  "Request ghost text at point now."
  (interactive)
  (unless fim-lsp-mode
    (fim-lsp-mode 1))
  (unless (fim-lsp--ask (current-buffer) t)
    (message "fim-lsp: %s" (or fim-lsp-client--down "the server isn't ready yet"))))

;;;###autoload
(defun fim-lsp-restart ()
  "Restart the server with the current settings."
  (interactive)
  (fim-lsp-client-restart))

;;;###autoload
(defun fim-lsp-why ()
  "Explain why ghost text is shown or not, here and at the last keys."
  (interactive)
  (fim-lsp--execute "fim-lsp.why" `((:quiet t :uri ,(fim-lsp-client-uri))) #'fim-lsp--show))

;;;###autoload
(defun fim-lsp-doctor ()
  "Check the server's settings, key, host and model with a real request."
  (interactive)
  (message "fim-lsp: checking settings, keys and hosts...")
  (fim-lsp--execute "fim-lsp.doctor" `((:quiet t :uri ,(fim-lsp-client-uri))) #'fim-lsp--show-lines))

;;;###autoload
(defun fim-lsp-stats ()
  "Show how many suggestions were accepted, and what they cost."
  (interactive)
  (message "fim-lsp: counting...")
  (fim-lsp--execute "fim-lsp.stats" '((:quiet t)) #'fim-lsp--show-lines))

;;;###autoload
(defun fim-lsp-toggle ()
  "Turn suggestions off or on in this Emacs.
`fim-lsp-complete' still asks for one.  `fim-lsp-mode' is for one buffer."
  (interactive)
  (fim-lsp--execute "fim-lsp.toggle" nil #'ignore))

;;;###autoload
(defun fim-lsp-toggle-language ()
  "Turn suggestions off or on for the language of this buffer."
  (interactive)
  (fim-lsp--execute "fim-lsp.toggleLanguage" (list (fim-lsp-client-language)) #'ignore))

;;;###autoload
(defun fim-lsp-snooze (minutes)
  "No suggestions for MINUTES, the prefix argument; 0 ends it."
  (interactive (list (if current-prefix-arg
                         (prefix-numeric-value current-prefix-arg)
                       (read-number "No suggestions for how many minutes? " 30))))
  (fim-lsp--execute "fim-lsp.snooze" (list minutes) #'ignore))

;;;###autoload
(defun fim-lsp-clear-cache ()
  "Forget the suggestions that the server has cached."
  (interactive)
  (fim-lsp--execute "fim-lsp.clearCache" nil #'ignore))

(defun fim-lsp--show-lines (result)
  "Show the lines of RESULT, an object."
  (fim-lsp--show (plist-get (fim-lsp--plist result) :lines)))

(defun fim-lsp--show (lines)
  "Show LINES, an array of strings, or if nil the server's last status."
  (with-help-window "*fim-lsp*"
    (princ (string-join (or (append lines nil) (list (fim-lsp--status-in-words))) "\n"))
    (terpri)))

(defun fim-lsp--status-in-words ()
  "The server's last status as a sentence."
  (pcase-let (((map :state :reason :backend :model :host) fim-lsp-client-status))
    (string-join (remove "" (delq nil (list (concat "fim-lsp: " (or fim-lsp-client--down state "running"))
                                            reason backend model host)))
                 ", ")))

(defconst fim-lsp--marks
  '(("limited" . "~") ("offline" . "?") ("failing" . "!") ("disabled" . "-") ("snoozed" . "z"))
  "What the mode line shows for a state in which something is amiss.")

(defun fim-lsp--lighter ()
  "The state for the mode line: in italics during a request."
  (let* ((state (if fim-lsp-client--down "disabled" (plist-get fim-lsp-client-status :state)))
         (mark (alist-get state fim-lsp--marks "" nil #'equal)))
    (concat " " (propertize (concat "fim" mark)
                            'face (cond ((member state '("waiting" "calling")) 'italic)
                                        ((equal state "failing") 'warning))
                            'help-echo (fim-lsp--status-in-words)))))

;;; lsp-mode

(defvar lsp--cur-workspace)
(defvar lsp-inline-completion-active-map)
(defvar lsp-inline-completion-idle-delay)
(declare-function lsp-find-workspace "lsp-mode")
(declare-function lsp-inline-completion-accept "lsp-inline-completion")
(declare-function lsp-register-client "lsp-mode")
(declare-function lsp-request-async "lsp-mode")
(declare-function lsp-stdio-connection "lsp-mode")
(declare-function make-lsp-client "lsp-mode")

(defun fim-lsp--register ()
  "Let lsp-mode run the server next to others, with a short delay for ghost text."
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
      (puthash "fim-lsp/status" (lambda (_workspace params) (fim-lsp-client-take (fim-lsp--plist params))) handlers)
      handlers)))
  (when (= lsp-inline-completion-idle-delay 2) ; its default; the server debounces by itself
    (setq lsp-inline-completion-idle-delay 0.1))
  (cl-loop for (key command) in '(("TAB" lsp-inline-completion-accept)
                                  ("<tab>" lsp-inline-completion-accept)
                                  ("M-n" lsp-inline-completion-next)
                                  ("M-p" lsp-inline-completion-prev)
                                  ("C-n" nil) ; which move the cursor
                                  ("C-p" nil))
           do (keymap-set lsp-inline-completion-active-map key command)))

(defun fim-lsp--execute (command arguments receive)
  "Execute COMMAND with ARGUMENTS at the server; call RECEIVE with the result.
In buffers without `fim-lsp-mode', the server may be lsp-mode's."
  (if-let* ((workspace (and (not fim-lsp-mode)
                            (bound-and-true-p lsp-mode)
                            (lsp-find-workspace 'fim-lsp))))
      (let ((lsp--cur-workspace workspace))
        (lsp-request-async "workspace/executeCommand"
                           (list :command command :arguments (vconcat arguments))
                           receive :mode 'detached))
    (fim-lsp-client-execute command arguments receive)))

(defun fim-lsp--plist (object)
  "OBJECT, as a client decodes it from JSON, as a plist."
  (if (hash-table-p object)
      (cl-loop for name being the hash-keys of object using (hash-values value)
               collect (intern (format ":%s" name))
               collect value)
    object))

(provide 'fim-lsp)
;;; fim-lsp.el ends here
