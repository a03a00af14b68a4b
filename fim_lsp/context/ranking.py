"""Ranks the chunks of other documents by the names that they share with the text around the cursor, as BM25 does."""

from __future__ import annotations

import heapq
import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from operator import itemgetter

from fim_lsp.context.chunks import Chunk, names_in
from fim_lsp.context.indexed_document import IndexedDocument
from fim_lsp.prompt.prompt import Snippet

_LINES_ABOVE, _LINES_BELOW = 12, 4  # around the cursor, whose names are searched for
_NEAR_LINES = 3  # of them, whose names count double
_MAX_FREQUENCY = 0.2  # a name in a larger share of the chunks reveals nothing
_MIN_CHUNKS = 60  # assumed at least, for that share: a name isn't frequent because there are only three chunks
_LENGTH_PENALTY = 0.6  # BM25's b
_PART_WEIGHT = 0.4  # of a word within a name, compared with a whole name
_PREVIOUS_WEIGHT = 1.3  # of what was sent last time: only something better replaces it, so that prompts are stable
_MIN_SCORE = 2.0  # about one rare name
_MAX_CANDIDATES = 60  # the best chunks; a few of them fit
_MAX_SHARED = 0.6  # of the lines of two snippets
_MAX_KNOWN = 0.5  # of a snippet's lines that are already in the window

_Position = tuple[str, int, int]  # in a prompt: by the document's name, for equal names by rank, and then from above


def rank_snippets(
    prefix: str,
    suffix: str,
    weighted: Sequence[tuple[IndexedDocument, float]],
    *,
    budget: int,
    previous: Collection[Snippet] = (),
    own: IndexedDocument | None = None,
    line: int | None = None,
) -> tuple[Snippet, ...]:
    """The best chunks that fit in ``budget`` characters, in the order of their positions.

    ``prefix`` and ``suffix`` are the window that is sent anyway, ``weighted`` documents with factors for their scores,
    and ``previous`` what was selected last time. Chunks of ``own``, the document itself, are not sent if they have changed
    since they were read or contain the cursor's ``line``: the prompt would contain an older version of them.
    """
    scored = _scored(_wanted(prefix, suffix), weighted, previous)
    if own is not None:
        scored = [it for it in scored if weighted[it[1][1]][0] is not own or _is_elsewhere(own, it[1][2], line)]
    in_window = _lines(prefix) | _lines(suffix)
    selected: list[tuple[_Position, Chunk]] = []
    for _, position, chunk in heapq.nsmallest(_MAX_CANDIDATES, scored, key=itemgetter(0, 1)):
        size = Snippet(path=chunk.path, text=chunk.text).size
        lines = _lines(chunk.text)
        known = len(lines & in_window) > _MAX_KNOWN * len(lines)
        if size <= budget and not known and not _is_like_any(lines, (other for _, other in selected)):
            budget -= size
            selected.append((position, chunk))
    return tuple(Snippet(path=chunk.path, text=chunk.text) for _, chunk in sorted(selected, key=itemgetter(0)))


def _is_elsewhere(document: IndexedDocument, number: int, line: int | None) -> bool:
    """Whether a chunk is unchanged since it was read, and does not contain ``line``."""
    span = document.current_lines(number)
    return span is not None and (line is None or not span[0] <= line < span[1])


def _scored(
    wanted: Mapping[str, float], weighted: Sequence[tuple[IndexedDocument, float]], previous: Collection[Snippet]
) -> list[tuple[float, _Position, Chunk]]:
    """The chunks that contain any of the names, with negated scores: the best has the lowest."""
    documents = [document for document, _ in weighted]
    weights = _name_weights(wanted, documents)
    count = sum(len(document.chunks) for document in documents)
    mean_names = sum(document.name_count for document in documents) / max(count, 1) or 1.0
    known = {(snippet.path, snippet.text) for snippet in previous}
    scored = []
    for rank, (document, factor) in enumerate(weighted):
        scores: dict[int, float] = {}
        for name, weight in weights.items():
            for number in document.chunks_with.get(name, ()):
                scores[number] = scores.get(number, 0.0) + weight
        for number, score in scores.items():
            chunk = document.chunks[number]
            score *= factor / (1 - _LENGTH_PENALTY + _LENGTH_PENALTY * len(chunk.names) / mean_names)
            score *= _PREVIOUS_WEIGHT if (chunk.path, chunk.text) in known else 1.0
            if score >= _MIN_SCORE:
                scored.append((-score, (chunk.path, rank, number), chunk))
    return scored


def _wanted(prefix: str, suffix: str) -> dict[str, float]:
    """The names around the cursor with their weights; the line being typed changes too often to count double."""
    above = prefix.splitlines()[-_LINES_ABOVE:]
    below = suffix.splitlines()[1 : 1 + _LINES_BELOW]
    wanted: dict[str, float] = {}
    for lines, weight in ((above[:-_NEAR_LINES] + below, 1.0), (above[-_NEAR_LINES:], 2.0)):
        for name in names_in("\n".join(lines)):
            wanted[name] = weight * (_PART_WEIGHT if name.startswith("~") else 1.0)
    return wanted


def _name_weights(wanted: Mapping[str, float], documents: Sequence[IndexedDocument]) -> dict[str, float]:
    """The weights times the names' inverse document frequencies, without unknown and frequent names."""
    total = max(sum(len(document.chunks) for document in documents), _MIN_CHUNKS)
    counts = {name: sum(len(document.chunks_with.get(name, ())) for document in documents) for name in wanted}
    return {
        name: wanted[name] * math.log(1 + (total - count + 0.5) / (count + 0.5))
        for name, count in counts.items()
        if 0 < count <= _MAX_FREQUENCY * total
    }


def _lines(text: str) -> set[str]:
    """The lines that identify a text: those with more than three characters, without their indentation."""
    return {content for line in text.splitlines() if len(content := line.strip()) > 3}


def _is_like_any(lines: set[str], others: Iterable[Chunk]) -> bool:
    """Whether one of ``others`` contains most of these lines, or most of its lines are among them."""
    return any(
        len(lines & other_lines) > _MAX_SHARED * min(len(lines), len(other_lines))
        for other in others
        for other_lines in (_lines(other.text),)
    )
