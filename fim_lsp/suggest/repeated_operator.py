"""Drops an operator, comma or dot with which a reply repeats the one right before the cursor.

A repetition is dropped only where two in a row are an error: ``a && && b`` is one everywhere, ``out <- <-in`` is none in Go, nor
is ``[a, , c]`` in JavaScript.
"""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import Final

from fim_lsp.suggest.bracket_scan import open_quote_of, scan
from fim_lsp.suggest.cursor_context import CursorContext, is_comment
from fim_lsp.suggest.languages import LISPS, MARKUP

_MAX_PREFIX: Final = 512  # characters before the cursor that are looked at
_MAX_BRACKETS_PREFIX: Final = 4000  # characters before the cursor in which the innermost open bracket is searched

_LONG_OPERATORS: Final = (
    r"<<<|===|!==|<=>|->\*|(?:<<|>>|\*\*|//|&&|\|\||\?\?)=|[-+*/%|&^~=!<>:.@]=|[=-]>|::|&&|\|\||\|>|\?\?|\?[.:]"
    r"|<<|<-|<>|=~|\*\*"
)
"""Operators of two or three characters, longer ones before those that they begin with."""

_SHORT_OPERATORS: Final = r"(?<!\w)\?|[=+/%|&<:]"
"""Operators of one character. Left out are those that may follow themselves: ``*`` in C, ``>`` in C++, ``-`` in YAML. A ``?``
right after a word belongs to a name in Ruby and to a type in Kotlin."""

_OPERATOR_BEFORE_CURSOR = re.compile(
    rf"(?:(?P<long>{_LONG_OPERATORS})|(?<![-=+*/%|&<>!:?^~.@])(?P<short>{_SHORT_OPERATORS})(?=[ \t])"
    rf"|(?<![,(\[{{<])(?P<comma>,))(?P<spaces>[ \t]*)\Z"
)
_OPERATOR_AT_START = re.compile(rf"[ \t]*(?P<operator>{_LONG_OPERATORS}|\+\+|--|[-*>,]|{_SHORT_OPERATORS})")
_OPERATOR_ABOVE = re.compile(rf"[\w)\]}}\"'`>][ \t]*(?P<operator>(?!::)(?:{_LONG_OPERATORS})|[=+&,])(?:[ \t]+\\)?\Z")
"""An operator after an operand at the end of the line above, where a backslash may follow."""

_OPERAND = re.compile(r"[\w)\]}]")
_BEFORE_BLOCKS: Final = (":", "->", "=>")  # a line break after these is kept

_JAVASCRIPT: Final = frozenset(
    "javascript javascriptreact javascript.jsx jsx typescript typescriptreact typescript.tsx tsx vue svelte astro".split()
)
_COFFEESCRIPT: Final = frozenset("coffeescript litcoffee livescript".split())
_C: Final = frozenset("c cpp objective-c objective-cpp cuda-cpp".split())
_WITHOUT_EMPTY_ITEMS: Final = (
    _JAVASCRIPT
    | _C
    | frozenset(
        "python java kotlin swift go rust csharp dart ruby lua sql json jsonc css scss less scala julia zig nim".split()
    )
)
"""Where a second comma is an error, except in arrays of JavaScript and macros of C."""

_MAY_REPEAT: Final = MappingProxyType(
    {
        "|": frozenset("gherkin cucumber feature robotframework robot".split()),  # an empty cell
        # an empty cell, a continued line
        "&": frozenset("typst fortran fortran-modern fortran_fixed-form FortranFreeForm".split()),
        "/": frozenset(("perl", "ruby")),  # a regular expression
        "<-": frozenset("go v vlang".split()),  # receives from a channel, to send it to another
        "<>": MARKUP | _JAVASCRIPT | {"rescript"},  # fragments within each other
        "<<": frozenset(("erlang", "elixir")),  # binaries within each other
        "||": frozenset(("rust",)),  # a closure that returns a closure
        "->": _COFFEESCRIPT,  # functions that return functions
        "=>": _COFFEESCRIPT,
    }
)
"""Operators that may follow themselves in these languages."""

_HEREDOCS: Final = frozenset(("ruby", "crystal", "perl"))  # text << <<EOF
_WITHOUT_OPERATORS: Final = frozenset(("forth", "diff", "awk"))  # where these signs mean other things

_MEMBER = re.compile(r"(?:(?<!\w)[^\W\d]\w*|[)\]])\.\Z")
_MEMBER_AGAIN = re.compile(r"\.(?=[^\W\d])")
_WITHOUT_DOUBLE_DOTS: Final = _JAVASCRIPT | frozenset("python java go c cpp objective-c objective-cpp".split())

_ATTRIBUTE = re.compile(r"<[^\W\d][^<>]*\s[\w:@.-]+=\Z")
_VALUE_AGAIN = re.compile(r"=(?=[\"'{])")
_MACRO = re.compile(r"(?<!\w)[A-Z_][A-Z0-9_]+\Z")  # by its usual spelling


def without_repeated_operator(context: CursorContext, text: str) -> str:
    """Drop a repetition of the operator before the cursor, which may be at the end of the line above.

    An operator of one character counts only with spaces after it both times. A line without an operand is a ruler or a drawing,
    and left alone. After a space, the rest is joined without further whitespace.
    """
    if (
        context.is_text_document
        or context.language in LISPS
        or context.language in _WITHOUT_OPERATORS
        or context.in_prose
    ):
        return text
    if context.at_line_start:
        return _after_line_above(context, text)
    prefix = context.line_prefix[-_MAX_PREFIX:]
    if _MEMBER.search(prefix) and context.language in _WITHOUT_DOUBLE_DOTS:
        return text[1:] if _MEMBER_AGAIN.match(text) else text
    if context.language in MARKUP and _ATTRIBUTE.search(prefix):
        return text[1:] if _VALUE_AGAIN.match(text) else text
    before = _OPERATOR_BEFORE_CURSOR.search(prefix)
    if before is None or not _OPERAND.search(prefix):
        return text
    operator = before["long"] or before["short"] or before["comma"]
    rest = _after_repetition(context, operator, text, is_spaced=bool(before["spaces"]))
    if rest is None:
        return text
    if not before["spaces"]:
        return rest
    return rest.lstrip(" \t") if operator in _BEFORE_BLOCKS else rest.lstrip()


def _after_line_above(context: CursorContext, text: str) -> str:
    above = context.lines_above[-1] if context.lines_above else ""
    found = _OPERATOR_ABOVE.search(above[-_MAX_PREFIX:])
    if found is None or is_comment(above) or open_quote_of(above):
        return text
    rest = _after_repetition(context, found["operator"], text, is_spaced=True)
    return text if rest is None else rest.lstrip()


def _after_repetition(context: CursorContext, operator: str, text: str, *, is_spaced: bool) -> str | None:
    """The text after its repeated ``operator``; None if it does not repeat it, or if two of them are no error here.

    ``is_spaced``: whitespace is between the operator and the cursor.
    """
    first = _OPERATOR_AT_START.match(text)
    if first is None or first["operator"] != operator or _may_repeat(context, operator, text):
        return None
    rest = text[first.end() :]
    must_stand_alone = operator != "," and (len(operator) == 1 or is_spaced or context.language in _HEREDOCS)
    return None if must_stand_alone and rest[:1] not in ("", " ", "\t", "\n") else rest


def _may_repeat(context: CursorContext, operator: str, text: str) -> bool:
    """Whether ``operator`` at the cursor may be followed by itself, with which ``text`` begins."""
    if operator == "|" and context.line_prefix.lstrip().startswith("|") and text.count("|") > 1:
        return True  # a table
    if operator not in (",", ":"):
        return context.language in _MAY_REPEAT.get(operator, ())
    if operator == "," and context.language not in _WITHOUT_EMPTY_ITEMS:
        return True
    before = context.split.prefix[-_MAX_BRACKETS_PREFIX:]
    openers = scan(before, hash_comments=context.hash_comments, by_line=False).openers
    if not openers:
        return False
    bracket = openers[-1]
    if before[bracket] == "[":
        return operator == ":" or context.language in _JAVASCRIPT  # a bound of a slice, an empty element
    return (
        operator == "," and context.language in _C and _MACRO.search(before, max(bracket - 60, 0), bracket) is not None
    )
