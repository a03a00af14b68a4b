;;; fim-lsp-key.el --- API keys -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: MIT

;;; Commentary:

;; A key is given to the server's program, which stores it and tries it at its host.  It is not a setting, which would be
;; saved with others in a file, and not sent in a message, which clients may record.

;;; Code:

(require 'auth-source)
(require 'fim-lsp-client)

(defcustom fim-lsp-use-auth-source nil
  "Whether the server gets the keys that auth-source has for their hosts.
For example from the line \"machine api.mistral.ai password KEY\" of
~/.authinfo.gpg.  Emacs may ask for a passphrase then, when the server is
started.  A key in the environment comes first."
  :group 'fim-lsp
  :type 'boolean)

(defconst fim-lsp-key--hosts
  '(("codestral" "codestral.mistral.ai" "CODESTRAL_API_KEY")
    ("mistral" "api.mistral.ai" "MISTRAL_API_KEY")
    ("langdock" "api.langdock.com" "LANGDOCK_API_KEY"))
  "Services: name, host, and the environment variable with their key.")

(defun fim-lsp-key-environment ()
  "Environment variables with the keys that auth-source has."
  (when fim-lsp-use-auth-source
    (cl-loop for (_ host variable) in fim-lsp-key--hosts
             for key = (and (not (getenv variable)) (auth-source-pick-first-password :host host))
             when key collect (concat variable "=" key))))

(setq fim-lsp-client-environment-function #'fim-lsp-key-environment)

;;;###autoload
(defun fim-lsp-set-key (host key)
  "Store KEY, an API key, for HOST, and try whether it is accepted.
HOST is the name of a service, or the address of a server."
  (interactive
   (let* ((now (plist-get fim-lsp-notice-status :host))
          (names (mapcar #'car fim-lsp-key--hosts))
          (service (car (cl-find now fim-lsp-key--hosts :key #'cadr :test #'equal)))
          (host (completing-read (format-prompt "Which service is the key for" (or service "codestral"))
                                 names nil nil nil nil (or service "codestral"))))
     (list host (read-passwd (format "API key for %s: " host)))))
  (unwind-protect
      (fim-lsp-key--run host (string-trim key))
    (clear-string key)))

(defun fim-lsp-key--run (host key)
  "Let the server's program store KEY for HOST."
  (when (string-empty-p key)
    (user-error "No key was typed; nothing has changed"))
  (let* ((command (or (fim-lsp-server-command) (user-error "fim-lsp: %s" (fim-lsp-server-missing))))
         (process (make-process :name "fim-lsp key"
                                :buffer (generate-new-buffer " *fim-lsp key*")
                                :command (append command (list "key" "set" host))
                                :connection-type 'pipe
                                :coding 'utf-8-unix
                                :noquery t
                                :sentinel #'fim-lsp-key--done)))
    (message "fim-lsp: storing and trying the key...")
    (process-send-string process (concat key "\n"))
    (clear-string key)
    (process-send-eof process)))

(defun fim-lsp-key--done (process _event)
  "Say what PROCESS, which has stored a key, has said, and let the server try it."
  (unless (process-live-p process)
    (let ((said (with-current-buffer (process-buffer process)
                  (string-trim (replace-regexp-in-string "\n+" " " (buffer-string))))))
      (kill-buffer (process-buffer process))
      (fim-lsp-notice-show (if (string-prefix-p "fim-lsp" said) said (concat "fim-lsp: " said)))
      (when (fim-lsp-client-connection)
        (fim-lsp-client-execute "fim-lsp.restart" '((:quiet t)) #'ignore)))))

(provide 'fim-lsp-key)
;;; fim-lsp-key.el ends here
