"""A document with its cursor marked in the text, asked about through the model or the back end."""

from __future__ import annotations

from collections.abc import Sequence

from fim_lsp.ngram.model import NgramModel
from fim_lsp.ngram.predict import Offer, predict

CURSOR = "‸"
URI = "file:///project/open.py"


def lines_of(text: str) -> list[str]:
    """Lines with their ends."""
    return text.splitlines(keepends=True)


def ask(text: str, *, others: Sequence[str] = (), lines: int = 4) -> Offer | None:
    """What is offered at the cursor of an open document, with other open documents and nothing else."""
    model = NgramModel(index_bits=12)
    for index, other in enumerate(others):
        model.open(f"file:///project/other{index}.py", lines_of(other), folder="/project")
    prefix, suffix = text.split(CURSOR)
    model.open(URI, lines_of(prefix + suffix), folder="/project")
    return predict(model, URI, prefix, suffix, lines=lines)


def text_of(offer: Offer | None) -> str:
    """The offer's text, ``""`` for none."""
    return offer.text if offer is not None else ""
