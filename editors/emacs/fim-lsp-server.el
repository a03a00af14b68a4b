;;; fim-lsp-server.el --- Where the server is, and how it gets there -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: MIT

;;; Commentary:

;; The server is the program on PATH or, where there is none, the one in a folder of Emacs' own: a virtual environment that
;; \\[fim-lsp-install-server] makes from the clone in which this package lies.  Nothing is downloaded unasked.

;;; Code:

(require 'cl-lib)

(defgroup fim-lsp nil
  "Ghost text from the language server fim-lsp."
  :group 'tools
  :prefix "fim-lsp-")

(defconst fim-lsp-server--program "fim-lsp"
  "The name of the server's program.")

(defcustom fim-lsp-command (list fim-lsp-server--program)
  "The server: a program and its arguments.
If the program is not found, the one in `fim-lsp-server-directory' is
used."
  :group 'fim-lsp
  :type '(repeat string))

(defcustom fim-lsp-server-directory (locate-user-emacs-file "fim-lsp-server/")
  "The folder of the server that \\[fim-lsp-install-server] installs."
  :group 'fim-lsp
  :type 'directory)

(defcustom fim-lsp-offer-to-install t
  "Whether Emacs offers to install a missing server.
It asks once; then `fim-lsp-server-directory' says that it has asked."
  :group 'fim-lsp
  :type 'boolean)

(defconst fim-lsp-server--clone
  (let ((folder (expand-file-name "../.." (file-name-directory (or load-file-name buffer-file-name default-directory)))))
    (and (file-exists-p (expand-file-name "pyproject.toml" folder)) folder))
  "The clone in which this package lies; nil if it was copied out of it.")

(defvar fim-lsp-server--installing nil
  "The process that installs the server, or nil.")

;;; Finding it

(defun fim-lsp-server-command ()
  "The command line of the server, or nil if it is not installed."
  (cl-flet ((with-program (program) (and program (cons program (cdr fim-lsp-command)))))
    (or (with-program (executable-find (car fim-lsp-command)))
        (and (equal (car fim-lsp-command) fim-lsp-server--program)
             (with-program (executable-find (fim-lsp-server--in-folder fim-lsp-server--program)))))))

(defun fim-lsp-server--in-folder (program)
  "The path of PROGRAM in the virtual environment."
  (expand-file-name (concat (if (eq system-type 'windows-nt) "Scripts/" "bin/") program) fim-lsp-server-directory))

(defun fim-lsp-server-missing ()
  "A sentence on the missing server and on the way to get it."
  (format "`%s' was not found: %s" (car fim-lsp-command)
          (cond
           ((not (equal (car fim-lsp-command) fim-lsp-server--program)) "see the variable fim-lsp-command")
           (fim-lsp-server--clone
            (format "M-x fim-lsp-install-server installs it, or in a shell: pipx install %s"
                    (abbreviate-file-name (directory-file-name fim-lsp-server--clone))))
           (t "clone its repository and run \"pipx install .\" there"))))

;;; Installing it

(defun fim-lsp-server-offer (done)
  "Offer to install the missing server, once; call DONE if it was installed.
Emacs asks in the first pause, so that nothing typed is an answer."
  (when (and fim-lsp-offer-to-install fim-lsp-server--clone
             (not noninteractive)
             (equal (car fim-lsp-command) fim-lsp-server--program)
             (not (file-exists-p (fim-lsp-server--asked))))
    (run-with-idle-timer 0.5 nil #'fim-lsp-server--ask done)))

(defun fim-lsp-server--asked ()
  "The file that is there once the user was asked."
  (expand-file-name "asked" fim-lsp-server-directory))

(defun fim-lsp-server--ask (done)
  "Ask whether to install the server; call DONE if it was installed."
  (cond
   ((or (active-minibuffer-window) executing-kbd-macro defining-kbd-macro (input-pending-p))
    (run-with-idle-timer 2 nil #'fim-lsp-server--ask done))
   ((not (file-exists-p (fim-lsp-server--asked)))
    (make-directory fim-lsp-server-directory t)
    (write-region "" nil (fim-lsp-server--asked) nil 'silent)
    (if (y-or-n-p (format "Install the server of fim-lsp into %s? "
                          (abbreviate-file-name (directory-file-name fim-lsp-server-directory))))
        (fim-lsp-server-install done)
      (message "fim-lsp: %s" (fim-lsp-server-missing))))))

(defun fim-lsp-server-install (done &optional failed)
  "Install the server into `fim-lsp-server-directory'; call DONE at the end.
FAILED, a function or nil, is called with a sentence if that fails."
  (unless fim-lsp-server--clone
    (user-error "fim-lsp: %s" (fim-lsp-server-missing)))
  (when (process-live-p fim-lsp-server--installing)
    (user-error "The server is being installed already"))
  (dolist (name '("bin" "Scripts" "lib" "lib64" "include" "pyvenv.cfg"))
    (let ((path (expand-file-name name fim-lsp-server-directory)))
      (cond ((file-symlink-p path) (delete-file path))
            ((file-directory-p path) (delete-directory path t))
            ((file-exists-p path) (delete-file path)))))
  (with-current-buffer (get-buffer-create "*fim-lsp install*")
    (let ((inhibit-read-only t))
      (erase-buffer)))
  (fim-lsp-server--run (fim-lsp-server--steps) done (or failed #'ignore)))

(defun fim-lsp-server--steps ()
  "The commands that install the server: a list of sentences and command lines."
  (let ((folder (directory-file-name (expand-file-name fim-lsp-server-directory)))
        (uv (executable-find "uv")))
    (if uv
        `(("making a virtual environment" ,uv "venv" "--quiet" "--allow-existing" "--python" ">=3.11" ,folder)
          ("installing the server" ,uv "pip" "install" "--python" ,folder ,fim-lsp-server--clone))
      `(("making a virtual environment" ,(fim-lsp-server--python) "-I" "-m" "venv" ,folder)
        ("installing the server" ,(fim-lsp-server--in-folder "python") "-I" "-m" "pip" "install"
         "--disable-pip-version-check" ,fim-lsp-server--clone)))))

(defun fim-lsp-server--elsewhere ()
  "The folder to run programs in: not the project.
Python would import its venv.py, and uv would read its uv.toml."
  (make-directory fim-lsp-server-directory t)
  (file-name-as-directory (expand-file-name fim-lsp-server-directory)))

(defun fim-lsp-server--python ()
  "The path of a Python that can run the server."
  (or (cl-loop with default-directory = (fim-lsp-server--elsewhere)
               for name in '("python3" "python" "python3.14" "python3.13" "python3.12" "python3.11")
               for path = (executable-find name)
               when (and path (eq 0 (call-process path nil nil nil "-I" "-c"
                                                  "import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))")))
               return path)
      (user-error "The server needs uv, or Python 3.11 or newer with venv (Debian: apt install python3-venv)")))

(defun fim-lsp-server--run (commands done failed)
  "Run all commands of COMMANDS, a list, and call DONE or FAILED at the end."
  (if (null commands)
      (progn
        (message "fim-lsp: the server is installed")
        (funcall done))
    (pcase-let* ((default-directory (fim-lsp-server--elsewhere))
                 (`((,sentence . ,command) . ,rest) commands)
                 (reporter (make-progress-reporter (format "fim-lsp: %s..." sentence))))
      (setq fim-lsp-server--installing
            (make-process :name "fim-lsp install"
                          :buffer "*fim-lsp install*"
                          :command command
                          :connection-type 'pipe
                          :noquery t
                          :filter (lambda (process text)
                                    (internal-default-process-filter process text)
                                    (progress-reporter-update reporter))
                          :sentinel (lambda (process _event)
                                      (fim-lsp-server--stepped process rest done failed)))))))

(defun fim-lsp-server--stepped (process commands done failed)
  "PROCESS has ended: go on with COMMANDS and DONE, or show what has FAILED."
  (unless (process-live-p process)
    (if (eq 0 (process-exit-status process))
        (fim-lsp-server--run commands done failed)
      (let ((why "the server could not be installed; the buffer *fim-lsp install* says why"))
        (message "fim-lsp: %s" why)
        (display-buffer "*fim-lsp install*")
        (funcall failed why)))))

(provide 'fim-lsp-server)
;;; fim-lsp-server.el ends here
