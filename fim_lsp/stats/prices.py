"""What tokens cost: a small table of list prices, and the user's own (setting ``prices``).

Sources, as of the dates in the table:

* Codestral: Mistral's price list (mistral.ai/pricing, model page of codestral-2508): 0.30 $ and 0.90 $; cached tokens cost a
  tenth. Keys of codestral.mistral.ai belong to a subscription, which has not been charged by the token so far.
* Mercury Edit: docs.inceptionlabs.ai/get-started/models.

Prices that depend on the time of day (DeepSeek, since August 2026) are not in the table: they don't fit a sum by day.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final

from fim_lsp.stats.counts import CallCounts, Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """US dollars for a million tokens. ``as_of`` is a month, or ``""`` for the user's own."""

    pattern: str
    input: float
    output: float
    cached: float
    as_of: str = ""


LIST_PRICES: Final = (
    Price(pattern="codestral-*", input=0.30, output=0.90, cached=0.03, as_of="2026-11"),
    Price(pattern="mercury-edit-2*", input=0.25, output=0.75, cached=0.025, as_of="2026-07"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Dollars. ``estimated`` is the part of ``dollars`` for tokens that no server has counted.

    ``unpriced_tokens`` are those of models without a known price, which ``dollars`` does not contain.
    """

    dollars: float = 0.0
    estimated: float = 0.0
    unpriced_tokens: int = 0

    def __add__(self, other: Cost) -> Cost:
        return Cost(
            dollars=self.dollars + other.dollars,
            estimated=self.estimated + other.estimated,
            unpriced_tokens=self.unpriced_tokens + other.unpriced_tokens,
        )


def price_of(model: str, own: Mapping[str, Sequence[float]]) -> Price | None:
    """The price of a model: the user's for this id, else for the longest pattern of the user's, else the list's."""
    matching = [name for name in own if name == model or fnmatchcase(model, name)]
    if matching:
        name = max(matching, key=lambda one: (one == model, len(one)))
        first, second, *cached = own[name]
        return Price(pattern=name, input=first, output=second, cached=cached[0] if cached else first)
    plain = model.rpartition("/")[2].lower()  # mistralai/codestral-2508 on a router
    return next((price for price in LIST_PRICES if fnmatchcase(plain, price.pattern)), None)


def cost_of(source: Source, counts: CallCounts, own: Mapping[str, Sequence[float]]) -> Cost:
    """What calls have cost. Servers on this machine cost nothing."""
    if source.local:
        return Cost()
    estimated_tokens = counts.estimated_prompt_tokens, counts.estimated_completion_tokens
    price = price_of(source.model, own)
    if price is None:
        return Cost(unpriced_tokens=counts.prompt_tokens + counts.completion_tokens + sum(estimated_tokens))
    cached = min(counts.cached_tokens, counts.prompt_tokens)
    counted = (counts.prompt_tokens - cached) * price.input + cached * price.cached
    estimated = estimated_tokens[0] * price.input + estimated_tokens[1] * price.output
    dollars = (counted + counts.completion_tokens * price.output + estimated) / 1e6
    return Cost(dollars=dollars, estimated=estimated / 1e6)
