;;; fim-lsp-ghost.el --- Ghost text at point -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: MIT

;;; Commentary:

;; Suggestions are shown after point, kept while the user types what they contain, and accepted as a whole, by word or by
;; line.  This file does not know where suggestions come from.

;;; Code:

(require 'cl-lib)

(defface fim-lsp-ghost
  ;; 256 colours: from the ramp of greys, because themes of terminals give the sixteen other meanings
  '((((class color) (min-colors 88) (background light)) :foreground "#808080")
    (((class color) (min-colors 88) (background dark)) :foreground "#949494")
    (((class color) (min-colors 16)) :foreground "brightblack")
    (t :inherit shadow))
  "How ghost text looks."
  :group 'fim-lsp)

(cl-defstruct (fim-lsp-ghost-item (:constructor fim-lsp-ghost-item) (:copier nil))
  "A suggestion to insert TEXT in place of what is between BEG and END, two markers.
AFTER is the text between point and END when the suggestion was made;
ACCEPTED is a function to call when it was accepted, or nil."
  text beg end after accepted)

(defvar-keymap fim-lsp-ghost-map
  :doc "Keys that work while ghost text is shown, and only then."
  "TAB" #'fim-lsp-accept
  "<tab>" #'fim-lsp-accept
  "M-f" #'fim-lsp-accept-word
  "M-<right>" #'fim-lsp-accept-word
  "M-e" #'fim-lsp-accept-line
  "M-<down>" #'fim-lsp-accept-line
  "M-n" #'fim-lsp-next
  "M-p" #'fim-lsp-previous
  "C-g" #'fim-lsp-dismiss)

(defvar fim-lsp-ghost-more-function nil
  "A function that looks for more suggestions, or nil.
It is called to cycle by its argument where there is only one.")

(defvar-local fim-lsp-ghost-shown nil
  "The suggestion on the screen, or nil.")

(defvar-local fim-lsp-ghost--items nil
  "All suggestions for this place; the first one is shown.")

(defvar-local fim-lsp-ghost--number 0
  "Which of the suggestions, in the server's order, is shown; from 0.")

(defvar-local fim-lsp-ghost--overlay nil
  "The overlay that draws the ghost text.")

;; Before the maps of major and minor modes, many of which bind TAB.
(add-to-list 'emulation-mode-map-alists `((fim-lsp-ghost-shown . ,fim-lsp-ghost-map)))

(defun fim-lsp-ghost-make (text beg end accepted)
  "Make a suggestion to insert TEXT in place of what is between BEG and END.
Point is between them too.  ACCEPTED, if non-nil, is called when the
suggestion was accepted: with nil if all of it was, else with the part of
TEXT that is in the buffer now."
  (fim-lsp-ghost-item :text text
                      :beg (copy-marker beg)
                      :end (copy-marker end t)
                      :after (buffer-substring-no-properties (point) (max (point) end))
                      :accepted accepted))

(defun fim-lsp-ghost-offer (items)
  "Show the first of ITEMS; the user can cycle through the others."
  (fim-lsp-ghost-forget)
  (setq fim-lsp-ghost--items items)
  (fim-lsp-ghost-refresh))

(defun fim-lsp-ghost-hide ()
  "Remove the ghost text until `fim-lsp-ghost-refresh' is called."
  (fim-lsp-ghost--erase))

(defun fim-lsp-ghost-forget ()
  "Remove the ghost text and all suggestions."
  (fim-lsp-ghost--erase)
  (dolist (item fim-lsp-ghost--items)
    (set-marker (fim-lsp-ghost-item-beg item) nil)
    (set-marker (fim-lsp-ghost-item-end item) nil))
  (setq fim-lsp-ghost--items nil
        fim-lsp-ghost--number 0))

(defun fim-lsp-ghost-refresh ()
  "Show the rest of the suggestion at point; forget those that no longer match.
Return non-nil if ghost text is shown."
  (fim-lsp-ghost--erase)
  (unless (cl-every #'fim-lsp-ghost--rest fim-lsp-ghost--items)
    (setq fim-lsp-ghost--items (cl-remove-if-not #'fim-lsp-ghost--rest fim-lsp-ghost--items)
          fim-lsp-ghost--number 0))
  (when-let* ((item (car fim-lsp-ghost--items)))
    (fim-lsp-ghost--draw (fim-lsp-ghost--rest item) (fim-lsp-ghost-item-end item))
    (setq fim-lsp-ghost-shown item)))

(defun fim-lsp-ghost--rest (item)
  "The part of ITEM that is not yet typed at point; nil if ITEM does not match."
  (let ((beg (fim-lsp-ghost-item-beg item)) (end (fim-lsp-ghost-item-end item)))
    (when (<= beg (point) end)
      (let* ((typed (buffer-substring-no-properties beg (point)))
             (text (fim-lsp-ghost-item-text item))
             (rest (and (string-prefix-p typed text) (substring text (length typed)))))
        (and rest
             (not (string-empty-p rest))
             (fim-lsp-ghost--replaceable-p (buffer-substring-no-properties (point) end)
                                           (fim-lsp-ghost-item-after item) rest)
             rest)))))

(defun fim-lsp-ghost--replaceable-p (after asked rest)
  "Whether REST may replace AFTER, the text that follows point.
ASKED is the text that followed when the suggestion was made; point may
have moved over some of it since.  Anything inserted before it since is a
bracket or quote inserted automatically, which REST must contain."
  (or (string-suffix-p after asked)
      (and (string-suffix-p asked after)
           (string-search (substring after 0 (- (length after) (length asked))) rest)
           t)))

(defun fim-lsp-ghost--draw (rest end)
  "Show REST after point, and hide the text between point and END."
  ;; The overlay's start advances with insertions: otherwise Emacs considers point hidden and moves it after the overlay.
  (let ((overlay (make-overlay (point) end nil t)))
    (overlay-put overlay 'after-string (fim-lsp-ghost--string rest))
    (overlay-put overlay 'invisible t)
    (overlay-put overlay 'priority 100)
    (overlay-put overlay 'window (selected-window))
    (setq fim-lsp-ghost--overlay overlay)))

(defun fim-lsp-ghost--string (text)
  "TEXT as it is shown, with the cursor before it."
  (let ((string (propertize (string-replace "\r" "" text) 'face 'fim-lsp-ghost)))
    (when (string-prefix-p "\n" string) ; the cursor needs a character to be on
      (setq string (concat " " string)))
    (unless (string-empty-p string)
      (put-text-property 0 1 'cursor t string))
    string))

(defun fim-lsp-ghost--erase ()
  "Remove the ghost text from the screen."
  (when fim-lsp-ghost--overlay
    (delete-overlay fim-lsp-ghost--overlay))
  (setq fim-lsp-ghost--overlay nil
        fim-lsp-ghost-shown nil))

(defun fim-lsp-ghost--take (length)
  "Insert the first LENGTH characters of the ghost text, or all if that is nil."
  (let* ((item (or fim-lsp-ghost-shown (user-error "No ghost text here")))
         (rest (fim-lsp-ghost--rest item))
         (part (and length (< length (length rest)) (substring rest 0 length)))
         (accepted (or (fim-lsp-ghost-item-accepted item) #'ignore)))
    (fim-lsp-ghost--erase)
    (if part
        (progn
          (insert part)
          (funcall accepted (buffer-substring-no-properties (fim-lsp-ghost-item-beg item) (point))))
      (atomic-change-group
        (delete-region (point) (fim-lsp-ghost-item-end item))
        (insert rest))
      (fim-lsp-ghost-forget)
      (funcall accepted nil))))

;;;###autoload
(defun fim-lsp-accept ()
  "Accept the ghost text."
  (interactive)
  (fim-lsp-ghost--take nil))

;;;###autoload
(defun fim-lsp-accept-word ()
  "Accept the next word of the ghost text."
  (interactive)
  (fim-lsp-ghost--take
   (fim-lsp-ghost--first "\\`[ \t\r\n]*\\(?:[[:alnum:]_]+\\|[^[:alnum:]_ \t\r\n]+\\)")))

;;;###autoload
(defun fim-lsp-accept-line ()
  "Accept the rest of the ghost text's line."
  (interactive)
  (fim-lsp-ghost--take (fim-lsp-ghost--first "\\`\r?\n?[^\r\n]*")))

(defun fim-lsp-ghost--first (pattern)
  "The length of PATTERN's match at the beginning of the ghost text."
  (when-let* ((item fim-lsp-ghost-shown))
    (and (string-match pattern (fim-lsp-ghost--rest item))
         (match-end 0))))

(defun fim-lsp-dismiss ()
  "Hide the ghost text until the next edit."
  (interactive)
  (fim-lsp-ghost-forget))

(defun fim-lsp-next (&optional count)
  "Show the next suggestion for this place, or the COUNTth next."
  (interactive "p")
  (let* ((items fim-lsp-ghost--items)
         (total (max 1 (length items)))
         (step (mod (or count 1) total))
         (message-log-max nil))
    (setq fim-lsp-ghost--items (append (nthcdr step items) (take step items))
          fim-lsp-ghost--number (mod (+ fim-lsp-ghost--number step) total))
    (fim-lsp-ghost-refresh)
    (cond
     ((cdr items)
      (message "fim-lsp: suggestion %d of %d" (1+ fim-lsp-ghost--number) total))
     ((and items fim-lsp-ghost-more-function)
      (funcall fim-lsp-ghost-more-function (or count 1))))))

(defun fim-lsp-previous (&optional count)
  "Show the previous suggestion for this place, or the COUNTth previous."
  (interactive "p")
  (fim-lsp-next (- (or count 1))))

(provide 'fim-lsp-ghost)
;;; fim-lsp-ghost.el ends here
