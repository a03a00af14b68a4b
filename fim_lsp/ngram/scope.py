"""Which positions count for a cursor: the weights of its document and lines, and what must not count."""

from __future__ import annotations

from fim_lsp.ngram.candidates import Scope, framed_positions
from fim_lsp.ngram.cursor import CursorPlace
from fim_lsp.ngram.lexer import lex_line, split_lead
from fim_lsp.ngram.model import Document, NgramModel
from fim_lsp.ngram.token_store import NOWHERE

LOCAL_WEIGHT = 20.0
"""Weight of positions in the lines around the cursor: names of this block are likelier than those of the file."""

LINES_ABOVE = 40
LINES_BELOW = 20
"""How many lines above and below the cursor are around it."""

_NEXT_LINE_TOKENS = 3


def scope_at(model: NgramModel, uri: str, cursor: CursorPlace, line: int | None) -> Scope:
    """The scope of a cursor in a line of a document, or in one that is not open."""
    next_line = [
        model.vocabulary.find(split_lead(token)[1]) for token in lex_line(cursor.next_line).tokens[:_NEXT_LINE_TOKENS]
    ]
    framed = (
        framed_positions(model.open_store, next_line),
        framed_positions(model.file_store, next_line),
    )
    document = model.documents.get(uri)
    if document is None:
        return Scope(owner=-1, folder="", folders=model.folders, hidden=model.hidden, framed=framed)
    return Scope(
        owner=document.owner,
        folder=document.folder,
        folders=model.folders,
        hidden=model.hidden,
        weights=_weights_around(model, document, line),
        framed=framed,
    )


def _weights_around(model: NgramModel, document: Document, line: int | None) -> dict[int, float]:
    """Weights around the cursor's line; 0 for the line itself and its end, which must not be predicted from itself."""
    if line is None:
        return {}
    after = model.open_store.after
    weights: dict[int, float] = {}

    def put(first: int, end: int, weight: float) -> None:
        position = document.starts[max(0, first)]
        stop = document.starts[end] if end < len(document.lines) else NOWHERE
        while position != stop:
            weights[position] = weight
            position = after[position]

    put(line - LINES_ABOVE, line + LINES_BELOW, LOCAL_WEIGHT)
    put(line, line + 1, 0.0)
    if line + 1 < len(document.lines):
        weights[document.starts[line + 1]] = 0.0
    return weights


def hide_below(model: NgramModel, uri: str, scope: Scope, line: int | None, *, lines: int) -> None:
    """Hide the lines below the cursor before further lines are guessed: they must not be predicted from themselves."""
    document = model.documents.get(uri)
    if document is None or line is None:
        return
    position = document.starts[line]
    end = line + 1 + lines
    stop = document.starts[end] if end < len(document.lines) else NOWHERE
    while position != stop:
        scope.weights[position] = 0.0
        position = model.open_store.after[position]
