"""Judges how much of the truth is shown: a reply is streamed as the scheduler does it, and the result is compared.

The verdicts on the document after accepting, ignoring whitespace at line ends:

* ``right``: it is the true one. If one line was requested, the hole's first line alone is right too (with the line break
  before it, if the hole begins with one), without its end if that is already after the cursor. If the reply was cut at
  its length limit, any number of whole lines of the hole is right too, from the first on; a reply that was cut in its
  first line may be shown up to the cut. If the reply loops, one repetition may be left. If there is text after the
  cursor, whole lines may end with their line end and the indentation of the cursor's line.
* ``part``: whole lines of the hole, from the first on, where all of them were requested; with their line end if there is
  text after the cursor, so that it does not end up on the last of them.
* ``silent``: nothing is shown.
* ``wrong``: anything else, that is, something that the user would have to delete or correct.
"""

from __future__ import annotations

import enum
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from fim_lsp.suggest.cursor_context import cursor_context_at
from fim_lsp.suggest.postprocess import is_complete, suggestion_from, wants_lines
from fim_lsp.suggest.suggestion import Suggestion
from tests.quality.corruptions import Case, Corruption
from tests.quality.recovery_places import Place

PIECE = 4  # characters of a reply that come at once, about a token


class Verdict(enum.StrEnum):
    RIGHT = "right"
    PART = "part"
    SILENT = "silent"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One reply at one place, what was shown of it, and the verdict; ``repeated`` if one repetition was left."""

    corruption: str
    case: Case
    shown: Suggestion | None
    verdict: Verdict
    repeated: bool = False


def streamed(case: Case) -> Suggestion | None:
    """What is shown of a reply that comes in pieces; the call is ended as soon as that is allowed."""
    context, reply = cursor_context_at(case.place.split), case.reply
    for end in range(PIECE, len(reply), PIECE):
        if is_complete(context, reply[:end], "auto"):
            return suggestion_from(context, reply[:end], finished=None, multiline="auto")
    return suggestion_from(context, reply, finished=case.finished, multiline="auto")


def first_line(middle: str) -> str:
    """The hole's first line with text; a line break before it counts, further ones don't."""
    body = middle.lstrip("\r\n")
    lead = re.match(r"\r?\n|", middle[: len(middle) - len(body)])
    return (lead[0] if lead else "") + re.split(r"\r?\n", body, maxsplit=1)[0]


def _first_lines(place: Place) -> list[str]:
    """The hole's first line and, if it has more lines, that line without an end that is already after the cursor."""
    first, behind = first_line(place.middle), place.split.line_suffix
    overlaps = (
        [end for end in range(1, len(behind) + 1) if first.endswith(behind[:end])] if first != place.middle else []
    )
    return [first, *(first[:-end] for end in overlaps)]


def beginnings(middle: str) -> list[str]:
    """The hole's whole lines from the first on: each number of them but all."""
    ends = [match.start() for match in re.finditer(r"\r?\n", middle)]
    return [middle[:end] for end in ends if middle[:end].strip()]


def _with_line_ends(place: Place) -> list[str]:
    """The same with a line end, with and without indentation, if there is text after the cursor."""
    if not place.split.line_suffix.strip():
        return []
    ends = ["\n", "\n" + place.indent]
    return [text + end for text in beginnings(place.middle) for end in ends]


def _document(place: Place, text: str, replace: int = 0) -> str:
    """The document with ``text`` at the cursor, without blanks at line ends. What is far away can't differ."""
    whole = place.split.prefix[-2000:] + text + place.split.suffix[replace : replace + 2000]
    return re.sub(r"[ \t]+(?=\r?\n|\Z)", "", whole)


def judged(corruption: str, case: Case) -> Judged:
    """The verdict on what is shown at a case."""
    shown = streamed(case)
    if shown is None:
        return Judged(corruption=corruption, case=case, shown=None, verdict=Verdict.SILENT)
    place = case.place
    result = _document(place, shown.text, shown.replace)

    def is_one_of(texts: Sequence[str]) -> bool:
        return any(result == _document(place, text) for text in texts)

    repeated = corruption == "loops" and is_one_of(_with_one_more(case))
    right = [place.middle]
    if not wants_lines(place.split, "auto"):
        right += _first_lines(place)
    if case.finished == "length":
        right += beginnings(place.middle) + _with_line_ends(place) if corruption.startswith("cut") else []
        right += [case.reply] if not beginnings(case.reply) and corruption.startswith("cut") else []
    if is_one_of(right) or repeated:
        verdict = Verdict.RIGHT
    else:
        closed = place.split.line_suffix.strip()
        part = _with_line_ends(place) if closed else beginnings(place.middle)
        verdict = Verdict.PART if is_one_of(part) else Verdict.WRONG
    return Judged(corruption=corruption, case=case, shown=shown, verdict=verdict, repeated=repeated)


def _with_one_more(case: Case) -> list[str]:
    """The middle of a looping reply with its last one or two lines once more, or the first of the two."""
    place = case.place
    lines = (place.split.line_prefix + place.middle).split("\n")
    again = [lines[-1:], lines[-2:], lines[-2:-1]]
    return [place.middle + "\n" + "\n".join(more) for more in again if more]


def judge(places: Sequence[Place], corruptions: Mapping[str, Corruption], *, seed: int) -> Iterator[Judged]:
    """Every corruption at every place where it applies."""
    for number, place in enumerate(places):
        for name, corruption in corruptions.items():
            case = corruption(place, random.Random(f"{seed}:{name}:{number}"))
            if case is not None:
                yield from (judged(name, form) for form in with_and_without_line_end(case))


def with_and_without_line_end(case: Case) -> list[Case]:
    """A reply as it is, and if it ended by itself, also with a line end behind it, or without the one it has."""
    blank = "\n" in case.place.middle and not case.place.middle.rpartition("\n")[2].strip()
    if case.finished != "stop" or blank:
        return [case]
    other = case.reply.rstrip("\r\n") if case.reply.endswith("\n") else case.reply + "\n"
    return [case, replace(case, reply=other)] if other.strip() else [case]
