;;; fim-lsp-lsp-mode.el --- The server run by lsp-mode -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: MIT

;;; Commentary:

;; lsp-mode runs several servers in a buffer and shows ghost text by itself.  It then has the connection, and this package
;; has the commands, the mode line and the way to the server.

;;; Code:

(require 'fim-lsp-client)
(require 'fim-lsp-mode-line)

(defvar fim-lsp-mode)
(defvar lsp--cur-workspace)
(defvar lsp-inline-completion-active-map)
(defvar lsp-inline-completion-idle-delay)
(declare-function lsp "lsp-mode")
(declare-function lsp-find-workspace "lsp-mode")
(declare-function lsp-register-client "lsp-mode")
(declare-function lsp-request-async "lsp-mode")
(declare-function lsp-stdio-connection "lsp-mode")
(declare-function lsp-workspace-restart "lsp-mode")
(declare-function make-lsp-client "lsp-mode")

(defvar fim-lsp-lsp-mode-registered nil
  "Whether lsp-mode is to run the server.")

(defun fim-lsp-lsp-mode-register ()
  "Let lsp-mode run the server next to others, with a short delay for ghost text."
  (require 'lsp-inline-completion)
  (setq fim-lsp-lsp-mode-registered t)
  (lsp-register-client
   (make-lsp-client
    :new-connection (lsp-stdio-connection (lambda () (or (fim-lsp-server-command) fim-lsp-command))
                                          #'fim-lsp-server-command)
    :activation-fn (lambda (&rest _) (derived-mode-p 'prog-mode 'text-mode 'conf-mode))
    :add-on? t
    :priority -1
    :server-id 'fim-lsp
    :initialization-options #'fim-lsp-client-options
    :environment-fn #'fim-lsp-lsp-mode--environment
    :download-server-fn (lambda (_client done failed _update) (fim-lsp-server-install done failed))
    :custom-capabilities '((experimental . ((fimLspStatus . t))))
    :notification-handlers
    (let ((handlers (make-hash-table :test #'equal)))
      (puthash "fim-lsp/status"
               (lambda (_workspace params) (fim-lsp-notice-take-status (fim-lsp-lsp-mode-plist params)))
               handlers)
      handlers)))
  (when (= lsp-inline-completion-idle-delay 2) ; its default; the server debounces by itself
    (setq lsp-inline-completion-idle-delay 0.1))
  (fim-lsp-mode-line-install)
  (cl-loop for (key command) in '(("TAB" lsp-inline-completion-accept)
                                  ("<tab>" lsp-inline-completion-accept)
                                  ("M-n" lsp-inline-completion-next)
                                  ("M-p" lsp-inline-completion-prev)
                                  ("C-n" nil) ; which move the cursor
                                  ("C-p" nil))
           do (keymap-set lsp-inline-completion-active-map key command)))

(defun fim-lsp-lsp-mode--environment ()
  "The environment variables for the server, as an alist."
  (mapcar (lambda (variable)
            (pcase-let ((`(,name . ,value) (split-string variable "=")))
              (cons name (string-join value "="))))
          (funcall fim-lsp-client-environment-function)))

(defun fim-lsp-lsp-mode-workspace ()
  "The workspace of this buffer in which lsp-mode has the server, or nil."
  (and (not (bound-and-true-p fim-lsp-mode))
       (bound-and-true-p lsp-mode)
       (lsp-find-workspace 'fim-lsp)))

(defun fim-lsp-lsp-mode-start ()
  "Let lsp-mode start the server for this buffer, or restart it."
  (if-let* ((workspace (fim-lsp-lsp-mode-workspace)))
      (lsp-workspace-restart workspace)
    (lsp)))

(defun fim-lsp-lsp-mode-execute (workspace command arguments receive)
  "Execute COMMAND with ARGUMENTS in WORKSPACE; call RECEIVE with the result."
  (let ((lsp--cur-workspace workspace))
    (lsp-request-async "workspace/executeCommand"
                       (list :command command :arguments (vconcat arguments))
                       (lambda (result) (funcall receive (fim-lsp-lsp-mode-plist result)))
                       :error-handler (lambda (_) (funcall receive nil))
                       :mode 'detached)))

(defun fim-lsp-lsp-mode-plist (object)
  "OBJECT, as lsp-mode decodes it from JSON, as plists."
  (if (hash-table-p object)
      (cl-loop for name being the hash-keys of object using (hash-values value)
               collect (intern (format ":%s" name))
               collect (fim-lsp-lsp-mode-plist value))
    object))

(provide 'fim-lsp-lsp-mode)
;;; fim-lsp-lsp-mode.el ends here
