"""Where a suggestion ends, decided on lines that have arrived whole, so that more text never changes it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import islice

from fim_lsp.suggest.place import GOES_ON, Place, closes, defines, opens, width
from fim_lsp.suggest.scan import Line, Scan, scan

MOST_LINES = 60  # of one suggestion: more than fits on a screen is not read

_GOES_ON_BEHIND = re.compile(r"[})\]]{1,16};?[ \t]{0,16}(?:else|catch|finally|while|,)")
_PARTNERS = {
    "else": r"[\s}]*(?:if|elif|else if|elsif|for|while|try|except|unless|case|when|rescue)\b",
    "elif": r"\s*(?:if|elif)\b",
    "except": r"\s*(?:try|except)\b",
    "finally": r"[\s}]*(?:try|except|else|catch)\b",
    "catch": r"[\s}]*(?:try|catch)\b",
}
_LABEL = re.compile(r"\#\w|(?!default\b)\w+:\s*$")  # of C: the preprocessor's lines, and where goto leads
_WORD = re.compile(r"\w{3}")
_LONGEST_LOOP = 8  # lines


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """Of a text only ``text[:at]`` is shown. ``sure``: whatever comes behind what has arrived, it will not be shown."""

    at: int
    sure: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A text at a place, as the rules below look at it; line ``number`` is the one in question, ``before`` what is above."""

    place: Place
    text: str
    scan: Scan
    floor: int
    start: int
    before: list[str]
    number: int

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


def line_end(text: str) -> End:
    """The end of the first line that says something."""
    end = text.find("\n", len(text) - len(text.lstrip()))
    return End(at=len(text) if end < 0 else end, sure=end >= 0)


def block_end(place: Place, text: str) -> End:
    """The end of the block: see the rules ``ENDS``. A closing bracket that is not missing ends it too."""
    scanned = scan(text, hashes=place.hashes, inside=place.inside)
    closer = _surplus(place, text, scanned)
    whole = text.rfind("\n") + 1
    start, floor = _levels(place, text)
    before: list[str] = []
    for number, line in enumerate(scanned.lines):
        if line.end >= whole or (closer is not None and line.end > closer):
            break
        said = text[line.start : line.end]
        if not said.strip():
            continue
        reading = Reading(place=place, text=text, scan=scanned, floor=floor, start=start, before=before, number=number)
        verdict = _verdict(reading)
        if verdict is None:
            return End(at=line.start, sure=False)
        if verdict:
            return End(at=_before(place, text, line.start), sure=True)
        before.append(said if number else " " * place.column + said.lstrip())
    if closer is not None:
        return End(at=_before(place, text, closer), sure=closer < whole)  # its line's rest may put it into a string
    return End(at=len(text), sure=False)


def _verdict(reading: Reading) -> bool | None:
    """Whether the block ends in front of a line; ``None`` if the next one will tell."""
    if reading.line.inside or (reading.number == 0 and not reading.place.fresh):
        return fills_screen(reading)
    verdicts = {rule(reading) for rule in (ENDS if reading.line.within in BLOCKS else ENDS_IN_BRACKETS)}
    return True if True in verdicts else None if None in verdicts else False


def reaches_suffix(reading: Reading) -> bool | None:
    """It says what stands behind the cursor: one line that says enough, or a short one with the next."""
    below = reading.place.below
    if not below or reading.said.strip() != below[0].strip():
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


def leaves_block(reading: Reading) -> bool:
    """It is indented less than the block may be, and neither closes it nor goes on with it (``else``)."""
    columns = reading.columns
    if columns >= reading.floor:
        return False
    if not reading.paragraph and goes_on(reading.place, reading.said, columns):
        return False
    if closes(reading.said):
        return not reading.line.within and not reading.place.missing
    if _LABEL.match(reading.said):
        return False
    below = reading.place.below[0] if reading.place.below else ""
    last = reading.before[-1] if reading.before else ""
    unfinished = width(below) > max(width(last), reading.start) and not opens(last)
    return not unfinished  # what follows is indented deeper, so a line that opens its block must still come


def goes_on(place: Place, said: str, columns: int) -> bool:
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


def repeats(reading: Reading) -> bool:
    """The lines before it say the same thing three times over."""
    return loop(reading.before) is not None


def fills_screen(reading: Reading) -> bool:
    """There are enough lines before it."""
    return reading.number >= MOST_LINES


ENDS = (reaches_suffix, hands_over, leaves_block, starts_anew, repeats, fills_screen)
"""What may end a block in front of a line; ``None`` is "the next line will tell"."""

BLOCKS = ("", "{")
"""The open brackets between which indentation says something."""

ENDS_IN_BRACKETS = (reaches_suffix, repeats, fills_screen)
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


def _levels(place: Place, text: str) -> tuple[int, int]:
    """The column that the block starts in, and the least one that its lines may have."""
    if not place.fresh:
        return place.column + 1, place.column + 1
    start = place.column or width(next((line for line in text.split("\n") if line.strip()), ""))
    below = place.below[0] if place.below else ""
    if not start:
        return 0, 0
    inner = width(below) + bool(closes(below) or defines(below) or not width(below))
    return start, min(start, inner)


def _surplus(place: Place, text: str, scanned: Scan) -> int | None:
    """The first bracket that it closes although it is closed already; ``} else {`` closes and opens."""
    if not place.bracketed:
        return None
    closers = (position for position in scanned.closers if not _reopens(text, position))
    surplus = next(islice(closers, place.missing, None), None)
    if surplus is not None and text[surplus] == "}" and "\n" not in text[surplus:]:
        return None
    return surplus


def _reopens(text: str, position: int) -> bool:
    """Whether the line goes on behind the bracket at ``position``, and ends with another that opens."""
    found = _GOES_ON_BEHIND.match(text, position)
    if found is None:
        return False
    end = text.find("\n", found.end())
    return text[found.end() : end if end >= 0 else len(text)].rstrip(" \t").endswith(("{", "(", "["))


def _before(place: Place, text: str, at: int) -> int:
    """The end of what is kept before ``at``: one line end stays where the cursor's line goes on behind it."""
    kept = len(text[:at].rstrip())
    if not place.behind:
        return kept
    return min(len(with_one_line_end(text[:at])), at)


def with_one_line_end(text: str) -> str:
    """A text that code goes on behind: of the line ends at its end only the first, with the blanks behind it."""
    kept = len(text.rstrip())
    found = re.match(r"[ \t]*\n[ \t]*", text[kept:])
    return text[: kept + found.end()] if found else text
