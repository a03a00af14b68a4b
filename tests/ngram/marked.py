"""Documents with the cursor marked in the text, and what the stores contain."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st

from fim_lsp.ngram.model import NgramModel
from fim_lsp.ngram.predict import Offer, predict
from fim_lsp.ngram.token_store import ORDERS, SHAPE, SHAPE_ORDER, TokenStore

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


LINE = st.sampled_from(
    [
        "\n",
        "  \n",
        "a = b\n",
        "    a = c\n",
        "    return a\n",
        "\tx(a, b)\n",
        "if a:\r\n",
        "        self.a = a\n",
        "}\n",
    ]
)


def tokens(store: TokenStore, first: int) -> list[tuple[str, int]]:
    spelling = store.vocabulary.text
    return [(spelling[store.core[p]] or str(store.core[p]), store.lead[p]) for p in store.walk(first)]


def chains_hold_every_position(store: TokenStore, positions: Sequence[int]) -> bool:
    shape = store.vocabulary.shape
    for position in positions:
        context = []
        place = position
        for _ in range(max(*ORDERS, SHAPE_ORDER)):
            place = store.before[place]
            context.append(store.core[place])
        for chain in range(SHAPE + 1):
            at = store.newest(chain, [shape[number] for number in context] if chain == SHAPE else context)
            while at != position:
                if not at:
                    return False
                at = store.older[chain][at]
    return True
