"""How a reply meets the line before the cursor: its first line break, its first blanks, its first word.

No character is ever invented: where a line break is missing, nothing is shown.
"""

from __future__ import annotations

import re
from typing import Final

from fim_lsp.suggest.bracket_scan import scan
from fim_lsp.suggest.cursor_context import CLOSERS, GOES_ON, CursorContext, closes, defines, width
from fim_lsp.suggest.languages import LISPS

_ADDRESS: Final = 512  # characters before the cursor that are looked at
_BLANK_LINES = re.compile(r"(?:[ \t]*\n)*")

_MEMBER = re.compile(r"(?:(?<!\w)[^\W\d]\w*|[)\]])\.\Z")
_OPERAND = re.compile(
    r"(?:[=,+*/%&|<>(\[-]|&&|\|\||\b(?:return|in|import|from|and|or|not|new|await|throw|raise|yield))[ \t]+\Z"
)
"""A line that ends in this, with a blank, waits for its other half."""

_MEMBER_NAME = re.compile(r"[^\W\d]\w*[ ]?(?:[^\w\s]|\s|\Z)")

_WITHOUT_VALUE: Final = frozenset("shellscript bash sh zsh fish dotenv ini properties make makefile yaml toml".split())
"""Where nothing need stand to the right of ``=``, or a dot is no access to a member."""

_ANEW = re.compile(r"(?:return|import|from|def|const|let|var|pass|break|continue|if|for|while)\b")
_GOES_ON_THERE = re.compile(r"\s*(?:[.,?:&|+*/%)\]}=<>-]|(?:and|or|if|else|for|in|is|not)\b)")
_INVITES = ("(", "[", "{", ",", "+", "-", "*", "/", "|", "&", "=", "?", ":", "<", "%", ".", "and", "or", "not", ";")

_LAST = re.compile(r"(?<!\w)(?P<word>[^\W\d]\w{2,}|/\*(?:[^*]|\*(?!/))*\*/)(?P<blanks>[ \t]*)\Z")
_PARTIAL = re.compile(r"(?<!\w)(?:</?|[@$#])?[^\W\d]\w*\Z")
_SHORT_WORDS: Final = frozenset("in is as or if do no to of on by my we go fn let var new int".split())
_LEAST_PARTIAL: Final = 2  # letters of a word that a reply may begin anew; three in prose

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
    """Without blank lines at its beginning."""
    found = _BLANK_LINES.match(text)
    return text[found.end() :] if found else text


def without_first_break(place: CursorContext, text: str) -> str:
    """No line break first where the cursor is on an empty line or the line waits for its rest; nothing inside other code."""
    body = without_blank_lines(text)
    bare = body.lstrip(" \t")
    if len(body) == len(text) or not bare:
        return text
    if place.fresh:
        outer = closes(bare) and width(body) < place.column and not place.behind
        return "\n" + body if outer else body
    waits = _waits(place, bare)
    if place.behind and not place.inside:
        closed = CLOSERS.fullmatch(place.behind)
        if not closed or not (waits or place.opened or (place.behind[0] in ")]}" and _may_break(place, bare))):
            return ""
    if waits or (len(place.inside) == 1 and place.behind):
        return bare
    return text.lstrip(" \t")


def _waits(place: CursorContext, bare: str) -> bool:
    """Whether the line so far plainly goes on with ``bare``; if in doubt, the line break was meant."""
    before = place.before[-_ADDRESS:]
    if place.prose or place.text or place.language in _WITHOUT_VALUE:
        return False
    if _ASSIGNMENT.match(bare) or _ANEW.match(bare):
        return False
    if _MEMBER.search(before):
        return bool(_MEMBER_NAME.match(bare))
    return before.endswith("=") or bool(_OPERAND.search(before))


def _may_break(place: CursorContext, bare: str) -> bool:
    """Whether a line may be broken before the bracket that is next: it was just opened, or it goes on."""
    before = place.before.rstrip()
    return (
        before.endswith(_INVITES) or bool(_GOES_ON_THERE.match(bare)) or (place.behind[0] == "}" and before[-1] == "}")
    )


def without_first_blank(place: CursorContext, text: str) -> str:
    """No blanks where the cursor is behind one already, but in the indentation; one is enough behind ``=`` or a comma."""
    if place.fresh or text[:1] not in (" ", "\t"):
        return text
    if place.before[-1:] in (" ", "\t"):
        return text.lstrip(" \t")
    return re.sub(r"\A[ \t]{2,}", " ", text) if place.before[-1:] in ("=", ",") else text


def without_last_word(place: CursorContext, text: str) -> str:
    """Not the word that stands right before the cursor, whole or begun, nor the comment."""
    partial = _PARTIAL.search(place.before[-_ADDRESS:])
    if partial and _begins_anew(place, partial.group(), text):
        return text[len(partial.group()) :]
    found = _LAST.search(place.before[-_ADDRESS:])
    if found is None or place.prose or place.text or (found["blanks"] and found["word"] in ("long", "self")):
        return text
    rest = text.removeprefix(found["word"])
    if len(rest) == len(text) or re.match(r"\w", rest):
        return text
    return rest if rest.strip() and not found["blanks"] else rest.lstrip(" \t")


def _begins_anew(place: CursorContext, partial: str, text: str) -> bool:
    """Whether a text begins with the word that the cursor is in the middle of, and goes on with its rest."""
    letters = partial.lstrip("</@$#")
    least = _LEAST_PARTIAL + (place.prose or place.text) - (len(letters) < len(partial))
    if len(letters) < least or partial in _SHORT_WORDS:
        return False
    return text.startswith(partial) and bool(re.match(r"\w", text[len(partial) :]))


def without_glue(place: CursorContext, text: str) -> str:
    """Nothing where a statement would be joined to the end of a line that is finished: the line break is missing."""
    before = place.before
    if place.fresh or place.behind or place.inside or place.text or before[-1:].isspace():
        return text
    body = text.lstrip(" \t")
    blanks = text[: len(text) - len(body)]
    if place.prose:
        return "" if _is_glued_to_prose(before, blanks, body) else text
    ends = not blanks and _ends_statement(place, body)
    if not ends and not _STATEMENT.match(body):
        return text
    if scan(before[-_ADDRESS:], hashes=place.hashes, by_line=False).openers or _CAST.search(before[-_ADDRESS:]):
        return text
    return "" if ends or _is_finished(before, blanks, body) else text


def _is_glued_to_prose(before: str, blanks: str, body: str) -> bool:
    """Whether code comes where a comment's words would go on."""
    if len(blanks) > 1:
        return bool(_STATEMENT.match(body))
    if blanks:
        return False
    if _STATEMENT.match(body) and (before[-1] in ".!?:" or defines(body)):
        return True
    return bool(
        _ASSIGNMENT.match(body) or (_CODE_LINE.match(body) and (_STATEMENT.match(body) or _DECLARED.match(body)))
    )


def _ends_statement(place: CursorContext, body: str) -> bool:
    """Whether the line ends in ``;`` or a block's ``}``, and a statement or a rule follows."""
    before = place.before.rstrip()[-_ADDRESS:]
    if place.language in LISPS or before.lstrip().startswith(";") or _ENTITY.search(before):
        return False
    if before.endswith(";"):
        return bool(re.match(r"[\w$@#\"'<*&.]", body))
    if not before.endswith("}") or GOES_ON.match(body) or re.match(r"while\b", body):
        return False
    return bool(_BLOCK_CLOSED.search(before) and (_DECLARED.match(body) or _STYLE_RULE.match(body) or defines(body)))


def _is_finished(before: str, blanks: str, body: str) -> bool:
    """Whether a line says all it has to, so that ``body`` isn't its rest."""
    last, assigns = before[-1], bool(_ASSIGNED.search(before))
    if blanks == " ":
        return last in ")]}\"'" and assigns and bool(_ASSIGNMENT.match(body))
    if last == ":":
        return bool(_HEAD.match(before))
    if last.isdigit():
        return assigns and body[0].isalpha()
    if last.isalpha():
        return bool(_KEYWORD.match(body) and re.search(r"\w\W+\w+\Z", before[-_ADDRESS:]))
    return last in ")]};\"'`"
