"""From what a model wrote to what is shown: how much of it, and which characters behind the cursor it replaces."""

from __future__ import annotations

import re

from fim_lsp.suggest.place import Multiline, Place, closes, place_of, wants_lines
from fim_lsp.suggest.range import brought_along, without_overlap
from fim_lsp.suggest.rules import announces, before_garbled, begun, echoes, is_over
from fim_lsp.suggest.stop import End, block_end, line_end, loop, with_one_line_end
from fim_lsp.suggest.suggestion import Suggestion
from fim_lsp.text.cursor import Split

__all__ = ["Multiline", "enough", "shape", "wants_lines"]

LONGEST = 4000  # characters of a suggestion: VS Code draws nothing that is longer than 5000
MOST_READ = 3 * LONGEST  # characters that are read for it: what models put round it is no more than itself

_LINE_END = re.compile(r"\r\n?|\n")
_WORD = re.compile(r"\w{3}")
_LONGEST_UNIT, _UNITS = 60, 5  # characters that a line says over and over, and how often
_STUTTER, _STUTTER_CUT = 160, 60  # characters of a line that do so: a separator or a row of numbers is no longer


def enough(split: Split, text: str, multiline: Multiline) -> bool:
    """Whether the text that has arrived so far is all that would be shown, so that the call can be ended.

    So it is where a suggestion could not be longer, and where text comes on and on of which nothing is shown.
    """
    _, body, end = _read(split, text, multiline)
    return end.sure or len(body) > LONGEST or len(text) > MOST_READ


def shape(split: Split, text: str, *, finished: str | None, multiline: Multiline) -> Suggestion | None:
    """The suggestion in ``text``, or ``None``. ``finished`` is the server's finish reason, if it gave one.

    Characters are only ever left out, but for line ends and indentation, which become the document's; none of the
    user's is lost: what is replaced behind the cursor comes again in the text.
    """
    place, text, end = _read(split, text, multiline)
    kept = text[: end.at]
    whole = (end.sure or finished == "stop") and len(kept) <= LONGEST
    if not whole:
        kept = _whole_lines(kept[:LONGEST])
    kept = _without_loop(_without_suffix(place, before_garbled(place, kept)))
    kept = _without_stutter(kept, _STUTTER if whole else _STUTTER_CUT)
    kept = without_overlap(place, _without_blanks(place, kept))
    if not kept.strip() or len(kept) > LONGEST or _repeats(place, kept):
        return None
    replace = brought_along(place, kept)
    if kept == place.behind[:replace]:
        return None
    return Suggestion(text=_LINE_END.sub(lambda _: split.line_end, kept), replace=replace)


def _read(split: Split, text: str, multiline: Multiline) -> tuple[Place, str, End]:
    """The text without what doesn't belong to it, and where the suggestion in it ends."""
    place = place_of(split)
    if "\r" in text:
        text = _LINE_END.sub("\n", text)
    body = begun(place, text)
    end = block_end(place, body) if wants_lines(split, multiline) else line_end(body)
    if end.sure and (echoes(place, body) or announces(place, body)):
        end = End(at=end.at, sure=False)
    if not end.sure and body.strip() and is_over(place, text):
        end = End(at=end.at, sure=True)
    return place, body, end


def _whole_lines(text: str) -> str:
    """Of an answer that was cut, whole lines only, where there are any."""
    lines, line_end, _ = text.rpartition("\n")
    return lines + line_end if lines.strip() else text


def _without_suffix(place: Place, text: str) -> str:
    """Without a last line that begins what stands below it."""
    head, line_end, last = text.rstrip("\n").rpartition("\n")
    below = place.below[0].strip() if place.below else ""
    if line_end and len(last.strip()) > 2 and below.startswith(last.strip()) and head.strip():
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
    """Of a last line that ends in the same words over and over, they come once; in the same signs, it is left out."""
    head, line_end, last = text.rpartition("\n")
    for period in range(1, _LONGEST_UNIT + 1):
        length = max(least, _UNITS * period)
        if len(last) >= length and last[-length:-period] == last[period - length :]:
            start = len(last) - length
            while start and last[start - 1] == last[start - 1 + period]:
                start -= 1
            once = last[: start + period]
            return head + line_end + (once if _WORD.search(once, start) else "")
    return text


def _without_blanks(place: Place, text: str) -> str:
    """Without blanks at its end, unless code goes on behind them."""
    if not place.behind or (place.behind[0] in "()[];,: \t" and "\n" not in text):
        return text.rstrip()
    return with_one_line_end(text)


def _repeats(place: Place, text: str) -> bool:
    """Whether it only says what the next line says already; a closing bracket may be missing though."""
    starts_line = place.fresh or text.lstrip(" \t").startswith("\n")
    said = text.strip()
    return bool(place.below) and starts_line and said == place.below[0].strip() and not (place.missing and closes(said))
