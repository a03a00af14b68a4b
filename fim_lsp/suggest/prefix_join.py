"""Joins a reply to the line before the cursor: its first line break, its first spaces, its first word.

No character is ever invented: where a line break is missing, nothing is shown.
"""

from __future__ import annotations

import re
from typing import Final

from fim_lsp.suggest.bracket_scan import scan
from fim_lsp.suggest.code_lines import CLOSERS, CONTINUATION, closes, defines, width
from fim_lsp.suggest.cursor_context import CursorContext
from fim_lsp.suggest.languages import LISPS

_MAX_PREFIX: Final = 512  # characters before the cursor that are looked at
_BLANK_LINES = re.compile(r"(?:[ \t]*\n)*")

_MEMBER = re.compile(r"(?:(?<!\w)[^\W\d]\w*|[)\]])\.\Z")
_OPERAND = re.compile(
    r"(?:[=,+*/%&|<>(\[-]|&&|\|\||\b(?:return|in|import|from|and|or|not|new|await|throw|raise|yield))[ \t]+\Z"
)
"""A line that ends in this, with a space, is incomplete."""

_MEMBER_NAME = re.compile(r"[^\W\d]\w*[ ]?(?:[^\w\s]|\s|\Z)")

_WITHOUT_VALUE: Final = frozenset("shellscript bash sh zsh fish dotenv ini properties make makefile yaml toml".split())
"""Where nothing has to follow ``=``, or a dot does not access a member."""

_STATEMENT_WORD = re.compile(r"(?:return|import|from|def|const|let|var|pass|break|continue|if|for|while)\b")
_CONTINUES_THERE = re.compile(r"\s*(?:[.,?:&|+*/%)\]}=<>-]|(?:and|or|if|else|for|in|is|not)\b)")
_INVITES = ("(", "[", "{", ",", "+", "-", "*", "/", "|", "&", "=", "?", ":", "<", "%", ".", "and", "or", "not", ";")

_LAST_WORD = re.compile(r"(?<!\w)(?P<word>[^\W\d]\w{2,}|/\*(?:[^*]|\*(?!/))*\*/)(?P<spaces>[ \t]*)\Z")
_PARTIAL = re.compile(r"(?<!\w)(?:</?|[@$#])?[^\W\d]\w*\Z")
_SHORT_WORDS: Final = frozenset("in is as or if do no to of on by my we go fn let var new int".split())
_MIN_PARTIAL: Final = 2  # letters before the cursor of a word that a reply may repeat; three in prose

_KEYWORD = re.compile(
    r"(?:return|if|for|while|def|class|let|const|var|import|from|raise|throw|yield|await|pass|break|continue|func|fn|pub|use|"
    r"assert|del|with|try|switch|async|public|private|static|val|fun|function|puts|local|struct|export)(?=\s+[\w({\"'@]|[;\n]|\Z)"
)
_ASSIGNMENT = re.compile(r"\A[^\W\d][\w.]*(?:\[[^\]\n]*\])?(?:[ ]?:[ ][\w\[\], .|]+)?[ ](?:[-+*/|&]|:)?=[ ]")
_CALL = re.compile(r"\A[^\W\d][\w.]*\([^\n]*\)[;:{ ]{0,8}(?:\n|\Z)")
_DECLARED = re.compile(
    r"\A(?:[A-Za-z_][\w:]*(?:<[\w, <>]*>)?[ ]?[*&]{0,2}[ ]?)(?<=[ *&])[*&]{0,2}[A-Za-z_]\w*[ ]*[=;({,\[]"
)
_STYLE_RULE = re.compile(r"\A[.#@:*&\w\[][^\n;{}]*\{[^\n]*(?:\n|\Z)")
_STATEMENT = re.compile(f"(?:{_KEYWORD.pattern}|@\\w|{_ASSIGNMENT.pattern}|{_CALL.pattern})")
_ASSIGNED = re.compile(r"(?<![=!<>])=(?![=>])")
_CAST = re.compile(r"(?:\A|[=(,!&|?:+*/%<>-]|return)\s*\([\w\s*&<>,\[\].]+\)\Z")
_HEAD = re.compile(
    r"\s*(?:async )?(?:def|class|if|elif|else|for|while|try|except|finally|with|match|case|default|switch)\b[^\n]*:\Z"
)
_ENTITY = re.compile(r"&\#?\w{1,32};\Z")
_BLOCK_CLOSED = re.compile(r"(?:\A[\s)\]}]*|[;}]\s*|\{\s*)\}\Z")
_CODE_LINE = re.compile(r"[^\n]*[;{](?:\n|\Z)")


def without_blank_lines(text: str) -> str:
    """Remove blank lines at the beginning."""
    found = _BLANK_LINES.match(text)
    return text[found.end() :] if found else text


def without_first_break(context: CursorContext, text: str) -> str:
    """Drop a first line break where the cursor's line is empty or incomplete; drop the reply if it is inside other code."""
    body = without_blank_lines(text)
    bare = body.lstrip(" \t")
    if len(body) == len(text) or not bare:
        return text
    if context.at_line_start:
        outer = closes(bare) and width(body) < context.column and not context.line_suffix
        return "\n" + body if outer else body
    waits = _waits(context, bare)
    if context.line_suffix and not context.open_quote:
        closed = CLOSERS.fullmatch(context.line_suffix)
        if not closed or not (
            waits or context.follows_opener or (context.line_suffix[0] in ")]}" and _may_break(context, bare))
        ):
            return ""
    if waits or (len(context.open_quote) == 1 and context.line_suffix):
        return bare
    return text.lstrip(" \t")


def _waits(context: CursorContext, bare: str) -> bool:
    """Whether ``bare`` plainly continues the line so far; if in doubt, the line break was meant."""
    prefix = context.line_prefix[-_MAX_PREFIX:]
    if context.in_prose or context.is_text_document or context.language in _WITHOUT_VALUE:
        return False
    if _ASSIGNMENT.match(bare) or _STATEMENT_WORD.match(bare):
        return False
    if _MEMBER.search(prefix):
        return bool(_MEMBER_NAME.match(bare))
    return prefix.endswith("=") or bool(_OPERAND.search(prefix))


def _may_break(context: CursorContext, bare: str) -> bool:
    """Whether the line may be broken before the bracket that is next: it was just opened, or the line continues."""
    prefix = context.line_prefix.rstrip()
    return (
        prefix.endswith(_INVITES)
        or bool(_CONTINUES_THERE.match(bare))
        or (context.line_suffix[0] == "}" and prefix[-1] == "}")
    )


def without_first_space(context: CursorContext, text: str) -> str:
    """Drop first spaces if one is before the cursor already, except in indentation; keep one after ``=`` or a comma."""
    if context.at_line_start or text[:1] not in (" ", "\t"):
        return text
    if context.line_prefix[-1:] in (" ", "\t"):
        return text.lstrip(" \t")
    return re.sub(r"\A[ \t]{2,}", " ", text) if context.line_prefix[-1:] in ("=", ",") else text


def without_last_word(context: CursorContext, text: str) -> str:
    """Drop a repetition of the word, whole or partial, or of the comment right before the cursor."""
    partial = _PARTIAL.search(context.line_prefix[-_MAX_PREFIX:])
    if partial and _repeats_word(context, partial.group(), text):
        return text[len(partial.group()) :]
    found = _LAST_WORD.search(context.line_prefix[-_MAX_PREFIX:])
    if (
        found is None
        or context.in_prose
        or context.is_text_document
        or (found["spaces"] and found["word"] in ("long", "self"))
    ):
        return text
    rest = text.removeprefix(found["word"])
    if len(rest) == len(text) or re.match(r"\w", rest):
        return text
    return rest if rest.strip() and not found["spaces"] else rest.lstrip(" \t")


def _repeats_word(context: CursorContext, partial: str, text: str) -> bool:
    """Whether a text repeats the beginning of the word at the cursor, and then continues it."""
    letters = partial.lstrip("</@$#")
    least = _MIN_PARTIAL + (context.in_prose or context.is_text_document) - (len(letters) < len(partial))
    if len(letters) < least or partial in _SHORT_WORDS:
        return False
    return text.startswith(partial) and bool(re.match(r"\w", text[len(partial) :]))


def without_glue(context: CursorContext, text: str) -> str:
    """Nothing if a statement would be joined to the end of a finished line: the line break is missing."""
    prefix = context.line_prefix
    if (
        context.at_line_start
        or context.line_suffix
        or context.open_quote
        or context.is_text_document
        or prefix[-1:].isspace()
    ):
        return text
    body = text.lstrip(" \t")
    whitespace = text[: len(text) - len(body)]
    if context.in_prose:
        return "" if _is_glued_to_prose(prefix, whitespace, body) else text
    ends = not whitespace and _ends_statement(context, body)
    if not ends and not _STATEMENT.match(body):
        return text
    if scan(prefix[-_MAX_PREFIX:], hash_comments=context.hash_comments, by_line=False).openers or _CAST.search(
        prefix[-_MAX_PREFIX:]
    ):
        return text
    return "" if ends or _is_finished(prefix, whitespace, body) else text


def _is_glued_to_prose(prefix: str, whitespace: str, body: str) -> bool:
    """Whether there is code where a comment's words would continue."""
    if len(whitespace) > 1:
        return bool(_STATEMENT.match(body))
    if whitespace:
        return False
    if _STATEMENT.match(body) and (prefix[-1] in ".!?:" or defines(body)):
        return True
    return bool(
        _ASSIGNMENT.match(body) or (_CODE_LINE.match(body) and (_STATEMENT.match(body) or _DECLARED.match(body)))
    )


def _ends_statement(context: CursorContext, body: str) -> bool:
    """Whether the line ends in ``;`` or a block's ``}``, and a statement or a rule follows."""
    prefix = context.line_prefix.rstrip()[-_MAX_PREFIX:]
    if context.language in LISPS or prefix.lstrip().startswith(";") or _ENTITY.search(prefix):
        return False
    if prefix.endswith(";"):
        return bool(re.match(r"[\w$@#\"'<*&.]", body))
    if not prefix.endswith("}") or CONTINUATION.match(body) or re.match(r"while\b", body):
        return False
    return bool(_BLOCK_CLOSED.search(prefix) and (_DECLARED.match(body) or _STYLE_RULE.match(body) or defines(body)))


def _is_finished(prefix: str, whitespace: str, body: str) -> bool:
    """Whether a line is complete, so that ``body`` isn't the rest of it."""
    last, assigns = prefix[-1], bool(_ASSIGNED.search(prefix))
    if whitespace == " ":
        return last in ")]}\"'" and assigns and bool(_ASSIGNMENT.match(body))
    if last == ":":
        return bool(_HEAD.match(prefix))
    if last.isdigit():
        return assigns and body[0].isalpha()
    if last.isalpha():
        return bool(_KEYWORD.match(body) and re.search(r"\w\W+\w+\Z", prefix[-_MAX_PREFIX:]))
    return last in ")]};\"'`"
