"""What is said elsewhere in the project about what is being written: choosing pieces of other documents."""

from __future__ import annotations

import heapq
import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from operator import itemgetter

from fim_lsp.context.chunks import Chunk, names
from fim_lsp.context.indexed_document import IndexedDocument
from fim_lsp.prompt.prompt import Snippet

_ABOVE, _BELOW = 12, 4  # lines round the cursor that say what is wanted
_NEAR = 3  # of those, lines whose names count double
_COMMON = 0.2  # a name in more than this part of the pieces says nothing
_USUAL = 60  # pieces of a project; a name isn't common because there are only three
_LENGTH = 0.6  # how much a long piece must say more than a short one (BM25's b)
_PART_WEIGHT = 0.4  # of a word inside a name, against a whole name
_KEPT = 1.3  # what was sent last time is as good as something this much better: the prompt stays the same
_LEAST_SCORE = 2.0  # about one rare name
_TRIED = 60  # of the best pieces; a few of them fit
_SAME = 0.6  # pieces that share this part of their lines say the same
_KNOWN = 0.5  # part of a piece's lines that the window has already

_Place = tuple[str, int, int]  # in a prompt: by the document's name, two of one name by their rank, and from above


def rank_snippets(
    prefix: str,
    suffix: str,
    weighed: Sequence[tuple[IndexedDocument, float]],
    *,
    budget: int,
    kept: Collection[Snippet] = (),
    own: IndexedDocument | None = None,
    line: int | None = None,
) -> tuple[Snippet, ...]:
    """The pieces that say most about the names round the cursor, in ``budget`` characters, in the order of their places.

    ``prefix`` and ``suffix`` are the window that is sent anyway, ``weighed`` documents with factors on all they say, and
    ``kept`` what was chosen the last time. Of ``own``, the document itself, no piece is sent that was changed since it was
    read, and none with the cursor's ``line``: that would be said twice, the second time as it was before.
    """
    scored = _scored(_wanted(prefix, suffix), weighed, kept)
    if own is not None:
        scored = [it for it in scored if weighed[it[1][1]][0] is not own or _elsewhere(own.lines_of(it[1][2]), line)]
    seen = _lines(prefix) | _lines(suffix)
    chosen: list[tuple[_Place, Chunk]] = []
    for _, place, chunk in heapq.nsmallest(_TRIED, scored, key=itemgetter(0, 1)):
        size = Snippet(path=chunk.path, text=chunk.text).size
        lines = _lines(chunk.text)
        if size > budget or len(lines & seen) > _KNOWN * len(lines) or _says_again(lines, chosen):
            continue
        budget -= size
        chosen.append((place, chunk))
    return tuple(Snippet(path=chunk.path, text=chunk.text) for _, chunk in sorted(chosen, key=itemgetter(0)))


def _elsewhere(span: tuple[int, int] | None, line: int | None) -> bool:
    return span is not None and (line is None or not span[0] <= line < span[1])


def _scored(
    wanted: Mapping[str, float], weighed: Sequence[tuple[IndexedDocument, float]], kept: Collection[Snippet]
) -> list[tuple[float, _Place, Chunk]]:
    """The pieces with any of the names, and how little they say: the best has the lowest number."""
    shelves = [shelf for shelf, _ in weighed]
    rarity = _rarity(wanted, shelves)
    pieces = sum(len(shelf.chunks) for shelf in shelves)
    mean = sum(shelf.said for shelf in shelves) / max(pieces, 1) or 1.0
    known = {(snippet.path, snippet.text) for snippet in kept}
    scored = []
    for order, (shelf, weight) in enumerate(weighed):
        scores: dict[int, float] = {}
        for name, value in rarity.items():
            for number in shelf.places.get(name, ()):
                scores[number] = scores.get(number, 0.0) + value
        for number, score in scores.items():
            chunk = shelf.chunks[number]
            score *= weight / (1 - _LENGTH + _LENGTH * len(chunk.names) / mean)
            score *= _KEPT if (chunk.path, chunk.text) in known else 1.0
            if score >= _LEAST_SCORE:
                scored.append((-score, (chunk.path, order, number), chunk))
    return scored


def _wanted(prefix: str, suffix: str) -> dict[str, float]:
    """The names round the cursor with their weights; the line that is being typed changes too often to count double."""
    above = prefix.splitlines()[-_ABOVE:]
    below = suffix.splitlines()[1 : 1 + _BELOW]
    found: dict[str, float] = {}
    for lines, weight in ((above[:-_NEAR] + below, 1.0), (above[-_NEAR:], 2.0)):
        for name in names("\n".join(lines)):
            found[name] = weight * (_PART_WEIGHT if name.startswith("~") else 1.0)
    return found


def _rarity(wanted: Mapping[str, float], shelves: Sequence[IndexedDocument]) -> dict[str, float]:
    """How much a name says here, by its weight and by how few of the pieces have it; 0 is left out."""
    total = max(sum(len(shelf.chunks) for shelf in shelves), _USUAL)
    counts = {name: sum(len(shelf.places.get(name, ())) for shelf in shelves) for name in wanted}
    return {
        name: wanted[name] * math.log(1 + (total - count + 0.5) / (count + 0.5))
        for name, count in counts.items()
        if 0 < count <= _COMMON * total
    }


def _lines(text: str) -> set[str]:
    return {bare for line in text.splitlines() if len(bare := line.strip()) > 3}


def _says_again(lines: set[str], chosen: Iterable[tuple[_Place, Chunk]]) -> bool:
    return any(
        len(lines & _lines(other.text)) > _SAME * min(len(lines), len(_lines(other.text))) for _, other in chosen
    )
