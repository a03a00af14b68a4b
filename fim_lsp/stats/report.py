"""What ``fim-lsp stats`` says, as values and as JSON.

The JSON is an object. Its keys stay; more may be added:

* ``version`` (1), ``generated`` (seconds since the epoch), ``since`` and ``until`` (dates), ``days`` (their number)
* ``periods``: objects with ``name`` (``"today"``, ``"7 days"``, …), ``since`` and a *summary*
* ``by_day`` (``day``, ``month``: whether it stands for the whole month, long ago), ``by_language`` (``language``),
  ``by_backend`` (``backend``, ``model``, ``host``, ``local``, ``price``): objects with these keys and a summary of their own
* ``egress``: for each host ``host``, ``local``, ``sent_bytes``, ``http_requests``, ``calls``, ``masked`` and ``files``, whose
  entries have ``day`` (the first of a month after two months), ``folder``, ``path``, ``first`` and ``last`` (seconds since
  the epoch), ``calls``, ``bytes`` and ``masked``; ``sent_bytes`` are HTTP bodies, ``bytes`` the text of that file in them
* ``max_latency_error``: how far a percentile can be off, as a share of it

A summary has ``suggestions`` (the fields of :class:`~fim_lsp.stats.counts.SuggestionCounts`), ``calls`` (those of
:class:`~fim_lsp.stats.counts.CallCounts`), ``rates`` (``accepted``, ``kept``, ``cached``, ``reused``,
``calls_per_accepted_character``, ``tokens_per_accepted_character``; null without a denominator), ``latency`` (``answer``,
``first_text`` and ``call``, each null or ``p50``, ``p90`` and ``p99`` in seconds) and ``cost`` (``dollars``, ``estimated``,
``unpriced_tokens``).
"""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, TypeVar

from fim_lsp.stats.counts import CallCounts, Latency, Source, SuggestionCounts, total
from fim_lsp.stats.histogram import MAX_ERROR, merged, percentile
from fim_lsp.stats.prices import Cost, Price, cost_of, price_of
from fim_lsp.stats.reading import Counts, Durations, Row, SentText
from fim_lsp.stats.retention import date_of, is_month, number_of

VERSION: Final = 1
Prices = Mapping[str, Sequence[float]]

_K = TypeVar("_K", bound=Hashable)


@dataclass(frozen=True, slots=True, kw_only=True)
class Percentiles:
    """Durations in seconds."""

    p50: float
    p90: float
    p99: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The sums of some of the counts, and what follows from them. A rate without a denominator is None."""

    suggestions: SuggestionCounts
    calls: CallCounts
    cost: Cost
    answer: Percentiles | None
    first_text: Percentiles | None
    call: Percentiles | None

    @property
    def acceptance(self) -> float | None:
        """The share of the suggestions that was taken at least in part."""
        return _ratio(self.suggestions.accepted, self.suggestions.shown)

    @property
    def kept(self) -> float | None:
        """The share of the accepted characters that was still there after half a minute."""
        return _ratio(self.suggestions.kept_characters, self.suggestions.checked_characters)

    @property
    def cached(self) -> float | None:
        """The share of the answers with a suggestion that came from the cache."""
        return _ratio(self.suggestions.cached, self._answered)

    @property
    def reused(self) -> float | None:
        """The share of the answers with a suggestion that came from a call already in flight."""
        return _ratio(self.suggestions.reused, self._answered)

    @property
    def calls_per_character(self) -> float | None:
        """Calls for each accepted character."""
        return _ratio(self.calls.calls, self.suggestions.accepted_characters)

    @property
    def tokens(self) -> int:
        """All tokens, counted or estimated."""
        return self.calls.tokens

    @property
    def tokens_per_character(self) -> float | None:
        """Tokens for each accepted character."""
        return _ratio(self.tokens, self.suggestions.accepted_characters)

    @property
    def _answered(self) -> int:
        counts = self.suggestions
        return counts.called + counts.reused + counts.fallback + counts.cached


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """The last days, and their summary."""

    name: str
    since: datetime.date
    summary: Summary


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """What one host got. ``size`` counts HTTP bodies."""

    host: str
    local: bool
    size: int
    http_requests: int
    calls: int
    masked: int
    files: tuple[SentText, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Everything that is shown. Languages, back ends and hosts begin with those that were used most."""

    generated: float
    since: datetime.date
    until: datetime.date
    periods: tuple[Period, ...]
    days: tuple[tuple[int, Summary], ...]
    languages: tuple[tuple[str, Summary], ...]
    backends: tuple[tuple[Source, Price | None, Summary], ...]
    hosts: tuple[Host, ...]

    def to_json(self) -> dict[str, Any]:
        """The object that is described above."""
        return {
            "version": VERSION,
            "generated": self.generated,
            "since": self.since.isoformat(),
            "until": self.until.isoformat(),
            "days": (self.until - self.since).days + 1,
            "max_latency_error": round(MAX_ERROR, 4),
            "periods": [
                {"name": one.name, "since": one.since.isoformat(), **_summary(one.summary)} for one in self.periods
            ],
            "by_day": [
                {"day": date_of(day).isoformat(), "month": is_month(day, self.until), **_summary(one)}
                for day, one in self.days
            ],
            "by_language": [{"language": language, **_summary(one)} for language, one in self.languages],
            "by_backend": [
                {**asdict(source), "price": asdict(price) if price else None, **_summary(one)}
                for source, price, one in self.backends
            ],
            "egress": [_host(one) for one in self.hosts],
        }


def make_report(counts: Counts, *, since: datetime.date, today: datetime.date, prices: Prices) -> Report:
    """The report of the days from ``since`` on. ``prices`` are the user's own."""
    maker = _Maker(prices)
    names = {0: "today", 6: "7 days", (today - since).days: f"{(today - since).days + 1} days"}
    starts = {days: today - datetime.timedelta(days=days) for days in sorted(names) if days <= (today - since).days}
    languages = maker.grouped(counts, by_row=lambda row: row.language, by_source=None)
    backends = maker.grouped(counts, by_row=lambda row: row.source, by_source=lambda row: row.source)
    return Report(
        generated=time.time(),
        since=since,
        until=today,
        periods=tuple(
            Period(name="today" if days == 0 else names[days], since=start, summary=maker.since(counts, start))
            for days, start in starts.items()
        ),
        days=tuple(sorted(maker.grouped(counts, by_row=lambda row: row.day, by_source=lambda row: row.day).items())),
        languages=tuple(sorted(languages.items(), key=lambda item: _use(item[1]), reverse=True)),
        backends=tuple(
            (source, None if source.local else price_of(source.model, prices), one)
            for source, one in sorted(backends.items(), key=lambda item: _use(item[1]), reverse=True)
        ),
        hosts=_hosts(counts),
    )


class _Maker:
    """Sums counts up."""

    def __init__(self, prices: Prices) -> None:
        self._prices = prices

    def since(self, counts: Counts, start: datetime.date) -> Summary:
        day = number_of(start)
        return self._summary(
            [row for row in counts.suggestions if row.day >= day],
            [row for row in counts.calls if row.day >= day],
            [row for row in counts.durations if row.day >= day],
        )

    def grouped(
        self, counts: Counts, *, by_row: Callable[[Row[Any]], _K], by_source: Callable[[Durations], _K] | None
    ) -> dict[_K, Summary]:
        """Summaries by a key of the rows; durations, which have no language, only if they have such a key."""
        suggestions, calls = _grouped(counts.suggestions, by_row), _grouped(counts.calls, by_row)
        durations = _grouped(counts.durations, by_source) if by_source else {}
        return {
            key: self._summary(suggestions.get(key, []), calls.get(key, []), durations.get(key, []))
            for key in {**suggestions, **calls}
        }

    def _summary(
        self,
        suggestions: Sequence[Row[SuggestionCounts]],
        calls: Sequence[Row[CallCounts]],
        durations: Sequence[Durations],
    ) -> Summary:
        answer, first_text, call = (
            _percentiles(row for row in durations if row.kind == kind)
            for kind in (Latency.ANSWER, Latency.FIRST_TEXT, Latency.CALL)
        )
        return Summary(
            suggestions=total(SuggestionCounts, (row.counts for row in suggestions)),
            calls=total(CallCounts, (row.counts for row in calls)),
            cost=sum((cost_of(row.source, row.counts, self._prices) for row in calls), Cost()),
            answer=answer,
            first_text=first_text,
            call=call,
        )


_R = TypeVar("_R")


def _grouped(rows: Iterable[_R], key: Callable[[_R], _K]) -> dict[_K, list[_R]]:
    groups: dict[_K, list[_R]] = {}
    for row in rows:
        groups.setdefault(key(row), []).append(row)
    return groups


def _hosts(counts: Counts) -> tuple[Host, ...]:
    """The hosts outside this machine first, each group by bytes."""
    calls = _grouped(counts.calls, lambda row: (row.source.host, row.source.local))
    files = _grouped(counts.sent, lambda row: (row.host, row.local))
    hosts = []
    for (host, local), rows in calls.items():
        sums = total(CallCounts, (row.counts for row in rows))
        hosts.append(
            Host(
                host=host,
                local=local,
                size=sums.sent_bytes,
                http_requests=sums.http_requests,
                calls=sums.calls,
                masked=sums.masked,
                files=tuple(files.get((host, local), ())),
            )
        )
    return tuple(sorted(hosts, key=lambda one: (one.local, -one.size, one.host)))


def _use(summary: Summary) -> tuple[int, int]:
    return summary.suggestions.shown, summary.suggestions.requests + summary.calls.calls


def _ratio(part: float, whole: float) -> float | None:
    return part / whole if whole else None


def _percentiles(rows: Iterable[Durations]) -> Percentiles | None:
    histogram = merged(row.histogram for row in rows)
    found = [percentile(histogram, share) for share in (0.5, 0.9, 0.99)]
    if found[0] is None or found[1] is None or found[2] is None:
        return None
    return Percentiles(p50=found[0], p90=found[1], p99=found[2])


def _summary(summary: Summary) -> dict[str, Any]:
    latencies = {"answer": summary.answer, "first_text": summary.first_text, "call": summary.call}
    return {
        "suggestions": asdict(summary.suggestions),
        "calls": asdict(summary.calls),
        "rates": {
            "accepted": summary.acceptance,
            "kept": summary.kept,
            "cached": summary.cached,
            "reused": summary.reused,
            "calls_per_accepted_character": summary.calls_per_character,
            "tokens_per_accepted_character": summary.tokens_per_character,
        },
        "latency": {name: asdict(one) if one else None for name, one in latencies.items()},
        "cost": asdict(summary.cost),
    }


def _host(host: Host) -> dict[str, Any]:
    files = [
        {
            "day": date_of(row.day).isoformat(),
            "folder": row.folder,
            "path": row.path,
            "first": row.egress.first,
            "last": row.egress.last,
            "calls": row.egress.calls,
            "bytes": row.egress.size,
            "masked": row.egress.masked,
        }
        for row in host.files
    ]
    return {
        "host": host.host,
        "local": host.local,
        "sent_bytes": host.size,
        "http_requests": host.http_requests,
        "calls": host.calls,
        "masked": host.masked,
        "files": files,
    }
