"""Where a suggestion ends, decided on lines that have arrived whole, so that more text never changes it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import islice

from fim_lsp.suggest.bracket_scan import Scan, scan, without_case_patterns
from fim_lsp.suggest.cursor_context import CursorContext, Extent, closes, defines, width
from fim_lsp.suggest.end_rules import Reading, is_simple, verdict

_FENCES = ("```", "~~~")
_HEADING = re.compile(r"#{1,6} ")
_WORD = re.compile(r"\w{3}")
_COMMENTED = re.compile(r"\s*(?:[#*]|//|/\*|--|<!--|\Z)")


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """Of a text only ``text[:at]`` is shown. ``sure``: whatever comes behind what has arrived, it will not be shown."""

    at: int
    sure: bool


def end_of(place: CursorContext, text: str, extent: Extent, *, final: bool) -> End:
    """Where as much as ``extent`` ends. ``final``: nothing comes behind the text, so that its last line is one as any other."""
    whole = f"{text}\n" if final and not text.endswith("\n") else text
    if extent is Extent.LINE or (
        place.prose and not place.runs_on and not place.fresh and not _leaves_prose(place, text)
    ):
        end = line_end(whole)
    elif place.text:
        end = passage_end(place, whole)
    else:
        end = block_end(place, whole, statement=extent is Extent.STATEMENT, final=final)
    return End(at=min(end.at, len(text)), sure=True) if final else end


def _leaves_prose(place: CursorContext, text: str) -> bool:
    """Whether a text goes on with code on the line below a comment."""
    return not place.inside and text.startswith("\n") and not _COMMENTED.match(text)


def line_end(text: str) -> End:
    """The end of the first line that says something."""
    end = text.find("\n", len(text) - len(text.lstrip()))
    return End(at=len(text) if end < 0 else end, sure=end >= 0)


def passage_end(place: CursorContext, text: str) -> End:
    """The end of a passage of prose: a blank line, but behind a heading or inside a fence, or what stands below."""
    start = said = 0
    fence, heading = "", False
    while (stop := text.find("\n", start)) >= 0:
        line = text[start:stop].strip()
        mark = line[:3] if line[:3] in _FENCES else ""
        if said and not fence and ((not line and not heading) or _stands_below(place, line)):
            return End(at=len(text[:start].rstrip()), sure=True)
        fence = "" if mark and mark == fence else fence or mark
        heading = bool(_HEADING.match(line)) or (heading and not line)
        said += bool(line)
        start = stop + 1
    return End(at=len(text), sure=False)


def _stands_below(place: CursorContext, line: str) -> bool:
    return bool(place.below) and line == place.below[0].strip() and bool(_WORD.search(line))


def block_end(place: CursorContext, text: str, *, statement: bool = False, final: bool = False) -> End:
    """The end of the block: see the rules ``ENDS``. A closing bracket that is not missing ends it too.

    A ``statement`` ends as soon as nothing that it has opened itself is open.
    """
    scanned = scan(
        without_case_patterns(text, place.language), hashes=place.hashes, inside=place.inside, reopening=True
    )
    closer = _surplus(place, text, scanned, place.closed if statement else 0)
    whole = text.rfind("\n") + 1
    start, floor = _levels(place, text, statement=statement)
    before: list[str] = []
    for number, line in enumerate(scanned.lines):
        if line.end >= whole or (closer is not None and line.end > closer):
            break
        said = text[line.start : line.end]
        if not said.strip():
            continue
        reading = Reading(
            place=place,
            text=text,
            scan=scanned,
            floor=floor,
            start=start,
            before=before,
            number=number,
            statement=statement,
            final=final,
        )
        ruling = verdict(reading)
        if ruling is None:
            return End(at=line.start, sure=False)
        if ruling:
            return End(at=_before(place, text, line.start, statement=statement), sure=True)
        before.append(said if number else " " * place.column + said.lstrip())
        if statement and len(before) == 1 and is_simple(place, reading):
            return End(at=line.end, sure=True)
    if closer is not None:  # the rest of its line may put it into a string
        return End(at=_before(place, text, closer, statement=statement), sure=closer < whole)
    return End(at=len(text), sure=False)


def _levels(place: CursorContext, text: str, *, statement: bool) -> tuple[int, int]:
    """The column that the block starts in, and the least one that its lines may have."""
    if statement and (first := re.match(r"[ \t]*\n\s*?(?=[^\n]*\S)", text)):
        columns = width(text[first.end() :].partition("\n")[0])
        return columns, columns
    if not place.fresh:
        return place.column + 1, place.column + 1
    start = place.column or width(next((line for line in text.split("\n") if line.strip()), ""))
    below = place.below[0] if place.below else ""
    if not start:
        return 0, 0
    inner = width(below) + bool(closes(below) or defines(below) or not width(below))
    return start, min(start, inner)


def _surplus(place: CursorContext, text: str, scanned: Scan, spare: int) -> int | None:
    """The first bracket that it closes although it is closed already; ``} else {`` closes and opens.

    ``spare``: so many of those behind the cursor, on its line, may give way to the text's own.
    """
    if not place.bracketed:
        return None
    surplus = next(islice(scanned.closers, max(place.missing, place.open_to_the_end) + spare, None), None)
    if surplus is not None and text[surplus] == "}" and "\n" not in text[surplus:]:
        return None
    return surplus


def _before(place: CursorContext, text: str, at: int, *, statement: bool) -> int:
    """The end of what is kept before ``at``: one line end stays where the cursor's line goes on behind it."""
    kept = len(text[:at].rstrip())
    if not place.behind or statement:
        return kept
    return min(len(with_one_line_end(text[:at])), at)


def with_one_line_end(text: str) -> str:
    """A text that code goes on behind: of the line ends at its end only the first, with the blanks behind it."""
    kept = len(text.rstrip())
    found = re.match(r"[ \t]*\n[ \t]*", text[kept:])
    return text[: kept + found.end()] if found else text
