"""What may end a block or a statement in front of a line: one small function for each reason, in tables."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from fim_lsp.suggest.blocks import END_WORD, begins_block, closes_its_own
from fim_lsp.suggest.bracket_scan import Line, Scan
from fim_lsp.suggest.cursor_context import GOES_ON, CursorContext, closes, defines, opens, width
from fim_lsp.suggest.languages import ALLMAN, LISPS
from fim_lsp.suggest.overlap import unclosed

MOST_LINES = 60  # of one suggestion: more than fits on a screen is not read

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
"""The head of a function, a class or a loop, so far without its brace."""
_LONGEST_HEAD = 300  # characters
_LABEL = re.compile(r"\#\w|(?!default\b)\w+:\s*$")  # of C: the preprocessor's lines, and where goto leads
_WORD = re.compile(r"\w{3}")
_UNFINISHED = (",", "\\", "&&", "||", "+", "=", "|", "(", "[")
_LONGEST_LOOP = 8  # lines


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A text at a place, as the rules below look at it; line ``number`` is the one in question, ``before`` what is above."""

    place: CursorContext
    text: str
    scan: Scan
    floor: int
    start: int
    before: list[str]
    number: int
    statement: bool
    final: bool

    @property
    def line(self) -> Line:
        """The line in question."""
        return self.scan.lines[self.number]

    @property
    def said(self) -> str:
        """What it says."""
        return self.text[self.line.start : self.line.end]

    @property
    def columns(self) -> int:
        """How far it is indented; the first line starts at the cursor."""
        return width(self.said) + (0 if self.number else self.place.column)

    @property
    def above(self) -> str:
        """The line before it that is not blank; the cursor's has its indentation."""
        return self.before[-1]

    @property
    def paragraph(self) -> bool:
        """Whether a blank line is before it."""
        above = self.scan.lines[self.number - 1]
        return self.number > 0 and not self.text[above.start : above.end].strip()


def verdict(reading: Reading) -> bool | None:
    """Whether the block ends in front of a line; ``None`` if the next one will tell."""
    if reading.line.inside or (reading.number == 0 and not reading.place.fresh):
        return fills_screen(reading)
    rules: tuple[EndRule, ...] = ENDS if reading.line.within in BLOCKS else ENDS_IN_BRACKETS
    if reading.statement and not reading.line.within:
        rules = ENDS_OF_STATEMENT
    verdicts = {rule(reading) for rule in rules}
    return True if True in verdicts else None if None in verdicts else False


def reaches_suffix(reading: Reading) -> bool | None:
    """It says what stands behind the cursor: one line that says enough, or a short one with the next."""
    below = reading.place.below
    if not below or reading.said.strip() != below[0].strip():
        return False
    if END_WORD.match(reading.said) and closes_its_own(reading.before, reading.said):
        return False
    telling = bool(_WORD.search(below[0]))
    if (reading.place.column or not telling) and reading.columns != width(below[0]):
        return False
    following = [line for line in reading.text[reading.line.end + 1 :].split("\n") if line.strip()]
    if closes(below[0]) and reading.line.within:
        return False
    if len(below) == 1 or not following:
        return telling if len(below) == 1 else (None if telling else False)
    if reading.text.endswith("\n") or len(following) > 1:
        return following[0].strip() == below[1].strip()
    return None if below[1].strip().startswith(following[0].strip()) else False


def leaves_block(reading: Reading) -> bool | None:
    """It is indented less than the block may be, and neither closes it nor goes on with it (``else``)."""
    columns = reading.columns
    if columns >= reading.floor:
        return False
    if not reading.paragraph and goes_on(reading.place, reading.said, columns):
        return False
    if END_WORD.match(reading.said):
        return bool(reading.place.below) and width(reading.place.below[0]) >= columns
    if closes(reading.said):
        return not reading.line.within and not reading.place.missing
    if _LABEL.match(reading.said):
        return False
    below = reading.place.below[0] if reading.place.below else ""
    if reading.final and _leads_to(reading.text, below):
        return False
    if opens(reading.said) and width(below) > columns:
        return _is_filled_otherwise(reading, below)
    last = reading.before[-1] if reading.before else ""
    unfinished = width(below) > max(width(last), reading.start) and not opens(last)
    return not unfinished  # what follows is indented deeper, so a line that opens its block must still come


def _leads_to(text: str, below: str) -> bool:
    """Whether the last line of a finished text opens the block that stands below."""
    last = text.rstrip().rpartition("\n")[2]
    return opens(last) and width(last) < width(below)


def _is_filled_otherwise(reading: Reading, below: str) -> bool | None:
    """Whether what comes behind a line that opens a block isn't what stands below; ``None`` if the next line will tell."""
    following = reading.text[reading.line.end + 1 :].lstrip()
    if "\n" not in following:
        return False if reading.final and not following else None
    return following.partition("\n")[0].strip() != below.strip()


def goes_on(place: CursorContext, said: str, columns: int) -> bool:
    """Whether it goes on with a block round the cursor: an ``else`` as far out as an ``if``."""
    word = GOES_ON.match(said)
    head = next((line for line in place.heads if width(line) == columns), "")
    return word is not None and bool(re.match(_PARTNERS.get(word[1], r"\s*\w"), head))


def hands_over(reading: Reading) -> bool:
    """The line before it opens a block that it doesn't fill, and what stands behind the cursor does."""
    below = reading.place.below[0] if reading.place.below else ""
    if not reading.before or not below or GOES_ON.match(reading.said) or _LABEL.match(reading.said):
        return False
    above = reading.above
    return opens(above) and width(below) > width(above) >= reading.columns


def starts_anew(reading: Reading) -> bool:
    """Behind a blank line, it starts a definition farther out, or anything at all at the outermost level."""
    if not reading.paragraph or closes(reading.said):
        return False
    columns = reading.columns
    outermost = reading.start == 0 and columns == 0
    return outermost or (columns < reading.start and defines(reading.said))


def is_whole(reading: Reading) -> bool:
    """The statement before it has all that belongs to it: nothing is open, and it stands as far out as that began."""
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
    if len(reading.before) == 1 and reading.said.lstrip().startswith("{") and _waits_for_brace(reading):
        return False
    if 0 < sum(at < reading.line.start for at in reading.scan.closers) < reading.place.closed:
        return False
    deeper = any(width(line) > outer for line in reading.before[1:])
    if GOES_ON.match(reading.said) and not reading.paragraph:
        return not goes_on(reading.place, reading.said, columns) and not _partners(reading.said, reading.before)
    return not (deeper and closes(reading.said) and not closes(above))


def _waits_for_brace(reading: Reading) -> bool:
    return waits_for_brace(reading.place, reading.place.before.rstrip("\n") + reading.before[0].lstrip())


def waits_for_brace(place: CursorContext, head: str) -> bool:
    """Whether a line is the head of a body whose brace may come on the next one, and doesn't stand there yet."""
    if place.language not in ALLMAN or (place.below and place.below[0].lstrip().startswith("{")):
        return False
    return len(head) <= _LONGEST_HEAD and bool(_BODILESS.match(head))


def is_simple(place: CursorContext, reading: Reading) -> bool:
    """Whether a statement's first line opens nothing, so that nothing further belongs to it."""
    following = reading.scan.lines[reading.number + 1]
    head = reading.said if reading.number else place.before + reading.said
    opened = opens(head) or head.rstrip().endswith(_UNFINISHED) or head.lstrip().startswith(("@", "#["))
    closed = sum(at < reading.line.end for at in reading.scan.closers)
    if (
        waits_for_brace(place, head) or following.within or following.inside or opened or 0 < closed < place.closed
    ):  # some of its brackets are to come
        return False
    if place.language in LISPS and unclosed(head):
        return False
    return not begins_block(place, head)


def _partners(said: str, before: list[str]) -> bool:
    """Whether a line like ``else`` has its partner among the lines before it, which are as far out."""
    word = GOES_ON.match(said)
    partner = _PARTNERS.get(word[1], r"\s*\w") if word else r"\Z."
    return any(re.match(partner, line) for line in before if width(line) == width(before[0]))


def is_outside(reading: Reading) -> bool:
    """At the end of the document, the text has closed the block that the cursor is in, and goes on farther out."""
    if reading.place.below:
        return False
    closed = any(position < reading.line.start for position in reading.scan.closers)
    return closed and reading.columns < reading.start and not closes(reading.said) and not GOES_ON.match(reading.said)


def repeats(reading: Reading) -> bool:
    """The lines before it say the same thing three times over."""
    return loop(reading.before) is not None


def fills_screen(reading: Reading) -> bool:
    """There are enough lines before it."""
    return reading.number >= MOST_LINES


EndRule = Callable[[Reading], bool | None]

ENDS: tuple[EndRule, ...] = (reaches_suffix, hands_over, leaves_block, starts_anew, is_outside, repeats, fills_screen)
"""What may end a block in front of a line; ``None`` is "the next line will tell"."""

BLOCKS = ("", "{")
"""The open brackets between which indentation says something."""

ENDS_OF_STATEMENT: tuple[EndRule, ...] = (reaches_suffix, hands_over, is_whole, repeats, fills_screen)
"""The same for a statement, where nothing that the text has opened is open."""

ENDS_IN_BRACKETS: tuple[EndRule, ...] = (reaches_suffix, repeats, fills_screen)
"""The same, where the text has opened another bracket and not closed it yet."""


def loop(lines: list[str]) -> int | None:
    """Where the lines at the end begin to be repeated: the number of the first one said again, or ``None``.

    Three times the same, or four times the same single line; lines without a word, as in tables, don't count.
    """
    if not lines or lines[-1] not in lines[-1 - _LONGEST_LOOP : -1]:
        return None
    for period in range(1, _LONGEST_LOOP + 1):
        times = 4 if period == 1 else 3
        if len(lines) < times * period:
            return None
        last = lines[-period:]
        if all(lines[-(k + 1) * period : -k * period] == last for k in range(1, times)) and any(
            map(_WORD.search, last)
        ):
            return len(lines) - (times - 1) * period
    return None
