"""Reads counts back from the file."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Generic, TypeVar

from fim_lsp.stats.counts import CallCounts, Egress, Source, SuggestionCounts
from fim_lsp.stats.histogram import Histogram, decode

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
                for day, source, kind, data in db.execute("SELECT * FROM durations WHERE day >= ?", (since,))
            ),
            sent=tuple(_sent(db, since)),
        )


def _sources(db: sqlite3.Connection) -> Mapping[int, Source]:
    """By id. One whose model was not known yet when it was counted becomes the newest one of that back end."""
    rows = db.execute("SELECT id, backend, model, host, local FROM sources ORDER BY id").fetchall()
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
    for day, language, source, *numbers in db.execute(query, (since,)):
        yield Row(
            day=day, language=language, source=sources[source], counts=kind(**dict(zip(names, numbers, strict=True)))
        )


def _sent(db: sqlite3.Connection, since: int) -> Iterator[SentText]:
    query = """SELECT day, hosts.host, hosts.local, folders.folder, path, first, last, calls, size, masked FROM egress
        JOIN hosts ON egress.host = hosts.id JOIN files ON file = files.id JOIN folders ON files.folder = folders.id
        WHERE day >= ? ORDER BY day DESC, size DESC"""
    for day, host, local, folder, path, first, last, calls, size, masked in db.execute(query, (since,)):
        egress = Egress(first=first, last=last, calls=calls, size=size, masked=masked)
        yield SentText(day=day, host=host, local=bool(local), folder=folder, path=path, egress=egress)
