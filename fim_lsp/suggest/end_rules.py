"""Rules that decide whether a suggestion ends before a line: one small function for each reason, in three tables."""

from __future__ import annotations

import enum
import re
from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from fim_lsp.suggest.bracket_scan import Line, Scan
from fim_lsp.suggest.code_lines import (
    CONTINUATION,
    END_WORD,
    begins_worded_block,
    closes,
    closes_block_of,
    defines,
    opens,
    width,
)
from fim_lsp.suggest.cursor_context import CursorContext
from fim_lsp.suggest.languages import ALLMAN, LISPS
from fim_lsp.suggest.overlap import unclosed

MAX_LINES: Final = 60  # of one suggestion: more than fits on a screen is not read

_PARTNERS: Final = MappingProxyType(
    {
        "else": r"[\s}]*(?:if|elif|else if|elsif|for|while|try|except|unless|case|when|rescue)\b",
        "elif": r"\s*(?:if|elif)\b",
        "except": r"\s*(?:try|except)\b",
        "finally": r"[\s}]*(?:try|except|else|catch)\b",
        "catch": r"[\s}]*(?:try|catch)\b",
    }
)
_BODILESS = re.compile(
    r"\s*(?:(?:[\w:<>,*&\[\]?~]+[ ]+[*&]*){1,8}[\w:~]+[ ]?\([^;{}\n]*\)"
    r"|(?:}?[ ]?else )?(?:if|for|while|switch|foreach|catch|using|lock)\b[^;{}\n]*\)"
    r"|(?:\w+ )*(?:class|struct|enum|namespace|interface|union) [^;{}()=\n]*|else|try|do|finally)"
    r"(?:[ ](?:const|override|noexcept|final)){0,3}(?:[ ](?:throws|where) [^;{}\n]*|[ ]?:[^;{}\n]*)?\s*\Z"
)
"""The head of a function, a class or a loop without its brace."""
_MAX_HEAD = 300  # characters
_LABEL = re.compile(r"\#\w|(?!default\b)\w+:\s*$")  # in C: lines of the preprocessor, and targets of goto
_WORD = re.compile(r"\w{3}")
_UNFINISHED = (",", "\\", "&&", "||", "+", "=", "|", "(", "[")
_MAX_LOOP_LINES = 8  # that are repeated together


class Verdict(enum.Enum):
    """What a rule decides about a line: whether the block ends before it."""

    CONTINUES = enum.auto()
    UNDECIDED = enum.auto()  # depends on the next line, which has not arrived yet
    ENDS = enum.auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A reply at a cursor, read up to the line in question, which is line ``number``.

    ``before`` are the lines before it that are not blank. The block starts in ``start_column``, and its lines are
    indented to ``min_column`` or deeper. A ``statement`` ends as soon as nothing that it has opened is open.
    ``is_final``: the reply is complete.
    """

    context: CursorContext
    text: str
    scan: Scan
    min_column: int
    start_column: int
    before: list[str]
    number: int
    statement: bool
    is_final: bool

    @property
    def line(self) -> Line:
        """The line in question."""
        return self.scan.lines[self.number]

    @property
    def line_text(self) -> str:
        """Its text."""
        return self.text[self.line.start : self.line.end]

    @property
    def columns(self) -> int:
        """Its indentation; the first line starts at the cursor."""
        return width(self.line_text) + (0 if self.number else self.context.column)

    @property
    def above(self) -> str:
        """The line before it that is not blank; the first line has the indentation of the cursor's."""
        return self.before[-1]

    @property
    def below(self) -> str:
        """The document's line below the cursor."""
        return self.context.lines_below[0] if self.context.lines_below else ""

    @property
    def follows_blank_line(self) -> bool:
        """Whether the line right before it is blank."""
        above = self.scan.lines[self.number - 1]
        return self.number > 0 and not self.text[above.start : above.end].strip()


def decide(reading: Reading) -> Verdict:
    """Whether the block ends before a line: it does if any rule decides so."""
    if reading.line.in_literal or (reading.number == 0 and not reading.context.at_line_start):
        return Verdict.ENDS if fills_screen(reading) else Verdict.CONTINUES
    rules = ENDS if reading.line.within in _BLOCK_BRACKETS else ENDS_IN_BRACKETS
    if reading.statement and not reading.line.within:
        rules = ENDS_OF_STATEMENT
    verdicts = {_verdict(rule(reading)) for rule in rules}
    return next(verdict for verdict in (Verdict.ENDS, Verdict.UNDECIDED, Verdict.CONTINUES) if verdict in verdicts)


def _verdict(result: Verdict | bool) -> Verdict:
    if isinstance(result, Verdict):
        return result
    return Verdict.ENDS if result else Verdict.CONTINUES


def repeats_lines_below(reading: Reading) -> Verdict | bool:
    """It is the line below the cursor: a distinctive one, or a short one together with the next."""
    below = reading.context.lines_below
    if not below or reading.line_text.strip() != below[0].strip():
        return False
    if END_WORD.match(reading.line_text) and closes_block_of(reading.before, reading.line_text):
        return False
    distinctive = bool(_WORD.search(below[0]))
    if (reading.context.column or not distinctive) and reading.columns != width(below[0]):
        return False
    following = [line for line in reading.text[reading.line.end + 1 :].split("\n") if line.strip()]
    if closes(below[0]) and reading.line.within:
        return False
    if len(below) == 1 or not following:
        if len(below) > 1 and distinctive:
            return Verdict.UNDECIDED
        return distinctive and len(below) == 1
    if reading.text.endswith("\n") or len(following) > 1:
        return following[0].strip() == below[1].strip()
    return Verdict.UNDECIDED if below[1].strip().startswith(following[0].strip()) else False


def leaves_block(reading: Reading) -> Verdict | bool:
    """It is indented less than the block may be, and neither closes nor continues it (``else``)."""
    columns = reading.columns
    if columns >= reading.min_column:
        return False
    if not reading.follows_blank_line and continues_block(reading.context, reading.line_text, columns):
        return False
    if END_WORD.match(reading.line_text):
        return bool(reading.below) and width(reading.below) >= columns
    if closes(reading.line_text):
        return not reading.line.within and not reading.context.brackets.missing_closers
    if _LABEL.match(reading.line_text):
        return False
    below = reading.below
    if opens(reading.line_text) and width(below) > columns:
        return _has_another_block(reading, below)
    last = reading.before[-1] if reading.before else ""
    unfinished = width(below) > max(width(last), reading.start_column) and not opens(last)
    return not unfinished  # the line below is indented deeper: the line that opens its block is yet to come


def _has_another_block(reading: Reading, below: str) -> Verdict | bool:
    """The line opens a block that is not the one below the cursor, and neither does a line that it leads to."""
    *following, unfinished = reading.text[reading.line.end + 1 :].split("\n")
    for line in filter(str.strip, following):
        if line.strip() == below.strip():
            return False
        if not (opens(line) and width(line) < width(below)):
            return True
    return False if reading.is_final and not unfinished.strip() else Verdict.UNDECIDED


def continues_block(context: CursorContext, line: str, columns: int) -> bool:
    """Whether a line continues a block around the cursor: an ``else`` in the column of an ``if``."""
    word = CONTINUATION.match(line)
    head = next((line for line in context.enclosing_lines if width(line) == columns), "")
    return word is not None and bool(re.match(_PARTNERS.get(word[1], r"\s*\w"), head))


def opens_block_below(reading: Reading) -> bool:
    """The line before it opens a block, which is not in the reply but below the cursor."""
    below = reading.below
    if not reading.before or not below or CONTINUATION.match(reading.line_text) or _LABEL.match(reading.line_text):
        return False
    above = reading.above
    return opens(above) and width(below) > width(above) >= reading.columns


def starts_definition(reading: Reading) -> bool:
    """After a blank line, it starts a definition outside the block, or anything at all at the outermost level."""
    if not reading.follows_blank_line or closes(reading.line_text):
        return False
    columns = reading.columns
    outermost = reading.start_column == 0 and columns == 0
    return outermost or (columns < reading.start_column and defines(reading.line_text))


def completes_statement(reading: Reading) -> bool:
    """The statement before it is complete: nothing is open, and the line is not indented deeper than its start."""
    if not reading.before:
        return False
    head, above, columns = reading.before[0], reading.above, reading.columns
    outer = width(head)
    if columns > outer:
        return above.rstrip().endswith(";") and width(above) == outer
    if above.rstrip().endswith(_UNFINISHED) or (above.lstrip().startswith(("@", "#[")) and columns == outer):
        return False
    if columns < outer:
        return True
    if (
        len(reading.before) == 1
        and reading.line_text.lstrip().startswith("{")
        and (waits_for_brace(reading.context, reading.context.line_prefix.rstrip("\n") + head.lstrip()))
    ):
        return False
    if 0 < sum(at < reading.line.start for at in reading.scan.closers) < reading.context.brackets.closed_by_suffix:
        return False
    deeper = any(width(line) > outer for line in reading.before[1:])
    if CONTINUATION.match(reading.line_text) and not reading.follows_blank_line:
        return not continues_block(reading.context, reading.line_text, columns) and not _continues_one_of(
            reading.line_text, reading.before
        )
    return not (deeper and closes(reading.line_text) and not closes(above))


def waits_for_brace(context: CursorContext, head: str) -> bool:
    """Whether a line is the head of a body whose brace may be on the next line, and is not there yet."""
    if context.language not in ALLMAN or (context.lines_below and context.lines_below[0].lstrip().startswith("{")):
        return False
    return len(head) <= _MAX_HEAD and bool(_BODILESS.match(head))


def is_simple(reading: Reading) -> bool:
    """Whether the first line of a statement opens nothing, so that the statement is complete."""
    context = reading.context
    following = reading.scan.lines[reading.number + 1]
    head = reading.line_text if reading.number else context.line_prefix + reading.line_text
    opened = opens(head) or head.rstrip().endswith(_UNFINISHED) or head.lstrip().startswith(("@", "#["))
    closed = sum(at < reading.line.end for at in reading.scan.closers)
    more_to_close = 0 < closed < context.brackets.closed_by_suffix
    if waits_for_brace(context, head) or following.within or following.in_literal or opened or more_to_close:
        return False
    if context.language in LISPS and unclosed(head):
        return False
    return not begins_worded_block(context.language, head)


def _continues_one_of(line: str, before: list[str]) -> bool:
    """Whether a line like ``else`` continues one of the lines before it, in the column where they begin."""
    word = CONTINUATION.match(line)
    partner = _PARTNERS.get(word[1], r"\s*\w") if word else r"\Z."
    return any(re.match(partner, one) for one in before if width(one) == width(before[0]))


def leaves_last_block(reading: Reading) -> bool:
    """At the end of the document, the reply has closed the block that contains the cursor, and continues outside it."""
    if reading.context.lines_below:
        return False
    closed = any(position < reading.line.start for position in reading.scan.closers)
    return (
        closed
        and reading.columns < reading.start_column
        and not closes(reading.line_text)
        and not CONTINUATION.match(reading.line_text)
    )


def loops(reading: Reading) -> bool:
    """The lines before it end in a loop; see :func:`loop_start`."""
    return loop_start(reading.before) is not None


def fills_screen(reading: Reading) -> bool:
    """There are as many lines before it as are ever shown."""
    return reading.number >= MAX_LINES


EndRule = Callable[[Reading], Verdict | bool]
"""Most rules can always decide: true means that the block ends before the line."""

ENDS: Final[tuple[EndRule, ...]] = (
    repeats_lines_below,
    opens_block_below,
    leaves_block,
    starts_definition,
    leaves_last_block,
    loops,
    fills_screen,
)
"""What may end a block."""

ENDS_OF_STATEMENT: Final[tuple[EndRule, ...]] = (
    repeats_lines_below,
    opens_block_below,
    completes_statement,
    loops,
    fills_screen,
)
"""What may end a statement, where nothing that the reply has opened is open."""

ENDS_IN_BRACKETS: Final[tuple[EndRule, ...]] = (repeats_lines_below, loops, fills_screen)
"""What may end a block between brackets that the reply has opened, where indentation means nothing."""

_BLOCK_BRACKETS: Final = ("", "{")
"""The open brackets between which indentation has a meaning."""


def loop_start(lines: list[str]) -> int | None:
    """The number of the first repeated line, if the lines end in a loop.

    A loop is the same lines three times, or the same single line four times. Lines without a word, as in tables, don't
    count.
    """
    if not lines or lines[-1] not in lines[-1 - _MAX_LOOP_LINES : -1]:
        return None
    for period in range(1, _MAX_LOOP_LINES + 1):
        times = 4 if period == 1 else 3
        if len(lines) < times * period:
            return None
        last = lines[-period:]
        if all(lines[-(k + 1) * period : -k * period] == last for k in range(1, times)) and any(
            map(_WORD.search, last)
        ):
            return len(lines) - (times - 1) * period
    return None
