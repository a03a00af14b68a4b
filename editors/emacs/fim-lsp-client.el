;;; fim-lsp-client.el --- The connection to fim-lsp -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: MIT

;;; Commentary:

;; One server for all of Emacs, started by the first buffer that needs it.  It has a connection of its own, because eglot
;; has one server per mode, the one for the language.  Only documented parts of jsonrpc.el and track-changes.el are used.

;;; Code:

(require 'cl-lib)
(require 'jsonrpc)
(require 'project)
(require 'track-changes)
(require 'url-util)

(defcustom fim-lsp-command '("fim-lsp")
  "The server: a program and its arguments."
  :group 'fim-lsp
  :type '(repeat string))

(defcustom fim-lsp-settings nil
  "Settings of the server: an alist of names and values.
The names are those of fim-lsp\\='s README.  A list is an array;
:null and :false are null and false, and t is true.  For example
\\='((backend . \"codestral\") (max_tokens . 64) (multiline . \"never\")).
\\[fim-lsp-restart] applies them."
  :group 'fim-lsp
  :type '(alist :key-type symbol :value-type sexp))

(defvar fim-lsp-client-status nil
  "The server's last status: a plist with :state and more, or nil.")

(defclass fim-lsp-connection (jsonrpc-process-connection)
  ((pid-of :initarg :server :documentation "The process.")
   (ready :initform nil :documentation "Whether the server has answered `initialize'.")
   (folders :initform nil :documentation "The workspace folders that the server knows.")
   (asked :initform nil :documentation "The id of the last request for ghost text."))
  :documentation "A connection to fim-lsp.")

(defvar fim-lsp-client--connection nil
  "The connection, or nil.")

(defvar fim-lsp-client--down nil
  "Why no server is started, or nil.")

(defvar-local fim-lsp-client--tracker nil
  "The tracker of this buffer's changes; non-nil if the server knows the buffer.")

(defvar-local fim-lsp-client--uri nil
  "The URI of this buffer at the server; nil if the server does not know it.")

(defvar-local fim-lsp-client--version 0
  "The version of the document: the number of changes sent.")

;;; Starting and stopping the server

(defun fim-lsp-client-start ()
  "Start the server unless there is one."
  (unless (or fim-lsp-client--connection fim-lsp-client--down)
    (if (executable-find (car fim-lsp-command))
        (fim-lsp-client--handshake
         (setq fim-lsp-client--connection (fim-lsp-client--connect)))
      (fim-lsp-client--give-up
       (format "`%s' was not found; \"pipx install fim-lsp\" installs it" (car fim-lsp-command))))))

(defun fim-lsp-client--give-up (why)
  "Report WHY there is no server, and do not start one until asked to."
  (setq fim-lsp-client--down why)
  (message "fim-lsp: %s" why))

(defun fim-lsp-client--connect ()
  "Run the server."
  (let ((process (make-process :name "fim-lsp"
                               :command fim-lsp-command
                               :connection-type 'pipe
                               :coding 'utf-8-emacs-unix
                               :noquery t
                               ;; jsonrpc.el uses the buffer of this name
                               :stderr (get-buffer-create "*fim-lsp stderr*"))))
    (make-instance 'fim-lsp-connection
                   :name "fim-lsp"
                   :process process
                   :server process
                   :events-buffer-config '(:size 0 :format short) ; do not store what is typed
                   :request-dispatcher #'fim-lsp-client--request
                   :notification-dispatcher #'fim-lsp-client--notification
                   :on-shutdown #'fim-lsp-client--ended)))

(defun fim-lsp-client--handshake (connection)
  "Send `initialize' over CONNECTION."
  (let ((root (fim-lsp-client--root)))
    (setf (slot-value connection 'folders) (and root (list root)))
    (jsonrpc-async-request
     connection :initialize
     (list :processId (emacs-pid)
           :clientInfo (list :name "fim-lsp.el" :version emacs-version)
           :rootUri (and root (fim-lsp-client--uri root))
           :workspaceFolders (and root (vector (fim-lsp-client--folder root)))
           :initializationOptions (fim-lsp-client-options)
           :capabilities
           '( :general (:positionEncodings ["utf-32"]) ; Emacs counts characters
              :textDocument (:inlineCompletion (:dynamicRegistration :json-false))
              :workspace (:workspaceFolders t)
              :experimental (:fimLspStatus t)))
     :timeout 60
     :success-fn (lambda (_) (fim-lsp-client--greeted connection))
     :timeout-fn (lambda () (fim-lsp-client--give-up "the server doesn't answer"))
     :error-fn #'ignore))) ; the server ends, which is reported

(defun fim-lsp-client--greeted (connection)
  "Send all buffers over CONNECTION, whose server is ready."
  (setf (slot-value connection 'ready) t)
  (jsonrpc-notify connection :initialized (make-hash-table))
  (dolist (buffer (buffer-list))
    (with-current-buffer buffer
      (when fim-lsp-client--tracker
        (fim-lsp-client--open)))))

(defun fim-lsp-client-stop ()
  "End the server."
  (when-let* ((connection fim-lsp-client--connection)
              (process (slot-value connection 'pid-of)))
    (setq fim-lsp-client--connection nil)
    (ignore-errors
      (when (slot-value connection 'ready)
        (jsonrpc-request connection :shutdown nil :timeout 2))
      (jsonrpc-notify connection :exit nil)
      (with-timeout (2) ; it cancels its calls and exits
        (while (process-live-p process)
          (accept-process-output process 0.05))))
    (delete-process process)
    (fim-lsp-client--forget)))

(defun fim-lsp-client--ended (connection)
  "Handle the end of the server of CONNECTION; it is not restarted automatically."
  (when (eq connection fim-lsp-client--connection)
    (setq fim-lsp-client--connection nil)
    (fim-lsp-client--forget)
    (fim-lsp-client--give-up
     (substitute-command-keys "the server has ended; \\[fim-lsp-restart] starts it again"))))

(defun fim-lsp-client--forget ()
  "Forget which buffers the server knew."
  (setq fim-lsp-client-status nil)
  (dolist (buffer (buffer-list))
    (with-current-buffer buffer
      (setq fim-lsp-client--uri nil)))
  (force-mode-line-update t))

(defun fim-lsp-client-restart ()
  "Restart the server with the current settings."
  (fim-lsp-client-stop)
  (setq fim-lsp-client--down nil)
  (fim-lsp-client-start))

(add-hook 'kill-emacs-hook #'fim-lsp-client-stop)

(defun fim-lsp-client-options ()
  "The settings as a plist that jsonrpc.el encodes to JSON."
  (cl-loop for (name . value) in fim-lsp-settings
           collect (intern (format ":%s" name))
           collect (pcase value
                     (:null nil)
                     (:false :json-false)
                     ((pred proper-list-p) (vconcat value))
                     (_ value))))

;;; Messages from the server

(defun fim-lsp-client--request (_connection method _params)
  "Reject METHOD: no capability that the server could request was announced."
  (jsonrpc-error :code -32601 :message (format "%s is not supported" method)))

(defun fim-lsp-client--notification (_connection method params)
  "Handle the notification METHOD with PARAMS."
  (pcase method
    ('window/showMessage
     (message "%s" (plist-get params :message)))
    ('fim-lsp/status
     (fim-lsp-client-take params))))

(defun fim-lsp-client-take (status)
  "Store STATUS, a plist as the server sends it, and show it in the mode line."
  (setq fim-lsp-client-status status)
  (force-mode-line-update t))

;;; Buffers

(defun fim-lsp-client-attach ()
  "Open this buffer at the server and keep it in sync."
  (unless fim-lsp-client--tracker
    (setq fim-lsp-client--tracker (track-changes-register #'fim-lsp-client--changed))
    (add-hook 'kill-buffer-hook #'fim-lsp-client-detach nil t)
    (add-hook 'change-major-mode-hook #'fim-lsp-client-detach nil t)
    (add-hook 'after-set-visited-file-name-hook #'fim-lsp-client--renamed nil t)
    (fim-lsp-client-start)
    (fim-lsp-client--open)))

(defun fim-lsp-client-detach ()
  "Close this buffer at the server."
  (when fim-lsp-client--tracker
    (fim-lsp-client--close)
    (track-changes-unregister fim-lsp-client--tracker)
    (setq fim-lsp-client--tracker nil)
    (remove-hook 'kill-buffer-hook #'fim-lsp-client-detach t)
    (remove-hook 'change-major-mode-hook #'fim-lsp-client-detach t)
    (remove-hook 'after-set-visited-file-name-hook #'fim-lsp-client--renamed t)))

(defun fim-lsp-client--renamed ()
  "Reopen the buffer if it visits another file than before."
  (unless (and buffer-file-name (equal fim-lsp-client--uri (fim-lsp-client--uri buffer-file-name)))
    (fim-lsp-client--close)
    (fim-lsp-client--open)))

(defun fim-lsp-client--ready ()
  "The connection if the server is ready, or nil."
  (and fim-lsp-client--connection
       (slot-value fim-lsp-client--connection 'ready)
       fim-lsp-client--connection))

(defun fim-lsp-client--open ()
  "Send this buffer's text to the server, and its project if that is new."
  (when-let* ((connection (and buffer-file-name (fim-lsp-client--ready))))
    (fim-lsp-client--enter (fim-lsp-client--root) connection)
    (track-changes-fetch fim-lsp-client--tracker #'ignore)
    (setq fim-lsp-client--uri (fim-lsp-client--uri buffer-file-name)
          fim-lsp-client--version 0)
    (jsonrpc-notify connection :textDocument/didOpen
                    (list :textDocument
                          (list :uri fim-lsp-client--uri
                                :languageId (fim-lsp-client-language)
                                :version 0
                                :text (fim-lsp-client--text))))))

(defun fim-lsp-client--close ()
  "Close this buffer's document."
  (when-let* ((connection (and fim-lsp-client--uri (fim-lsp-client--ready))))
    (jsonrpc-notify connection :textDocument/didClose
                    (list :textDocument (list :uri fim-lsp-client--uri))))
  (setq fim-lsp-client--uri nil))

(defun fim-lsp-client--enter (root connection)
  "Add ROOT to the workspace folders of CONNECTION, once."
  (unless (or (null root) (member root (slot-value connection 'folders)))
    (push root (slot-value connection 'folders))
    (jsonrpc-notify connection :workspace/didChangeWorkspaceFolders
                    (list :event (list :added (vector (fim-lsp-client--folder root)) :removed [])))))

(defun fim-lsp-client--root ()
  "The folder of this buffer's project, or nil."
  (when-let* ((project (project-current)))
    (expand-file-name (project-root project))))

(defun fim-lsp-client--folder (root)
  "The project in ROOT as a workspace folder."
  (list :uri (fim-lsp-client--uri root)
        :name (file-name-nondirectory (directory-file-name root))))

(defun fim-lsp-client--uri (path)
  "The URI of the file or folder at PATH."
  (concat "file://" (and (eq system-type 'windows-nt) "/")
          (url-hexify-string (directory-file-name (expand-file-name path)) url-path-allowed-chars)))

(defconst fim-lsp-client--languages
  '((c++ . "cpp") (sh . "shellscript") (bash . "shellscript") (js . "javascript") (tsx . "typescriptreact")
    (emacs-lisp . "elisp") (cperl . "perl") (tex . "latex") (LaTeX . "latex") (js-json . "json") (mhtml . "html"))
  "LSP's language ids of modes with another name.")

(defun fim-lsp-client-language ()
  "LSP's id of this buffer's language."
  (let ((name (replace-regexp-in-string "\\(?:-base\\)?\\(?:-ts\\)?-mode\\'" "" (symbol-name major-mode))))
    (alist-get (intern name) fim-lsp-client--languages name)))

;;; Changes

(defun fim-lsp-client--changed (_tracker &rest _)
  "Send edits that no command of this buffer has sent."
  (fim-lsp-client--flush))

(defun fim-lsp-client--flush ()
  "Send pending edits to the server."
  (when-let* ((connection (and fim-lsp-client--uri (fim-lsp-client--ready))))
    (track-changes-fetch
     fim-lsp-client--tracker
     (lambda (beg end before)
       (jsonrpc-notify connection :textDocument/didChange
                       (list :textDocument (list :uri fim-lsp-client--uri
                                                 :version (cl-incf fim-lsp-client--version))
                             :contentChanges (vector (fim-lsp-client--change beg end before))))))))

(defun fim-lsp-client--change (beg end before)
  "The change that replaced BEFORE by the text between BEG and END.
BEFORE is the symbol `error' if the replaced text is not known."
  (if (stringp before)
      (list :range (list :start (fim-lsp-client--position beg)
                         :end (fim-lsp-client--position-after beg before))
            :text (fim-lsp-client--text beg end))
    (list :text (fim-lsp-client--text))))

(defun fim-lsp-client--text (&optional beg end)
  "The text from BEG to END, or all of it.
Bytes that are not Unicode become one replacement character each, so
that positions stay the same."
  (save-restriction
    (widen)
    (replace-regexp-in-string
     "[^\u0000-\uD7FF\uE000-\U0010FFFF]" "\uFFFD"
     (buffer-substring-no-properties (or beg (point-min)) (or end (point-max))) t t)))

(defun fim-lsp-client--position (position)
  "POSITION in this buffer as an LSP position."
  (save-excursion
    (save-restriction
      (widen)
      (goto-char position)
      (list :line (1- (line-number-at-pos nil t))
            :character (- position (pos-bol))))))

(defun fim-lsp-client--position-after (beg text)
  "The LSP position after TEXT, had it been at BEG."
  (let ((start (fim-lsp-client--position beg))
        (lines (split-string text "\n")))
    (if (cdr lines)
        (list :line (+ (plist-get start :line) (length (cdr lines)))
              :character (length (car (last lines))))
      (list :line (plist-get start :line)
            :character (+ (plist-get start :character) (length text))))))

(defun fim-lsp-client-point (position)
  "The buffer position of the LSP position POSITION."
  (save-excursion
    (save-restriction
      (widen)
      (goto-char (point-min))
      (forward-line (plist-get position :line))
      (min (+ (point) (plist-get position :character)) (pos-eol)))))

;;; Requests

(cl-defmethod jsonrpc-connection-send :before ((connection fim-lsp-connection) &key id method &allow-other-keys)
  "Store in CONNECTION the ID of a request for ghost text."
  (when (and id (eq method :textDocument/inlineCompletion))
    (setf (slot-value connection 'asked) id)))

(defun fim-lsp-client-send-changes ()
  "Send this buffer's pending edits to the server now."
  (fim-lsp-client-start)
  (fim-lsp-client--flush))

(defun fim-lsp-client-ask (explicit receive)
  "Request ghost text at point, and call RECEIVE with the list of items.
EXPLICIT is non-nil if the user asked for it.  RECEIVE is called once, in
whatever buffer is current then; with nil if there is no answer.
Return non-nil if a request was sent."
  (fim-lsp-client-send-changes)
  (when-let* ((connection (and fim-lsp-client--uri (fim-lsp-client--ready))))
    (let ((done (lambda (id items)
                  (when (eql id (slot-value connection 'asked))
                    (setf (slot-value connection 'asked) nil)
                    (funcall receive items))))
          (id nil))
      (jsonrpc-async-request
       connection :textDocument/inlineCompletion
       (list :textDocument (list :uri fim-lsp-client--uri)
             :position (fim-lsp-client--position (point))
             :context (list :triggerKind (if explicit 1 2)))
       :timeout 60
       :success-fn (lambda (result)
                     (funcall done id (append (if (vectorp result) result (plist-get result :items)) nil)))
       :error-fn (lambda (_) (funcall done id nil))
       :timeout-fn (lambda () (funcall done id nil)))
      (setq id (slot-value connection 'asked)))))

(defun fim-lsp-client-cancel ()
  "Cancel the pending request for ghost text, if any."
  (when-let* ((connection (fim-lsp-client--ready))
              (id (slot-value connection 'asked)))
    (setf (slot-value connection 'asked) nil)
    (jsonrpc-notify connection :$/cancelRequest (list :id id))))

(defun fim-lsp-client-execute (command arguments receive)
  "Execute COMMAND with ARGUMENTS at the server; call RECEIVE with the result.
The result is nil if the server does not know the command."
  (if-let* ((connection (fim-lsp-client--ready)))
      (jsonrpc-async-request connection :workspace/executeCommand
                             (list :command command :arguments (vconcat arguments))
                             :timeout 60
                             :success-fn receive
                             :error-fn (lambda (_) (funcall receive nil))
                             :timeout-fn (lambda () (funcall receive nil)))
    (user-error "fim-lsp: %s" (or fim-lsp-client--down "the server isn't ready"))))

(defun fim-lsp-client-ask-for-others (receive)
  "Ask for other suggestions at point; call RECEIVE with the answer.
That is a plist with :items and :message, or nil."
  (fim-lsp-client-send-changes)
  (fim-lsp-client-execute "fim-lsp.alternatives"
                          (list (fim-lsp-client-uri) (fim-lsp-client--position (point)) '(:quiet t))
                          receive))

(defun fim-lsp-client-accepted (command part)
  "Tell the server that a suggestion with COMMAND, a Command, was accepted.
PART is nil if all of it was, else its beginning."
  (fim-lsp-client-send-changes) ; which show what was inserted
  (pcase-let (((map :command :arguments) command))
    (if part
        (fim-lsp-client-execute "fim-lsp.acceptedPart"
                                (list (aref arguments 0) (fim-lsp-client--utf-16-length part)) #'ignore)
      (fim-lsp-client-execute command arguments #'ignore))))

(defun fim-lsp-client--utf-16-length (text)
  "The length of TEXT in UTF-16 code units."
  (cl-loop for character across text sum (if (> character #xffff) 2 1)))

(defun fim-lsp-client-uri ()
  "The URI of this buffer's file, or nil."
  (and buffer-file-name (fim-lsp-client--uri buffer-file-name)))

(provide 'fim-lsp-client)
;;; fim-lsp-client.el ends here
