;;; fim-lsp.el --- Ghost text from the fim-lsp server -*- lexical-binding: t; -*-

;; Version: 0.1.0
;; Package-Requires: ((emacs "30.1"))
;; Keywords: convenience, tools
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

(require 'fim-lsp-beside)
(require 'fim-lsp-commands)
(require 'fim-lsp-document)
(require 'fim-lsp-ghost)

(defcustom fim-lsp-idle-delay 0
  "Seconds without a key before ghost text is requested.
The server debounces by itself, and a request at each key costs next to
nothing.  A larger value shows ghost text only after a pause."
  :group 'fim-lsp
  :type 'number)

(defcustom fim-lsp-quiet-commands '(undo undo-only undo-redo kill-region kill-line kill-whole-line indent-region)
  "Commands after which no ghost text is requested although they change text."
  :group 'fim-lsp
  :type '(repeat function))

(defvar-local fim-lsp--tick 0
  "The buffer's modification tick after the last command.")

(defvar-local fim-lsp--point 0
  "Point after the last command.")

(defvar fim-lsp--timer nil
  "The timer that requests ghost text once Emacs is idle.")

(defvar fim-lsp--owed #'ignore
  "A function that requests what was wanted before the server was ready.")

;;;###autoload
(define-minor-mode fim-lsp-mode
  "Ghost text in this buffer."
  :lighter nil
  (cond
   ((not fim-lsp-mode)
    (remove-hook 'post-command-hook #'fim-lsp--after-command t)
    (remove-hook 'window-selection-change-functions #'fim-lsp--left t)
    (fim-lsp--quit)
    (fim-lsp-document-detach))
   ((fim-lsp-document-hindrance)
    (setq fim-lsp-mode nil)
    (when (called-interactively-p 'interactive)
      (message "fim-lsp: no ghost text here: %s %s" (buffer-name) (fim-lsp-document-hindrance))))
   (t
    (setq fim-lsp--tick (buffer-chars-modified-tick)
          fim-lsp--point (point))
    (fim-lsp-mode-line-install)
    ;; late, so that other packages have shown what they show
    (add-hook 'post-command-hook #'fim-lsp--after-command 80 t)
    (add-hook 'window-selection-change-functions #'fim-lsp--left nil t)
    (fim-lsp-document-attach))))

;;;###autoload
(define-globalized-minor-mode global-fim-lsp-mode fim-lsp-mode fim-lsp--turn-on
  :group 'fim-lsp
  :predicate '(prog-mode text-mode conf-mode)
  (if global-fim-lsp-mode
      (add-hook 'after-set-visited-file-name-hook #'fim-lsp--named)
    (remove-hook 'after-set-visited-file-name-hook #'fim-lsp--named)))

(defun fim-lsp--turn-on ()
  "Turn on `fim-lsp-mode' in buffers with a file.
Those without may be mail, a shell's or a password's."
  (when buffer-file-name
    (fim-lsp-mode 1)))

(defun fim-lsp--named ()
  "This buffer has a file now."
  (when (and (not fim-lsp-mode)
             (derived-mode-p 'prog-mode 'text-mode 'conf-mode))
    (fim-lsp--turn-on)))

;;;###autoload
(defun fim-lsp-setup (&optional client)
  "Enable ghost text in all program, text and configuration files.
If CLIENT is the symbol `lsp-mode', lsp-mode runs the server and shows
the ghost text; otherwise this package does."
  (if (eq client 'lsp-mode)
      (fim-lsp-lsp-mode-register)
    (global-fim-lsp-mode 1)))

;;; Ghost text while typing

(defun fim-lsp--after-command ()
  "Keep, remove or request ghost text, depending on the last command."
  (let ((edited (/= fim-lsp--tick (setq fim-lsp--tick (buffer-chars-modified-tick))))
        (moved (/= fim-lsp--point (setq fim-lsp--point (point)))))
    (when edited
      (fim-lsp-document-sync))
    (cond
     ((run-hook-with-args-until-success 'fim-lsp-inhibit-functions)
      (fim-lsp--quit))
     ((fim-lsp-ghost-refresh)
      (if (fim-lsp-beside-menu-p)
          (fim-lsp-ghost-hide)
        (fim-lsp-beside-alone)))
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
      (fim-lsp-mode-line-asked)
      (let ((receive (fim-lsp--unless-changed (lambda (items) (fim-lsp--receive items explicit)))))
        (or (fim-lsp-document-ask explicit (lambda (items)
                                             (fim-lsp-mode-line-answered)
                                             (funcall receive items)))
            (progn
              (setq fim-lsp--owed (fim-lsp--unless-changed (lambda (_) (fim-lsp--ask buffer explicit))))
              nil))))))

(defun fim-lsp--ask-for-owed ()
  "The server is ready: request what was wanted before, if point is still there."
  (funcall fim-lsp--owed nil)
  (setq fim-lsp--owed #'ignore))

(add-hook 'fim-lsp-client-ready-hook #'fim-lsp--ask-for-owed 90) ; after the documents were opened

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

(defconst fim-lsp--asking "fim-lsp: asking..."
  "What is shown until there is an answer.")

(defconst fim-lsp--starting "fim-lsp: the server isn't ready yet; it is asked as soon as it is"
  "What is shown until the server can be asked.")

(defun fim-lsp--receive (items explicit)
  "Show the server's ITEMS at point; if EXPLICIT, report that there are none."
  (when explicit
    (fim-lsp-notice-answered fim-lsp--asking)
    (fim-lsp-notice-answered fim-lsp--starting))
  (cond
   ((run-hook-with-args-until-success 'fim-lsp-inhibit-functions))
   ((fim-lsp-ghost-offer (mapcar #'fim-lsp--item items))
    (if (fim-lsp-beside-menu-p)
        (fim-lsp-ghost-hide)
      (fim-lsp-beside-alone)))
   (explicit
    (message "fim-lsp: nothing to suggest here; M-x fim-lsp-why says why"))))

(defun fim-lsp--item (item)
  "Convert ITEM, an InlineCompletionItem, to a suggestion."
  (let ((text (plist-get item :insertText))
        (range (plist-get item :range))
        (command (plist-get item :command)))
    (fim-lsp-ghost-make
     (if (stringp text) text (plist-get text :value))
     (if range (fim-lsp-document-point (plist-get range :start)) (point))
     (if range (fim-lsp-document-point (plist-get range :end)) (point))
     (and command (lambda (part)
                    (fim-lsp-document-sync) ; which shows what was inserted
                    (fim-lsp-client-accepted command part))))))

(defun fim-lsp--menu-closed ()
  "A menu was closed without a command: show the ghost text that was hidden."
  (when (and fim-lsp-mode
             (not (run-hook-with-args-until-success 'fim-lsp-inhibit-functions)))
    (fim-lsp-ghost-refresh)))

(setq fim-lsp-beside-menu-closed-function #'fim-lsp--menu-closed)

;;; Asking

;;;###autoload
(defun fim-lsp-ask ()
  "Request ghost text at point now."
  (interactive)
  (unless fim-lsp-mode
    (fim-lsp-mode 1))
  (fim-lsp-notice-wait
   (cond ((fim-lsp--ask (current-buffer) t) fim-lsp--asking)
         (fim-lsp-client-down (concat "fim-lsp: " fim-lsp-client-down))
         (t fim-lsp--starting))))

(defun fim-lsp--ask-for-others (count)
  "Ask for other suggestions than the one that is shown, and show the COUNTth next."
  (message "fim-lsp: asking for other suggestions...")
  (fim-lsp-document-ask-for-others
   (fim-lsp--unless-changed
    (lambda (answer)
      (let ((items (append (plist-get answer :items) nil)))
        (if (and (cdr items) (fim-lsp-ghost-offer (mapcar #'fim-lsp--item items)))
            (fim-lsp-next count)
          (message "fim-lsp: %s" (or (plist-get answer :message) "no other suggestion here"))))))))

(setq fim-lsp-ghost-more-function #'fim-lsp--ask-for-others)

(provide 'fim-lsp)
;;; fim-lsp.el ends here
