"""How often the user takes suggestions, learnt from this session's events and from what earlier ones have counted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from fim_lsp.schedule.events import SuggestionAccepted, SuggestionShown
from fim_lsp.schedule.learning import AcceptanceRates, Taking
from fim_lsp.session.event_ring import EventRing
from fim_lsp.stats.recorder import Recorder

if TYPE_CHECKING:
    from fim_lsp.stats.learning import PastAcceptance


def learn_from(events: EventRing, recorder: Recorder) -> AcceptanceRates:
    """The rates by language. What earlier sessions have counted is read when the first suggestion is shown.

    ``fim-lsp stats --reset`` has all of it forgotten.
    """

    def learn(past: Mapping[str, PastAcceptance]) -> None:
        rates.start_with({it: Taking(offered=had.offered, taken=had.accepted) for it, had in past.items()})

    rates = AcceptanceRates(lambda: recorder.load_acceptance(learn))
    recorder.on_reset = rates.forget
    events.subscribe(SuggestionShown, rates.on_shown)
    events.subscribe(SuggestionAccepted, rates.on_accepted)
    return rates
