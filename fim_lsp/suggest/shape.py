"""From what a model wrote to what is shown: how much of it, and which characters behind the cursor it replaces."""

from __future__ import annotations

import re

from fim_lsp.suggest.place import Multiline, Place, place_of, wants_lines
from fim_lsp.suggest.range import brought_along, without_overlap
from fim_lsp.suggest.rules import begun, is_over
from fim_lsp.suggest.stop import End, block_end, line_end, loop, with_one_line_end
from fim_lsp.suggest.suggestion import Suggestion
from fim_lsp.text.cursor import Split

__all__ = ["Multiline", "enough", "shape", "wants_lines"]

LONGEST = 4000  # characters of a suggestion: VS Code draws nothing that is longer than 5000

_LINE_END = re.compile(r"\r\n?|\n")
_STUTTER = re.compile(r"(?P<once>(?P<unit>\S.{2,60}?)(?P=unit))(?P=unit){3,}.*\Z")


def enough(split: Split, text: str, multiline: Multiline) -> bool:
    """Whether the text that has arrived so far is all that would be shown, so that the call can be ended."""
    return _read(split, text, multiline)[2].sure


def shape(split: Split, text: str, *, finished: str | None, multiline: Multiline) -> Suggestion | None:
    """The suggestion in ``text``, or ``None``. ``finished`` is the server's finish reason, if it gave one.

    Characters are only ever left out, but for line ends and indentation, which become the document's; none of the
    user's is lost: what is replaced behind the cursor comes again in the text.
    """
    place, text, end = _read(split, text, multiline)
    kept = text[: end.at]
    if not end.sure and finished != "stop":
        kept = _whole_lines(kept)
    kept = _without_loop(_without_suffix(place, kept))
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
    head, line_end, last = text.rpartition("\n")
    return head + line_end + _STUTTER.sub(lambda found: found["unit"], last)


def _without_blanks(place: Place, text: str) -> str:
    """Without blanks at its end, unless code goes on behind them."""
    if not place.behind or (place.behind[0] in "()[];,: \t" and "\n" not in text):
        return text.rstrip()
    return with_one_line_end(text)


def _repeats(place: Place, text: str) -> bool:
    """Whether it only says what the next line says already."""
    return bool(place.below) and place.fresh and text.strip() == place.below[0].strip()
