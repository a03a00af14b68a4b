"""Drops an operator, comma or dot with which a reply repeats the one right before the cursor.

A repetition is dropped only where the language has no use for it: ``a && && b`` is a mistake everywhere, ``out <- <-in`` is
fine in Go and ``[a, , c]`` in JavaScript.
"""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import Final

from fim_lsp.suggest.bracket_scan import open_quote_of, scan
from fim_lsp.suggest.code_lines import comment_at
from fim_lsp.suggest.cursor_context import CursorContext
from fim_lsp.suggest.languages import LISPS, MARKUP

_MAX_PREFIX: Final = 512  # characters before the cursor that are looked at

_LONG = (
    r"<<<|===|!==|<=>|->\*|(?:<<|>>|\*\*|//|&&|\|\||\?\?)=|[-+*/%|&^~=!<>:.@]=|[=-]>|::|&&|\|\||\|>|\?\?|\?[.:]"
    r"|<<|<-|<>|=~|\*\*"
)
"""Operators of two or three characters, longer ones before those that they begin with."""

_ONE_CHARACTER: Final = "=+/%|&<:?"
"""Operators of one character. Left out are those that may follow themselves: ``*`` in C, ``>`` in C++, ``-`` in YAML."""

_BEFORE = re.compile(
    rf"(?:(?P<long>{_LONG})|(?<![-=+*/%|&<>!:?^~.@])(?P<sign>[{_ONE_CHARACTER}])(?=[ \t])"
    rf"|(?<![,(\[{{<])(?P<comma>,))(?P<spaces>[ \t]*)\Z"
)
_FIRST = re.compile(rf"[ \t]*(?P<operator>{_LONG}|(?:\+\+|--|[-*>]|[{_ONE_CHARACTER}])|,)")
_ABOVE = re.compile(rf"[\w)\]}}\"'`>][ \t]*(?P<operator>{_LONG}|[=+&,])\Z")
"""An operator at the end of the line above, after an operand."""

_JAVASCRIPT: Final = frozenset("javascript javascriptreact typescript typescriptreact vue svelte astro".split())
_MAY_REPEAT: Final = MappingProxyType(
    {
        ",": frozenset("r rmd makefile make m4 vb vba vbscript csv tsv php autohotkey".split()),  # an empty item
        "|": frozenset("gherkin cucumber feature".split()),  # an empty cell
        "&": frozenset(("typst",)),
        "<-": frozenset(("go",)),  # receives from a channel, to send it to another
        "<>": MARKUP | _JAVASCRIPT,  # fragments within each other
    }
)
"""Operators that may follow themselves in these languages."""

_HEREDOCS: Final = frozenset(("ruby", "crystal", "perl"))  # text << <<EOF
_OPERAND = re.compile(r"[\w)\]}]")

_MEMBER = re.compile(r"(?:(?<!\w)[^\W\d]\w*|[)\]])\.\Z")
_MEMBER_AGAIN = re.compile(r"\.(?=[^\W\d])")
_WITHOUT_DOUBLE_DOTS: Final = _JAVASCRIPT | frozenset("python java go c cpp objective-c objective-cpp".split())

_ATTRIBUTE = re.compile(r"<[^\W\d][^<>]*\s[\w:@.-]+=\Z")
_VALUE_AGAIN = re.compile(r"=(?=[\"'{])")


def without_repeated_operator(context: CursorContext, text: str) -> str:
    """Drop a repetition of the operator before the cursor, which may be at the end of the line above.

    An operator of one character counts if it stands alone both times. Without an operand on its line it is no operator, but
    part of a ruler or a drawing. If a space is before the cursor, none is added to it, and no line break.
    """
    if context.is_text_document or context.language in LISPS or context.in_prose:
        return text
    if context.at_line_start:
        return _after_line_above(context, text)
    prefix = context.line_prefix[-_MAX_PREFIX:]
    if _MEMBER.search(prefix) and context.language in _WITHOUT_DOUBLE_DOTS:
        return _MEMBER_AGAIN.sub("", text, count=1) if text.startswith(".") else text
    if context.language in MARKUP and _ATTRIBUTE.search(prefix):
        return text[1:] if _VALUE_AGAIN.match(text) else text
    before = _BEFORE.search(prefix)
    if before is None or not _OPERAND.search(prefix):
        return text
    rest = _rest(context, before["long"] or before["sign"] or before["comma"], prefix, text)
    if rest is None:
        return text
    return rest.lstrip() if before["spaces"] else rest


def _after_line_above(context: CursorContext, text: str) -> str:
    above = context.lines_above[-1] if context.lines_above else ""
    found = _ABOVE.search(above[-_MAX_PREFIX:])
    if found is None or comment_at(above) is not None or open_quote_of(above):
        return text
    rest = _rest(context, found["operator"], above, text)
    return text if rest is None else rest.lstrip(" \t")


def _rest(context: CursorContext, operator: str, line: str, text: str) -> str | None:
    """What follows ``operator``, which ends ``line``, in a text that repeats it; None if it does not, or may."""
    first = _FIRST.match(text)
    if first is None or first["operator"] != operator or _may_repeat(context, operator, line):
        return None
    rest = text[first.end() :]
    is_short = len(operator) == 1 and operator != ","
    may_be_heredoc = operator == "<<" and context.language in _HEREDOCS
    stands_alone = rest[:1] in ("", " ", "\t", "\n")
    return None if (is_short or may_be_heredoc) and not stands_alone else rest


def _may_repeat(context: CursorContext, operator: str, line: str) -> bool:
    """Whether ``operator`` at the end of ``line`` may be followed by itself."""
    if context.language in _MAY_REPEAT.get(operator, ()):
        return True
    if operator != ":" and (operator != "," or context.language not in _JAVASCRIPT):
        return False
    openers = scan(line, hash_comments=context.hash_comments, by_line=False).openers
    return bool(openers) and line[openers[-1]] == "["  # an empty element of an array, or a bound of a slice
