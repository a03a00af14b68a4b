;;; fim-lsp-client.el --- The connection to fim-lsp -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: MIT

;;; Commentary:

;; One server for all of Emacs, started by the first buffer that needs it.  It has a connection of its own, because eglot
;; has one server per mode, the one for the language.  Only documented parts of jsonrpc.el are used.

;;; Code:

(require 'cl-lib)
(require 'jsonrpc)
(require 'project)
(require 'url-util)
(require 'fim-lsp-server)
(require 'fim-lsp-notice)

(defcustom fim-lsp-settings nil
  "Settings of the server: an alist of names and values.
The names are those of fim-lsp\\='s README.  A list is an array;
:null and :false are null and false, and t is true.  For example
\\='((backend . \"codestral\") (max_tokens . 64) (multiline . \"never\")).
\\[fim-lsp-restart] applies them."
  :group 'fim-lsp
  :type '(alist :key-type symbol :value-type sexp))

(defvar fim-lsp-client-environment-function #'ignore
  "A function that returns environment variables for the server.
They have the form of `process-environment'.")

(defvar fim-lsp-client-ready-hook nil
  "Functions to call when a server is ready, without arguments.")

(defvar fim-lsp-client-ended-hook nil
  "Functions to call when a server has ended, without arguments.")

(defclass fim-lsp-connection (jsonrpc-process-connection)
  ((pid-of :initarg :server :documentation "The process.")
   (ready :initform nil :documentation "Whether the server has answered `initialize'.")
   (since :initform nil :documentation "When it did, in seconds since the epoch.")
   (folders :initform nil :documentation "The workspace folders that the server knows.")
   (asked :initform nil :documentation "The id of the last request for ghost text."))
  :documentation "A connection to fim-lsp.")

(defvar fim-lsp-client--connection nil
  "The connection, or nil.")

(defvar fim-lsp-client-down nil
  "Why no server is started, or nil.")

(defconst fim-lsp-client--delays '(1 2 4 8 16)
  "Seconds before a server that has ended is started again, in turn.")

(defconst fim-lsp-client--stable 60
  "A server that has run for so many seconds may end as if it were the first.")

(defvar fim-lsp-client--waiting nil
  "Functions to call once when a server is ready: what was asked for before.")

(defvar fim-lsp-client--crashes 0
  "How many servers in a row have ended by themselves.")

(defvar fim-lsp-client--retry nil
  "The timer that starts the server again, or nil.")

;;; Starting and stopping the server

(defun fim-lsp-client-start ()
  "Start the server unless there is one, or one is about to be started."
  (unless (or fim-lsp-client--connection fim-lsp-client-down fim-lsp-client--retry)
    (if-let* ((command (fim-lsp-server-command)))
        (fim-lsp-client--handshake
         (setq fim-lsp-client--connection (fim-lsp-client--connect command)))
      (fim-lsp-client--give-up (fim-lsp-server-missing))
      (fim-lsp-server-offer #'fim-lsp-client-restart))))

(defun fim-lsp-client--give-up (why)
  "Report WHY there is no server, and do not start one until asked to."
  (setq fim-lsp-client-down why
        fim-lsp-client--waiting nil)
  (fim-lsp-notice-show (concat "fim-lsp: " why))
  (force-mode-line-update t))

(defun fim-lsp-client--connect (command)
  "Run the server, whose command line is COMMAND."
  (let* ((process-environment (append (funcall fim-lsp-client-environment-function) process-environment))
         (process (make-process :name "fim-lsp"
                                :command command
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
  (let ((root (fim-lsp-client-root)))
    (setf (slot-value connection 'folders) (and root (list root)))
    (jsonrpc-async-request
     connection :initialize
     (list :processId (emacs-pid)
           :clientInfo (list :name "fim-lsp.el" :version emacs-version)
           :rootUri (and root (fim-lsp-client-uri-of root))
           :workspaceFolders (and root (vector (fim-lsp-client--folder root)))
           :initializationOptions (fim-lsp-client-options)
           :capabilities
           '( :general (:positionEncodings ["utf-32"]) ; Emacs counts characters
              :textDocument (:inlineCompletion (:dynamicRegistration :json-false))
              :workspace (:workspaceFolders t)
              :experimental (:fimLspStatus t)))
     :timeout 60
     :success-fn (lambda (_) (fim-lsp-client--greeted connection))
     :timeout-fn (lambda () (fim-lsp-client--give-up "the server doesn't answer; M-x fim-lsp-restart starts it again"))
     :error-fn #'ignore))) ; the server ends, which is reported

(defun fim-lsp-client--greeted (connection)
  "The server of CONNECTION is ready: let it know all buffers."
  (fim-lsp-notice-forget)
  (setf (slot-value connection 'ready) t
        (slot-value connection 'since) (float-time))
  (jsonrpc-notify connection :initialized (make-hash-table))
  (run-hooks 'fim-lsp-client-ready-hook)
  (let ((waiting (nreverse fim-lsp-client--waiting)))
    (setq fim-lsp-client--waiting nil)
    (mapc #'funcall waiting)))

(defun fim-lsp-client-stop ()
  "End the server."
  (when fim-lsp-client--retry
    (cancel-timer fim-lsp-client--retry)
    (setq fim-lsp-client--retry nil))
  (when-let* ((connection fim-lsp-client--connection)
              (process (slot-value connection 'pid-of)))
    (setq fim-lsp-client--connection nil)
    (ignore-errors
      (when (slot-value connection 'ready)
        (jsonrpc-request connection :shutdown nil :timeout 5))
      (jsonrpc-notify connection :exit nil)
      (with-timeout (5) ; it cancels its calls and exits
        (while (process-live-p process)
          (accept-process-output process 0.05))))
    (delete-process process)
    (fim-lsp-client--forget)))

(defun fim-lsp-client--ended (connection)
  "The server of CONNECTION has ended by itself: start it again after a while."
  (when (eq connection fim-lsp-client--connection)
    (setq fim-lsp-client--connection nil)
    (fim-lsp-client--forget)
    (when-let* ((since (slot-value connection 'since)))
      (when (> (- (float-time) since) fim-lsp-client--stable)
        (setq fim-lsp-client--crashes 0)))
    (unless fim-lsp-client-down ; it did not answer
      (fim-lsp-client--try-again))))

(defun fim-lsp-client--try-again ()
  "Start the server again after a while, which grows with each crash."
  (if-let* ((delay (nth fim-lsp-client--crashes fim-lsp-client--delays)))
      (progn
        (when (= 1 (cl-incf fim-lsp-client--crashes))
          (fim-lsp-notice-show "fim-lsp: the server has ended and is started again; M-x fim-lsp-log may say why"))
        (setq fim-lsp-client--retry (run-with-timer delay nil #'fim-lsp-client--retry)))
    (fim-lsp-client--give-up
     (format "the server has ended %d times; M-x fim-lsp-log may say why, M-x fim-lsp-restart starts it again"
             (1+ fim-lsp-client--crashes)))))

(defun fim-lsp-client--retry ()
  "Start the server again."
  (setq fim-lsp-client--retry nil)
  (fim-lsp-client-start))

(defun fim-lsp-client--forget ()
  "Forget what is known of a server that has ended."
  (fim-lsp-notice-take-status nil)
  (run-hooks 'fim-lsp-client-ended-hook))

(defun fim-lsp-client-restart ()
  "Restart the server with the current settings."
  (fim-lsp-notice-forget) ; such as that it was missing
  (fim-lsp-client-stop)
  (setq fim-lsp-client-down nil
        fim-lsp-client--crashes 0)
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

(defun fim-lsp-client-connection ()
  "The connection if the server is ready, or nil."
  (and fim-lsp-client--connection
       (slot-value fim-lsp-client--connection 'ready)
       fim-lsp-client--connection))

(defun fim-lsp-client-waits-p ()
  "Whether a request for ghost text is unanswered."
  (and-let* ((connection (fim-lsp-client-connection)))
    (slot-value connection 'asked)))

;;; Messages from the server

(defun fim-lsp-client--request (_connection method _params)
  "Reject METHOD: no capability that the server could request was announced."
  (jsonrpc-error :code -32601 :message (format "%s is not supported" method)))

(defun fim-lsp-client--notification (_connection method params)
  "Handle the notification METHOD with PARAMS."
  (pcase method
    ('window/showMessage (fim-lsp-notice-show (plist-get params :message)))
    ('window/logMessage (fim-lsp-notice-log (plist-get params :message)))
    ('fim-lsp/status (fim-lsp-notice-take-status params))))

;;; The project

(defun fim-lsp-client-root ()
  "The folder of this buffer's project, or nil."
  (when-let* ((project (project-current)))
    (expand-file-name (project-root project))))

(defun fim-lsp-client-enter (root)
  "Add ROOT to the workspace folders, once."
  (let ((connection (fim-lsp-client-connection)))
    (unless (or (null root) (member root (slot-value connection 'folders)))
      (push root (slot-value connection 'folders))
      (jsonrpc-notify connection :workspace/didChangeWorkspaceFolders
                      (list :event (list :added (vector (fim-lsp-client--folder root)) :removed []))))))

(defun fim-lsp-client--folder (root)
  "The project in ROOT as a workspace folder."
  (list :uri (fim-lsp-client-uri-of root)
        :name (file-name-nondirectory (directory-file-name root))))

(defun fim-lsp-client-uri-of (path)
  "The URI of the file or folder at PATH."
  (concat "file://" (and (eq system-type 'windows-nt) "/")
          (url-hexify-string (directory-file-name (expand-file-name path)) url-path-allowed-chars)))

;;; Requests

(cl-defmethod jsonrpc-connection-send :before ((connection fim-lsp-connection) &key id method &allow-other-keys)
  "Store in CONNECTION the ID of a request for ghost text."
  (when (and id (eq method :textDocument/inlineCompletion))
    (setf (slot-value connection 'asked) id)))

(defun fim-lsp-client-request-ghost (params receive)
  "Request ghost text with PARAMS, and call RECEIVE with the list of items.
RECEIVE is called once, in whatever buffer is current then, with nil if
there is no answer; not at all if another request follows.  Return non-nil
if a request was sent."
  (when-let* ((connection (fim-lsp-client-connection)))
    (let* ((id nil)
           (done (lambda (items)
                   (when (eql id (slot-value connection 'asked))
                     (setf (slot-value connection 'asked) nil)
                     (funcall receive items)))))
      (jsonrpc-async-request
       connection :textDocument/inlineCompletion params
       :timeout 60
       :success-fn (lambda (result)
                     (funcall done (append (if (vectorp result) result (plist-get result :items)) nil)))
       :error-fn (lambda (_) (funcall done nil))
       :timeout-fn (lambda () (funcall done nil)))
      (setq id (slot-value connection 'asked)))))

(defun fim-lsp-client-cancel ()
  "Cancel the pending request for ghost text, if any."
  (when-let* ((connection (fim-lsp-client-connection))
              (id (slot-value connection 'asked)))
    (setf (slot-value connection 'asked) nil)
    (jsonrpc-notify connection :$/cancelRequest (list :id id))))

(defun fim-lsp-client-execute (command arguments receive)
  "Execute COMMAND with ARGUMENTS at the server; call RECEIVE with the result.
The result is nil if the server does not know the command.  A server that
is being started gets the command when it is ready."
  (cond
   ((fim-lsp-client-connection)
    (jsonrpc-async-request (fim-lsp-client-connection) :workspace/executeCommand
                           (list :command command :arguments (vconcat arguments))
                           :timeout 60
                           :success-fn receive
                           :error-fn (lambda (_) (funcall receive nil))
                           :timeout-fn (lambda () (funcall receive nil))))
   (fim-lsp-client--connection
    (push (lambda () (fim-lsp-client-execute command arguments receive)) fim-lsp-client--waiting))
   (t
    (user-error "fim-lsp: %s" (or fim-lsp-client-down "the server isn't running")))))

(defun fim-lsp-client-accepted (command part)
  "Tell the server that a suggestion with COMMAND, a Command, was accepted.
PART is nil if all of it was, else its beginning."
  (when (fim-lsp-client-connection)
    (pcase-let (((map :command :arguments) command))
      (if part
          (fim-lsp-client-execute "fim-lsp.acceptedPart"
                                  (list (aref arguments 0) (fim-lsp-client--utf-16-length part)) #'ignore)
        (fim-lsp-client-execute command arguments #'ignore)))))

(defun fim-lsp-client--utf-16-length (text)
  "The length of TEXT in UTF-16 code units."
  (cl-loop for character across text sum (if (> character #xffff) 2 1)))

(provide 'fim-lsp-client)
;;; fim-lsp-client.el ends here
