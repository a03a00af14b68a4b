"""How suggestions of the last weeks fared, by language, for the scheduler to start with."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from fim_lsp.stats.retention import date_of, number_of

if TYPE_CHECKING:
    from fim_lsp.stats.store import StatsStore

HALF_LIFE: Final = 14.0
"""Days after which a suggestion counts half."""

_DAYS = 90


@dataclass(frozen=True, slots=True, kw_only=True)
class PastAcceptance:
    """Suggestions of one language, weighted by age: how many were shown, and how many of them were taken at least in part.

    Those that were typed in full by hand don't count: they were right, though not taken.
    """

    offered: float
    accepted: float


def read_acceptance(store: StatsStore, *, today: datetime.date | None = None) -> Mapping[str, PastAcceptance]:
    """Past acceptance by language; empty without a file. Raises :class:`~fim_lsp.errors.StatsUnavailable`."""
    date = today or datetime.date.today()
    since = number_of(date - datetime.timedelta(days=_DAYS))
    sums: dict[str, tuple[float, float]] = {}
    with store.reading() as db:
        if db is None:
            return {}
        query = "SELECT day, language, SUM(shown - typed), SUM(accepted) FROM suggestions WHERE day >= ? GROUP BY day, language"
        for day, language, shown, accepted in db.execute(query, (since,)):
            weight = 0.5 ** (max(0, (date - date_of(day)).days) / HALF_LIFE)
            offered, taken = sums.get(language, (0.0, 0.0))
            sums[language] = offered + weight * shown, taken + weight * accepted
    return {
        language: PastAcceptance(offered=offered, accepted=accepted)
        for language, (offered, accepted) in sums.items()
        if offered
    }
