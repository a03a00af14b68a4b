;;; emacs_edits.el --- Edit at random, and tell what the server was told -*- lexical-binding: t; -*-

;; Writes rounds.json: of each round the text at first, the changes that were sent, and the text at last.

(require 'fim-lsp-document)

(defvar emacs-edits-sent nil)
(defvar emacs-edits-rounds nil)

(defun edit ()
  "Do one thing that changes text, narrowed at times."
  (save-restriction
    (when (= 0 (random 4))
      (narrow-to-region (1+ (random (point-max))) (point-max)))
    (goto-char (+ (point-min) (random (1+ (- (point-max) (point-min))))))
    (pcase (random 7)
      (0 (insert (nth (random 6) '("a" "\n" "🎉" "é\n\n" "\r\n" "word word"))))
      (1 (delete-region (point) (min (point-max) (+ (point) (random 6)))))
      (2 (transpose-regions (point-min) (point) (point) (point-max)))
      (3 (upcase-region (point-min) (point)))
      (4 (goto-char (point-min)) (while (search-forward "a" nil t) (replace-match "bb\n" t t)))
      (5 (ignore-errors (undo)))
      (6 (insert-byte #x93 1)))))

(random "seed")
(with-temp-buffer
  (buffer-enable-undo)
  (setq fim-lsp-document--uri "file:///demo"
        fim-lsp-document--tracker (track-changes-register #'ignore))
  (cl-letf (((symbol-function 'fim-lsp-client-connection) #'always)
            ((symbol-function 'jsonrpc-notify)
             (lambda (_connection _method params) (push (aref (plist-get params :contentChanges) 0) emacs-edits-sent))))
    (dotimes (_ 300)
      (when (= 0 (random 10)) (erase-buffer) (insert "one a\ntwo 🎉 a\nthree\n"))
      (fim-lsp-document--flush)
      (setq emacs-edits-sent nil)
      (let ((before (fim-lsp-document--text)))
        (dotimes (_ 3)
          (dotimes (_ (1+ (random 3))) (edit))
          (undo-boundary)
          (fim-lsp-document--flush))
        (push (list :before before :changes (vconcat (reverse emacs-edits-sent)) :after (fim-lsp-document--text)) emacs-edits-rounds)))))
(let ((coding-system-for-write 'no-conversion))
  (write-region (json-serialize (vconcat emacs-edits-rounds)) nil "rounds.json"))
;;; emacs_edits.el ends here
