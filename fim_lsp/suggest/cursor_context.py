"""What the text around the cursor reveals about what belongs there."""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from fim_lsp.suggest.bracket_scan import Scan, comments_with_hashes, open_quote_of, scan, without_case_patterns
from fim_lsp.suggest.code_lines import CLOSERS, columns_of, comment_at, opens, width
from fim_lsp.suggest.languages import MARKUP, TEXT, WITH_HASHES, WITH_SLASHES
from fim_lsp.text.cursor import Split
from fim_lsp.text.document import common_prefix_length
from fim_lsp.text.positions import with_line_feeds
from fim_lsp.text.typed import BRACKET_PAIRS

Multiline = Literal["auto", "always", "never"]

_BEFORE, _AFTER = 4000, 2000  # characters that are examined before and after: enough for the surrounding blocks
_COMPARED_LINES = 6  # on each side
_CODE = re.compile(r"[;{})][ \t]*$", re.MULTILINE)


class Extent(enum.Enum):
    """How much may be shown at a cursor."""

    LINE = enum.auto()  # the rest of the line
    STATEMENT = enum.auto()  # the rest of the line, with the block or the brackets that it opens
    BLOCK = enum.auto()  # all that belongs to the block at the cursor


@dataclass(frozen=True, slots=True, kw_only=True)
class BracketBalance:
    """How the brackets before and after the cursor match. Those that are closed on the same side don't count."""

    any: bool
    """Some brackets are open before the cursor, or closed after it."""

    missing_closers: int
    """Brackets that are open at the cursor and that nothing after it closes."""

    missing_openers: int
    """Brackets that the rest of the line closes and that are not open yet."""

    closed_by_suffix: int
    """Brackets that the rest of the line closes without opening them."""

    open_at_document_end: int
    """Brackets that nothing closes up to the end of the document; 0 if the end was not examined."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IndentStyle:
    """How the file indents its lines."""

    unit: str
    """One level: a tab, or a number of spaces."""

    is_measured: bool
    """Most indented lines of the file show this unit; otherwise it is a guess."""

    uses_spaces: bool
    """Some lines are indented with spaces."""

    @property
    def columns(self) -> int:
        """The width of one level."""
        return columns_of(self.unit)


@dataclass(frozen=True, slots=True, kw_only=True)
class CursorContext:
    """The surroundings of a cursor. Lines have ``\\n`` as line ends, and no whitespace at their ends."""

    split: Split
    language: str
    """The editor's language id; ``""`` if unknown."""

    control_tokens: re.Pattern[str] | None
    """Finds the control tokens of models; ``None`` for the usual ones."""

    # The cursor's line

    line_prefix: str
    line_suffix: str
    column: int
    """The indentation of the cursor's line, in columns."""

    open_quote: str
    """The quote of the string that contains the cursor; ``""`` if there is none."""

    string_runs_on: bool
    """A string of several lines is open at the cursor, and nothing after the cursor ends it."""

    # The lines around it

    lines_above: tuple[str, ...]
    """The nearest lines that are not blank, the nearest last."""

    lines_below: tuple[str, ...]
    """The nearest lines that are not blank; the cursor's line is the first, if only whitespace is before the cursor."""

    enclosing_lines: tuple[str, ...]
    """The lines that the cursor's line is nested in, from the inside out: each is indented less than the one before."""

    nearby: str
    """All the text that was examined."""

    sees_document_start: bool
    """All of the document before the cursor was examined."""

    # What they show

    brackets: BracketBalance
    indent: IndentStyle
    hash_comments: bool
    """Comments begin with ``#``, not with ``//``."""

    looks_like_code: bool

    @property
    def at_line_start(self) -> bool:
        """Whether only indentation is before the cursor on its line."""
        return not self.line_prefix.strip()

    @property
    def in_prose(self) -> bool:
        """Whether sentences may follow: the cursor is in a string or a comment."""
        return bool(self.open_quote) or is_comment(self.line_prefix)

    @property
    def is_text_document(self) -> bool:
        """Whether the document consists of sentences."""
        return self.language in TEXT

    @property
    def may_have_tags(self) -> bool:
        """Whether the document may contain tags."""
        return self.language in MARKUP or (self.is_text_document and self.language != "latex")

    @property
    def follows_opener(self) -> bool:
        """Whether the line above, or the cursor's line if the cursor is at its end, opens a block."""
        if not self.at_line_start:
            return opens(self.line_prefix)
        return bool(self.lines_above) and opens(self.lines_above[-1])


def is_comment(line: str) -> bool:
    """Whether the end of ``line`` is in a comment."""
    return line.lstrip().startswith(("#", "//", "/*", "*", "--", "<!--")) or comment_at(line) is not None


def wants_lines(split: Split, multiline: Multiline, language: str = "") -> bool:
    """Whether a suggestion here may be a block of several lines."""
    return extent_of(split, multiline, language) is Extent.BLOCK


def extent_of(split: Split, multiline: Multiline, language: str = "") -> Extent:
    """How much may be shown here. The line end of the document's last line makes no difference.

    With ``auto``: a block at the start of a line, if the line is empty so far or the cursor is at its very beginning, and
    after an opener of a block or a bracket; a statement at the end of a line, or before closing characters; only the
    line if there is code on both sides, and within a line of prose.
    """
    if multiline != "auto":
        return Extent.BLOCK if multiline == "always" else Extent.LINE
    prefix, suffix = split.line_prefix, split.line_suffix.strip()
    if not prefix.strip():
        return Extent.BLOCK if not prefix or not suffix or CLOSERS.fullmatch(suffix) else Extent.LINE
    if language in TEXT:
        return Extent.LINE
    if suffix:
        if not CLOSERS.fullmatch(suffix):
            return Extent.LINE
        return Extent.BLOCK if prefix.rstrip().endswith("{") else Extent.STATEMENT
    return Extent.BLOCK if opens(prefix) else Extent.STATEMENT


def cursor_context_at(split: Split, language: str = "", control_tokens: re.Pattern[str] | None = None) -> CursorContext:
    """The surroundings of a cursor. They are the same for every chunk of a stream, so compute them once."""
    prefix, suffix = split.line_prefix, split.line_suffix.rstrip()
    head = with_line_feeds(split.prefix[: len(split.prefix) - len(prefix)][-_BEFORE:])
    tail = with_line_feeds(split.suffix[len(split.line_suffix) :][:_AFTER])
    above = [line.rstrip() for line in head.split("\n") if line.strip()]
    below = [line.rstrip() for line in tail.split("\n")[1:] if line.strip()]
    lines = [*above, prefix + suffix, *below] if prefix + suffix else [*above, *below]
    nearby = f"{head}{prefix}{split.line_suffix}{tail}"
    hash_comments = language in WITH_HASHES or (language not in WITH_SLASHES and comments_with_hashes(nearby))
    open_quote = _open_quote(split)
    if split.prefix[: len(split.prefix) - len(head) - len(prefix)].count('"""') % 2:
        head = head.partition('"""')[2]  # it begins inside a string
    if not prefix.strip() and suffix.strip():
        below.insert(0, prefix + suffix)
    return CursorContext(
        split=split,
        language=language,
        control_tokens=control_tokens,
        line_prefix=prefix,
        line_suffix=suffix,
        column=width(prefix),
        open_quote=open_quote,
        string_runs_on=len(open_quote) == 3 and f"{split.line_suffix}{tail}".count(open_quote) % 2 == 0,
        lines_above=tuple(above[-_COMPARED_LINES:]),
        lines_below=tuple(below[:_COMPARED_LINES]),
        enclosing_lines=_enclosing_lines([*above, prefix] if prefix.strip() else above, width(prefix)),
        nearby=nearby,
        sees_document_start=split.at_start and len(split.prefix) - len(prefix) <= _BEFORE,
        brackets=_balance(
            without_case_patterns(head + prefix, language),
            without_case_patterns(suffix + tail, language),
            hash_comments=hash_comments,
            open_quote=open_quote,
            sees_document_end=split.at_end and len(split.suffix) <= _AFTER,
        ),
        indent=_indent_style(lines),
        hash_comments=hash_comments,
        looks_like_code=hash_comments or bool(_CODE.search(nearby)),
    )


def _open_quote(split: Split) -> str:
    """The quote of the string that contains the cursor.

    A quote of three characters must also end after the cursor, unless the document is known from its start.
    """
    for quote in ('"""', "'''"):
        if split.prefix.count(quote) % 2 and (split.at_start or split.suffix.count(quote) % 2):
            return quote
    return open_quote_of(split.line_prefix)


def _balance(
    before: str, after: str, *, hash_comments: bool, open_quote: str, sees_document_end: bool
) -> BracketBalance:
    """How the brackets before the cursor match those after it."""
    front = scan(before, hash_comments=hash_comments, by_line=False)
    back = scan(after, hash_comments=hash_comments, open_quote=open_quote, by_line=False)
    line_end = after.find("\n") if "\n" in after else len(after)
    closed_by_suffix = sum(position < line_end for position in back.closers)
    return BracketBalance(
        any=bool(front.openers or back.closers),
        missing_closers=_missing_closers(before, front, after, back, closed_by_suffix),
        missing_openers=_missing_openers(before, front, after, back.closers[:closed_by_suffix]),
        closed_by_suffix=closed_by_suffix,
        open_at_document_end=max(0, len(front.openers) - len(back.closers)) if sees_document_end else 0,
    )


def _missing_closers(before: str, front: Scan, after: str, back: Scan, closed_by_suffix: int) -> int:
    """How many of the brackets open before the cursor are not closed after it.

    The window may end before the closing brackets. So a bracket counts as closed if the text after the cursor's line is
    indented deeper than the bracket's line, or if the first bracket that is closed there is of its kind, on a line that
    is indented at least as deep.
    """
    line_end = after.find("\n") if "\n" in after else len(after)
    openers = front.openers[: len(front.openers) - closed_by_suffix]
    closer = next(iter(back.closers[closed_by_suffix:]), None)
    following = next((width(line) for line in after[line_end:].split("\n") if line.strip()), 0)
    missing = 0
    for position in reversed(openers):
        column, bracket = width(_line_at(before, position)), before[position]
        if closer is not None:
            closed = BRACKET_PAIRS[bracket] == after[closer] and width(_line_at(after, closer)) >= column
        else:
            closed = bracket == "{" and following > column
        if closed:
            break
        missing += 1
    return missing


def _missing_openers(before: str, front: Scan, after: str, closed: tuple[int, ...]) -> int:
    """How many of the ``closed`` brackets, on the cursor's line, match none that is open before the cursor."""
    closers = [after[position] for position in closed]
    expected = [BRACKET_PAIRS[before[position]] for position in reversed(front.openers)]
    return len(closers) - common_prefix_length(closers, expected)


def _enclosing_lines(above: list[str], column: int) -> tuple[str, ...]:
    enclosing: list[str] = []
    inner = column + 1
    for line in reversed(above):
        if width(line) < inner:
            enclosing.append(line)
            inner = width(line)
        if not inner:
            break
    return tuple(enclosing)


def _line_at(text: str, position: int) -> str:
    return text[text.rfind("\n", 0, position) + 1 : position + 1]


def _indent_style(lines: list[str]) -> IndentStyle:
    """A tab, or the number of spaces by which most lines are indented deeper than the line that opens their block."""
    uses_spaces = any(line[0] == " " for line in lines)
    lines = [line for line in lines if not line.lstrip().startswith("*")]  # comments are aligned with their first line
    widths = [len(line) - len(line.lstrip(" ")) for line in lines if line[0] == " "]
    if sum(line[0] == "\t" for line in lines) > len(widths):
        return IndentStyle(unit="\t", is_measured=True, uses_spaces=uses_spaces)
    steps = [
        width(line) - width(above) for above, line in pairwise(lines) if width(line) > width(above) and opens(above)
    ]
    usual = max((2, 4, 8, 3, 1), key=steps.count)
    if usual in steps:
        measured = 2 * steps.count(usual) > len(steps)
        return IndentStyle(unit=" " * usual, is_measured=measured, uses_spaces=uses_spaces)
    guess = 2 if any(one % 4 for one in widths) else 4
    return IndentStyle(unit=" " * guess, is_measured=False, uses_spaces=uses_spaces)
