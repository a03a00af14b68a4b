"""From what a model wrote to what is shown: how much of it, and which characters behind the cursor it replaces."""

from __future__ import annotations

import re

from fim_lsp.suggest.block_end import End, end_of, line_end, with_one_line_end
from fim_lsp.suggest.blocks import END_WORD, closes_its_own
from fim_lsp.suggest.cleanup_rules import begun, echoes, is_over
from fim_lsp.suggest.cursor_context import (
    CursorContext,
    Extent,
    Multiline,
    closes,
    defines,
    extent_of,
    wants_lines,
    width,
)
from fim_lsp.suggest.end_rules import loop
from fim_lsp.suggest.framing import after_thoughts, announces, before_garbled, lone_end
from fim_lsp.suggest.line_fit import fitted
from fim_lsp.suggest.suggestion import Suggestion

__all__ = ["Multiline", "has_head", "is_complete", "suggestion_from", "wants_lines"]

LONGEST = 4000  # characters of a suggestion: VS Code draws nothing that is longer than 5000
MOST_READ = 3 * LONGEST  # characters that are read for it: what models put round it is no more than itself

_LINE_END = re.compile(r"\r\n?|\n")
_WORD = re.compile(r"\w{3}")
_BLANKS = re.compile(r"(?<=[^ \t\n])[ \t]+(?=\n)")
_LONG = ('"""', "'''", "`")  # strings of several lines, where a blank at a line's end may be meant
_LONGEST_UNIT, _UNITS = 60, 5  # characters that a line says over and over, and how often
_MANY, _FEW, _LONG_UNIT = 6, 4, 10  # times that short and long words are said; so many characters are long
_DIGITS = re.compile(r"(\d)\1{29}\Z")
_LETTER = re.compile(r"[^\W\d_]{2}")
_STUTTER, _STUTTER_CUT = 160, 60  # characters of a line that do so: a separator or a row of numbers is no longer


def is_complete(place: CursorContext, text: str, multiline: Multiline) -> bool:
    """Whether the text that has arrived so far is all that would be shown, so that the call can be ended.

    So it is where a suggestion could not be longer, and where text comes on and on of which nothing is shown.
    """
    body, end = _read(place, text, multiline)
    return end.sure or len(body) > LONGEST or len(text) > MOST_READ


def has_head(place: CursorContext, text: str, multiline: Multiline) -> bool:
    """Whether a line has come whole that opens what a suggestion here may have besides: worth showing by itself."""
    if "\n" not in text and "\r" not in text:
        return False
    if extent_of(place.split, multiline, place.language) is not Extent.STATEMENT:
        return False
    body, end = _read(place, text, multiline)
    return not end.sure and line_end(body).sure


def suggestion_from(
    place: CursorContext, text: str, *, finished: str | None, multiline: Multiline
) -> Suggestion | None:
    """The suggestion in ``text``, or ``None``. ``finished`` is the server's finish reason, if it gave one.

    Characters are only ever left out, but for line ends and indentation, which become the document's; none of the
    user's is lost: what is replaced behind the cursor comes again in the text.
    """
    text, end = _read(place, text, multiline, final=finished == "stop")
    kept = text[: end.at]
    whole = (end.sure or finished == "stop") and len(kept) <= LONGEST
    if not whole:
        kept = _whole_lines(kept[:LONGEST])
    kept = _without_loop(_without_suffix(place, before_garbled(place, kept)))
    kept = _without_stutter(kept, _STUTTER if whole else _STUTTER_CUT)
    kept, replace = fitted(place, _without_blanks(place, kept))
    if not kept.strip() or len(kept) > LONGEST or _repeats(place, kept):
        return None
    if kept == place.behind[:replace]:
        return None
    return Suggestion(text=_LINE_END.sub(lambda _: place.split.line_end, kept), replace=replace)


def _read(place: CursorContext, text: str, multiline: Multiline, *, final: bool = False) -> tuple[str, End]:
    """The text without what doesn't belong to it, and where the suggestion in it ends."""
    if "\r" in text:
        text = _LINE_END.sub("\n", text)
    if found := lone_end(place, text):  # what came before it was a thought, unless it was an answer by itself
        answered = _read(place, text[: found.start()], multiline)[1].sure
        text = text[: found.start()] if answered else after_thoughts(place, text, found.end())
    body = begun(place, text)
    end = end_of(place, body, extent_of(place.split, multiline, place.language), final=final)
    if end.sure and not final and (echoes(place, body) or announces(place, body)):
        end = End(at=end.at, sure=False)
    if not end.sure and body.strip() and is_over(place, text):
        end = end_of(place, body, extent_of(place.split, multiline, place.language), final=True)
    return body, end


def _whole_lines(text: str) -> str:
    """Of an answer that was cut, whole lines only, where there are any."""
    lines, line_end, _ = text.rpartition("\n")
    return lines + line_end if lines.strip() else text


def _without_suffix(place: CursorContext, text: str) -> str:
    """Without a last line that begins what stands below it."""
    head, line_end, last = text.rstrip("\n").rpartition("\n")
    below = place.below[0].strip() if place.below else ""
    same = bool(below) and last.strip() == below and width(last) == width(place.below[0]) and not closes(last)
    begins = len(last.strip()) > 2 and below.startswith(last.strip())
    if END_WORD.match(last) and last.strip() == below:
        lines = [("" if place.fresh else place.before) + head.partition("\n")[0], *head.split("\n")[1:]]
        lines[0] = " " * place.column + lines[0].lstrip()
        begins = width(last) == width(place.below[0]) and not closes_its_own(lines, last)
    if line_end and (begins or same) and head.strip():
        return head + "\n" if place.fresh and place.behind else head
    return text


def _without_loop(text: str) -> str:
    """What is said over and over is said once."""
    lines = text.split("\n")
    again = loop([line.strip() for line in lines])
    if again is not None:
        text = "\n".join(lines[:again])
    return text


def _without_stutter(text: str, least: int) -> str:
    """Of a last line that ends in the same words over and over, they come once; in the same signs, it is left out.

    Words are enough if they are said six times, or four times where there are more of them.
    """
    body = text.rstrip("\n")
    if len(body) < len(text):
        kept = _without_stutter(body, least)
        return text if kept == body else kept
    head, line_end, last = text.rpartition("\n")
    if _DIGITS.search(last):
        return head
    for period in range(1, _LONGEST_UNIT + 1):
        words = period > 2 and bool(_WORD.search(last[-period:])) and bool(_LETTER.search(last[-period:]))
        length = max(least, _UNITS * period) if not words else (_FEW if period >= _LONG_UNIT else _MANY) * period
        if len(last) >= length and last[-length:-period] == last[period - length :]:
            start = len(last) - length
            while start and last[start - 1] == last[start - 1 + period]:
                start -= 1
            once = last[: start + period]
            return head + line_end + (once if _WORD.search(once, start) and (start or head.strip()) else "")
    return text


def _without_blanks(place: CursorContext, text: str) -> str:
    """Without blanks at its end, unless code goes on behind them, and at the ends of its lines, but in long strings."""
    if not (place.text or place.inside or any(quote in text for quote in _LONG)):
        text = _BLANKS.sub("", text)
    if not place.behind or (place.behind[0] in "()[];,: \t" and "\n" not in text):
        return text.rstrip()
    inside = (
        place.fresh
        or place.before.rstrip().endswith("{")
        or (text[:1] == "\n" and not closes(text.rstrip().rpartition("\n")[2]))
    )
    return with_one_line_end(text) if inside else text.rstrip()


def _repeats(place: CursorContext, text: str) -> bool:
    """Whether it only says what the lines below say already; a closing bracket may be missing though."""
    if not place.below or not (place.fresh or text.lstrip(" \t").startswith("\n")):
        return False
    said, below = [line.strip() for line in text.split("\n") if line.strip()], [line.strip() for line in place.below]
    if len(said) == 1:
        again = said[0] == below[0] or (defines(said[0]) and closes(below[0]) and said[0] in below)
        return again and not (place.missing and closes(said[0]))
    first = next((at for at, line in enumerate(below) if line == said[0]), len(below))
    return any(map(_WORD.search, said)) and below[first:][: len(said)] == said and all(map(closes, below[:first]))
