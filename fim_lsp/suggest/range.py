"""What stands behind the cursor on its line: what of it the text says again, and what gives way to it."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable

from fim_lsp.suggest.place import CLOSERS, Place

_MIRRORED = str.maketrans("()[]{}", ")(][}{")


def without_overlap(place: Place, text: str) -> str:
    """Without what it says at its end that already stands behind the cursor: all of that, or the closing part.

    Within a word that goes on behind the cursor, all of it always is. A bracket that the text has opened itself, or that
    nothing behind the cursor closes, is its own. A part that isn't all is left out only if it is made of closing
    characters, or of three and more that end where a word does.
    """
    behind = place.behind
    if re.fullmatch(r"\w\w", place.before[-1:] + behind[:1]) and text.endswith(behind):
        return text[: -len(behind)]
    for length in range(min(len(text), len(behind)), 0, -1):
        if text.endswith(behind[:length]) and _again(place, text[:-length], behind[:length]):
            return text[:-length]
    return text


def _again(place: Place, said: str, overlap: str) -> bool:
    """Whether ``overlap`` behind ``said`` says again what stands behind the cursor."""
    whole = overlap == place.behind
    if whole and ((len(overlap) > 2 and re.search(r"\w", overlap)) or overlap[-1] in "{:"):
        return True
    text = said + overlap
    if unopened(overlap) and unopened(text) <= place.missing and unclosed(text) >= place.short:
        return False
    if CLOSERS.fullmatch(overlap):
        return bool(overlap.strip()) and not any(
            quote in overlap and (place.inside + said).count(quote) % 2 == 0 for quote in "\"'`"
        )
    if len(overlap) < 3:
        return False
    if whole:
        return True
    ends = not re.fullmatch(r"\w\w", overlap[-1] + place.behind[len(overlap)])
    return ends and not re.fullmatch(r"\w\w", said[-1:] + overlap[0])


def brought_along(place: Place, text: str) -> int:
    """How many characters behind the cursor give way, because the text has them itself: ``a) + 1`` before ``)``."""
    rest, surplus = place.behind, unopened(text) - place.missing
    if surplus < unopened(rest):  # what encloses all of this stays
        rest = (
            next((rest[:end] for end in range(len(rest)) if unopened(rest[:end]) == surplus), "") if surplus > 0 else ""
        )
    if not unopened(rest) or not (CLOSERS.fullmatch(rest) or rest in text):
        return 0
    return len(rest) if drawable(rest, text) else 0


def drawable(behind: str, text: str) -> bool:
    """Whether an editor can draw ``text`` over ``behind`` by insertions alone.

    VS Code compares characters, and tells round brackets apart by how deep they are and how many pairs came before.
    """
    return _within(behind, text) and _within(_numbered(behind), _numbered(text))


def unopened(text: str) -> int:
    """How many brackets it closes that it has not opened."""
    depth = most = 0
    for bracket in re.findall(r"[()\[\]{}]", text):
        depth += 1 if bracket in ")]}" else -1
        most = max(most, depth)
    return most


def unclosed(text: str) -> int:
    """How many brackets it leaves open."""
    return unopened(text[::-1].translate(_MIRRORED))


def _within(part: Iterable[Hashable], whole: Iterable[Hashable]) -> bool:
    rest = iter(whole)
    return all(one in rest for one in part)


def _numbered(text: str) -> list[Hashable]:
    level = group = 0
    numbered: list[Hashable] = []
    for one in text:
        if one == ")":
            level = max(level - 1, 0)
        numbered.append((one, group, level) if one in "()" else one)
        level += one == "("
        group += one == ")" and level == 0
    return numbered
