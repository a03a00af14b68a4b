;;; fim-lsp-client.el --- The connection to fim-lsp -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: MIT

;;; Commentary:

;; One server for all of Emacs, started with the first buffer that asks for it.  The connection is our own: eglot has one
;; server for a mode, which is the one that knows the language, and this one works beside it.  Only what jsonrpc.el and
;; track-changes.el document is used.

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
  "Settings of the server: an alist from their names to values.
The names are those of fim-lsp\\='s README.  A list is an array;
:null and :false are null and false, and t is true.  For example
\\='((backend . \"codestral\") (max_tokens . 64) (multiline . \"never\")).
\\[fim-lsp-restart] makes the server use them."
  :group 'fim-lsp
  :type '(alist :key-type symbol :value-type sexp))

(defvar fim-lsp-client-status nil
  "What the server last said of itself: a plist with :state and more, or nil.")

(defclass fim-lsp-connection (jsonrpc-process-connection)
  ((pid-of :initarg :server :documentation "The process.")
   (ready :initform nil :documentation "Whether the server has answered the handshake.")
   (folders :initform nil :documentation "The projects that the server knows, as folders.")
   (asked :initform nil :documentation "The id of the last request for ghost text."))
  :documentation "A connection to fim-lsp.")

(defvar fim-lsp-client--connection nil
  "The connection, or nil.")

(defvar fim-lsp-client--down nil
  "Why no server is started any more, or nil.")

(defvar-local fim-lsp-client--tracker nil
  "What collects this buffer's changes; non-nil if it is for the server.")

(defvar-local fim-lsp-client--uri nil
  "The address under which the server knows this buffer; nil if it doesn't.")

(defvar-local fim-lsp-client--version 0
  "How often the server was told of changes.")

;;; The server's life

(defun fim-lsp-client-start ()
  "Start the server unless there is one."
  (unless (or fim-lsp-client--connection fim-lsp-client--down)
    (if (executable-find (car fim-lsp-command))
        (fim-lsp-client--handshake
         (setq fim-lsp-client--connection (fim-lsp-client--connect)))
      (fim-lsp-client--give-up
       (format "`%s' is not found; \"pipx install fim-lsp\" installs it" (car fim-lsp-command))))))

(defun fim-lsp-client--give-up (why)
  "Tell WHY there is no server, and start none until asked to."
  (setq fim-lsp-client--down why)
  (message "fim-lsp: %s" why))

(defun fim-lsp-client--connect ()
  "Run the server."
  (let ((process (make-process :name "fim-lsp"
                               :command fim-lsp-command
                               :connection-type 'pipe
                               :coding 'utf-8-emacs-unix
                               :noquery t
                               ;; jsonrpc.el takes the buffer of this name for its own
                               :stderr (get-buffer-create "*fim-lsp stderr*"))))
    (make-instance 'fim-lsp-connection
                   :name "fim-lsp"
                   :process process
                   :server process
                   :events-buffer-config '(:size 0 :format short) ; what is typed is kept nowhere
                   :request-dispatcher #'fim-lsp-client--request
                   :notification-dispatcher #'fim-lsp-client--notification
                   :on-shutdown #'fim-lsp-client--ended)))

(defun fim-lsp-client--handshake (connection)
  "Introduce Emacs to the server at the end of CONNECTION."
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
     :error-fn #'ignore))) ; it ends, which is told

(defun fim-lsp-client--greeted (connection)
  "The server at the end of CONNECTION is ready: give it all buffers."
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
      (with-timeout (2) ; it hangs up what it has under way, and goes
        (while (process-live-p process)
          (accept-process-output process 0.05))))
    (delete-process process)
    (fim-lsp-client--forget)))

(defun fim-lsp-client--ended (connection)
  "The server at the end of CONNECTION has gone; it is not started again by itself."
  (when (eq connection fim-lsp-client--connection)
    (setq fim-lsp-client--connection nil)
    (fim-lsp-client--forget)
    (fim-lsp-client--give-up
     (substitute-command-keys "the server has ended; \\[fim-lsp-restart] starts it again"))))

(defun fim-lsp-client--forget ()
  "No server knows any buffer."
  (setq fim-lsp-client-status nil)
  (dolist (buffer (buffer-list))
    (with-current-buffer buffer
      (setq fim-lsp-client--uri nil)))
  (force-mode-line-update t))

(defun fim-lsp-client-restart ()
  "End the server and start it anew, with the settings as they are now."
  (fim-lsp-client-stop)
  (setq fim-lsp-client--down nil)
  (fim-lsp-client-start))

(add-hook 'kill-emacs-hook #'fim-lsp-client-stop)

(defun fim-lsp-client-options ()
  "The settings as JSON has them."
  (cl-loop for (name . value) in fim-lsp-settings
           collect (intern (format ":%s" name))
           collect (pcase value
                     (:null nil)
                     (:false :json-false)
                     ((pred proper-list-p) (vconcat value))
                     (_ value))))

;;; What the server says

(defun fim-lsp-client--request (_connection method _params)
  "Refuse METHOD: the server is told of nothing that it could ask for."
  (jsonrpc-error :code -32601 :message (format "%s is not supported" method)))

(defun fim-lsp-client--notification (_connection method params)
  "Show the PARAMS of METHOD if they are for the user."
  (pcase method
    ('window/showMessage
     (message "%s" (plist-get params :message)))
    ('fim-lsp/status
     (setq fim-lsp-client-status params)
     (force-mode-line-update t))))

;;; Buffers

(defun fim-lsp-client-attach ()
  "Let the server know this buffer, from now on."
  (unless fim-lsp-client--tracker
    (setq fim-lsp-client--tracker (track-changes-register #'fim-lsp-client--changed))
    (add-hook 'kill-buffer-hook #'fim-lsp-client-detach nil t)
    (add-hook 'change-major-mode-hook #'fim-lsp-client-detach nil t)
    (add-hook 'after-set-visited-file-name-hook #'fim-lsp-client--renamed nil t)
    (fim-lsp-client-start)
    (fim-lsp-client--open)))

(defun fim-lsp-client-detach ()
  "Let the server forget this buffer."
  (when fim-lsp-client--tracker
    (fim-lsp-client--close)
    (track-changes-unregister fim-lsp-client--tracker)
    (setq fim-lsp-client--tracker nil)
    (remove-hook 'kill-buffer-hook #'fim-lsp-client-detach t)
    (remove-hook 'change-major-mode-hook #'fim-lsp-client-detach t)
    (remove-hook 'after-set-visited-file-name-hook #'fim-lsp-client--renamed t)))

(defun fim-lsp-client--renamed ()
  "The buffer may visit another file than before."
  (unless (and buffer-file-name (equal fim-lsp-client--uri (fim-lsp-client--uri buffer-file-name)))
    (fim-lsp-client--close)
    (fim-lsp-client--open)))

(defun fim-lsp-client--ready ()
  "The connection, once the server is ready; else nil."
  (and fim-lsp-client--connection
       (slot-value fim-lsp-client--connection 'ready)
       fim-lsp-client--connection))

(defun fim-lsp-client--open ()
  "Give the server this buffer's text, and its project if that is new."
  (when-let* ((connection (and buffer-file-name (fim-lsp-client--ready))))
    (fim-lsp-client--enter (fim-lsp-client--root) connection)
    (track-changes-fetch fim-lsp-client--tracker #'ignore)
    (setq fim-lsp-client--uri (fim-lsp-client--uri buffer-file-name)
          fim-lsp-client--version 0)
    (jsonrpc-notify connection :textDocument/didOpen
                    (list :textDocument
                          (list :uri fim-lsp-client--uri
                                :languageId (fim-lsp-client--language)
                                :version 0
                                :text (fim-lsp-client--text))))))

(defun fim-lsp-client--close ()
  "Take this buffer from the server."
  (when-let* ((connection (and fim-lsp-client--uri (fim-lsp-client--ready))))
    (jsonrpc-notify connection :textDocument/didClose
                    (list :textDocument (list :uri fim-lsp-client--uri))))
  (setq fim-lsp-client--uri nil))

(defun fim-lsp-client--enter (root connection)
  "Tell the server at the end of CONNECTION of the project in ROOT, once."
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
  "The address of the file or folder at PATH."
  (concat "file://" (and (eq system-type 'windows-nt) "/")
          (url-hexify-string (directory-file-name (expand-file-name path)) url-path-allowed-chars)))

(defconst fim-lsp-client--languages
  '((c++ . "cpp") (sh . "shellscript") (bash . "shellscript") (js . "javascript") (tsx . "typescriptreact")
    (emacs-lisp . "elisp") (cperl . "perl") (tex . "latex") (LaTeX . "latex") (js-json . "json") (mhtml . "html"))
  "LSP's names of languages whose mode has another.")

(defun fim-lsp-client--language ()
  "LSP's name of this buffer's language."
  (let ((name (replace-regexp-in-string "\\(?:-base\\)?\\(?:-ts\\)?-mode\\'" "" (symbol-name major-mode))))
    (alist-get (intern name) fim-lsp-client--languages name)))

;;; Changes

(defun fim-lsp-client--changed (_tracker &rest _)
  "Something has changed that no command of this buffer has sent."
  (fim-lsp-client--flush))

(defun fim-lsp-client--flush ()
  "Tell the server what has changed."
  (when-let* ((connection (and fim-lsp-client--uri (fim-lsp-client--ready))))
    (track-changes-fetch
     fim-lsp-client--tracker
     (lambda (beg end before)
       (jsonrpc-notify connection :textDocument/didChange
                       (list :textDocument (list :uri fim-lsp-client--uri
                                                 :version (cl-incf fim-lsp-client--version))
                             :contentChanges (vector (fim-lsp-client--change beg end before))))))))

(defun fim-lsp-client--change (beg end before)
  "The change that put what is between BEG and END in the place of BEFORE.
BEFORE is the symbol `error' when what was there is not known."
  (if (stringp before)
      (list :range (list :start (fim-lsp-client--position beg)
                         :end (fim-lsp-client--position-behind beg before))
            :text (fim-lsp-client--text beg end))
    (list :text (fim-lsp-client--text))))

(defun fim-lsp-client--text (&optional beg end)
  "The text from BEG to END, or all of it.
What Unicode has no character for is one replacement character each, so
that positions stay what they are."
  (save-restriction
    (widen)
    (replace-regexp-in-string
     "[^\u0000-\uD7FF\uE000-\U0010FFFF]" "\uFFFD"
     (buffer-substring-no-properties (or beg (point-min)) (or end (point-max))) t t)))

(defun fim-lsp-client--position (position)
  "POSITION in this buffer as LSP has it."
  (save-excursion
    (save-restriction
      (widen)
      (goto-char position)
      (list :line (1- (line-number-at-pos nil t))
            :character (- position (pos-bol))))))

(defun fim-lsp-client--position-behind (beg text)
  "The position behind TEXT if that stood at BEG."
  (let ((start (fim-lsp-client--position beg))
        (lines (split-string text "\n")))
    (if (cdr lines)
        (list :line (+ (plist-get start :line) (length (cdr lines)))
              :character (length (car (last lines))))
      (list :line (plist-get start :line)
            :character (+ (plist-get start :character) (length text))))))

(defun fim-lsp-client-point (position)
  "Where POSITION, as LSP has it, is in this buffer."
  (save-excursion
    (save-restriction
      (widen)
      (goto-char (point-min))
      (forward-line (plist-get position :line))
      (min (+ (point) (plist-get position :character)) (pos-eol)))))

;;; Asking

(cl-defmethod jsonrpc-connection-send :before ((connection fim-lsp-connection) &key id method &allow-other-keys)
  "Keep in CONNECTION the ID of a request whose METHOD asks for ghost text."
  (when (and id (eq method :textDocument/inlineCompletion))
    (setf (slot-value connection 'asked) id)))

(defun fim-lsp-client-send-changes ()
  "Tell the server what has changed in this buffer, now."
  (fim-lsp-client-start)
  (fim-lsp-client--flush))

(defun fim-lsp-client-ask (explicit receive)
  "Ask for ghost text at point, and call RECEIVE with the list of items.
EXPLICIT is non-nil when the user asks.  RECEIVE is called once, in
whatever buffer is current then; with nil when there is no answer.
Return non-nil if the server was asked."
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
  "Take back the request for ghost text that is under way, if one is."
  (when-let* ((connection (fim-lsp-client--ready))
              (id (slot-value connection 'asked)))
    (setf (slot-value connection 'asked) nil)
    (jsonrpc-notify connection :$/cancelRequest (list :id id))))

(defun fim-lsp-client-execute (command arguments receive)
  "Have the server execute COMMAND with ARGUMENTS; RECEIVE gets the result.
That is nil when the server doesn't know the command."
  (if-let* ((connection (fim-lsp-client--ready)))
      (jsonrpc-async-request connection :workspace/executeCommand
                             (list :command command :arguments (vconcat arguments))
                             :success-fn receive
                             :error-fn (lambda (_) (funcall receive nil)))
    (user-error "fim-lsp: %s" (or fim-lsp-client--down "the server isn't ready"))))

(provide 'fim-lsp-client)
;;; fim-lsp-client.el ends here
