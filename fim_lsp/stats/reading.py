"""Reads counts back from the file."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from fim_lsp.stats.counts import CallCounts, Egress, Source, SuggestionCounts
from fim_lsp.stats.histogram import Histogram, decode
from fim_lsp.stats.retention import date_of

if TYPE_CHECKING:
    from fim_lsp.stats.store import StatsStore

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row(Generic[_T]):
    """Counts of one day (20261126; the first of a month for a whole month long ago), language and source."""

    day: int
    language: str
    source: Source
    counts: _T


@dataclass(frozen=True, slots=True, kw_only=True)
class Durations:
    """How long something took, on one day at one source; ``kind`` is one of :class:`~fim_lsp.stats.counts.Latency`."""

    day: int
    source: Source
    kind: int
    histogram: Histogram


@dataclass(frozen=True, slots=True, kw_only=True)
class SentText:
    """Text of a file that a host got on one day. ``path`` is relative to ``folder``; both are ``""`` if it has no name."""

    day: int
    host: str
    local: bool
    folder: str
    path: str
    egress: Egress


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """All that was counted from one day on."""

    suggestions: tuple[Row[SuggestionCounts], ...] = ()
    calls: tuple[Row[CallCounts], ...] = ()
    durations: tuple[Durations, ...] = ()
    sent: tuple[SentText, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.suggestions or self.calls)


def read_counts(store: StatsStore, since: int) -> Counts:
    """What was counted from a day on; nothing without a file. Raises :class:`~fim_lsp.errors.StatsUnavailable`."""
    with store.reading() as db:
        if db is None:
            return Counts()
        db.execute("BEGIN")  # one state of the file
        sources = _sources(db)
        return Counts(
            suggestions=tuple(_rows(db, "suggestions", SuggestionCounts, sources, since)),
            calls=tuple(_rows(db, "calls", CallCounts, sources, since)),
            durations=tuple(
                Durations(day=day, source=sources[source], kind=kind, histogram=decode(data))
                for day, source, kind, data in _select(db, "dnnb", "SELECT * FROM durations WHERE day >= ?", since)
            ),
            sent=tuple(_sent(db, since)),
        )


def _sources(db: sqlite3.Connection) -> Mapping[int, Source]:
    """By id. One whose model was not known yet when it was counted becomes the newest one of that back end."""
    rows = _select(db, "nsssn", "SELECT id, backend, model, host, local FROM sources WHERE id >= ? ORDER BY id", 0)
    sources = {
        number: Source(backend=backend, model=model, host=host, local=bool(local))
        for number, backend, model, host, local in rows
    }
    known = {source.backend: source for source in sources.values() if source.host}
    return {number: source if source.host else known.get(source.backend, source) for number, source in sources.items()}


def _rows(
    db: sqlite3.Connection, table: str, kind: type[_T], sources: Mapping[int, Source], since: int
) -> Iterator[Row[_T]]:
    names = [column.name for column in fields(kind)]  # type: ignore[arg-type]  # one of two dataclasses
    query = f"SELECT day, language, source, {', '.join(names)} FROM {table} WHERE day >= ?"  # noqa: S608 - names of ours
    for day, language, source, *numbers in _select(db, f"dsn{'n' * len(names)}", query, since):
        yield Row(
            day=day, language=language, source=sources[source], counts=kind(**dict(zip(names, numbers, strict=True)))
        )


def _sent(db: sqlite3.Connection, since: int) -> Iterator[SentText]:
    query = """SELECT day, hosts.host, hosts.local, folders.folder, path, first, last, calls, size, masked FROM egress
        JOIN hosts ON egress.host = hosts.id JOIN files ON file = files.id JOIN folders ON files.folder = folders.id
        WHERE day >= ? ORDER BY day DESC, size DESC"""
    for day, host, local, folder, path, first, last, calls, size, masked in _select(db, "dsnssttnnn", query, since):
        egress = Egress(first=first, last=last, calls=calls, size=size, masked=masked)
        yield SentText(day=day, host=host, local=bool(local), folder=folder, path=path, egress=egress)


def _is_day(value: Any) -> bool:
    return isinstance(value, int) and date_of(value) is not None  # which raises ValueError or OverflowError


_LAST_SECOND: Final = 253_402_300_799  # of the year 9999
_IS_VALID: Final[Mapping[str, Callable[[Any], bool]]] = MappingProxyType(
    {
        "d": _is_day,
        "t": lambda value: isinstance(value, int) and 0 <= value <= _LAST_SECOND,
        "n": lambda value: isinstance(value, int) and value >= 0,
        "s": lambda value: isinstance(value, str),
        "b": lambda value: isinstance(value, bytes),
    }
)
"""Days, times, numbers, strings and bytes."""


def _select(db: sqlite3.Connection, kinds: str, query: str, since: int) -> Iterator[tuple[Any, ...]]:
    """Rows with columns of these ``kinds``. Raises ValueError for others: SQLite stores anything in any column."""
    for row in db.execute(query, (since,)):
        if not all(_IS_VALID[kind](value) for kind, value in zip(kinds, row, strict=True)):
            raise ValueError(query)
        yield row
