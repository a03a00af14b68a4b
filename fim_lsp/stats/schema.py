"""The tables of ``stats.sqlite3``, and how an older file becomes a newer one."""

from __future__ import annotations

from dataclasses import fields
from typing import Final

from fim_lsp.stats.counts import CallCounts, SuggestionCounts

APPLICATION_ID: Final = 0x66696D31
"""Marks the file as ours: a database of another program is left alone."""

SUGGESTION_COLUMNS: Final = tuple(column.name for column in fields(SuggestionCounts))
CALL_COLUMNS: Final = tuple(column.name for column in fields(CallCounts))


def _sums(columns: tuple[str, ...]) -> str:
    return ", ".join(f"{column} INTEGER NOT NULL DEFAULT 0" for column in columns)


# Days are numbers like 20261126, the first of a month for what has been rolled up; times are seconds since the epoch.
# A file's id is a hash of its folder and path (batch_writer.file_id), which saves an index as large as the table.
_VERSION_1: Final = f"""
CREATE TABLE meta (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE sources (id INTEGER PRIMARY KEY, backend TEXT, model TEXT, host TEXT, local INTEGER,
    UNIQUE (backend, model, host));
CREATE TABLE suggestions (day INTEGER, language TEXT, source INTEGER, {_sums(SUGGESTION_COLUMNS)},
    PRIMARY KEY (day, language, source)) WITHOUT ROWID;
CREATE TABLE calls (day INTEGER, language TEXT, source INTEGER, {_sums(CALL_COLUMNS)},
    PRIMARY KEY (day, language, source)) WITHOUT ROWID;
CREATE TABLE durations (day INTEGER, source INTEGER, kind INTEGER, histogram BLOB,
    PRIMARY KEY (day, source, kind)) WITHOUT ROWID;
CREATE TABLE hosts (id INTEGER PRIMARY KEY, host TEXT, local INTEGER, UNIQUE (host, local));
CREATE TABLE folders (id INTEGER PRIMARY KEY, folder TEXT UNIQUE);
CREATE TABLE files (id INTEGER PRIMARY KEY, folder INTEGER, path TEXT);
CREATE TABLE egress (day INTEGER, host INTEGER, file INTEGER, first INTEGER, last INTEGER,
    calls INTEGER, size INTEGER, masked INTEGER, PRIMARY KEY (day, host, file)) WITHOUT ROWID;
CREATE TABLE servers (id TEXT PRIMARY KEY, pid INTEGER, started REAL, seen REAL, data TEXT) WITHOUT ROWID;
CREATE TABLE recent (id INTEGER PRIMARY KEY, server TEXT, kind TEXT, count INTEGER, data TEXT);
"""

MIGRATIONS: Final[tuple[str, ...]] = (_VERSION_1,)
"""Entry N turns version N into version N + 1; an empty file has version 0."""


def upsert(table: str, key: tuple[str, ...], columns: tuple[str, ...]) -> str:
    """A statement that adds to the row with this key, or inserts it."""
    names = ", ".join((*key, *columns))
    marks = ", ".join("?" * (len(key) + len(columns)))
    sums = ", ".join(f"{column} = {column} + excluded.{column}" for column in columns)
    return f"INSERT INTO {table} ({names}) VALUES ({marks}) ON CONFLICT ({', '.join(key)}) DO UPDATE SET {sums}"  # noqa: S608 - names of ours


ADD_SUGGESTIONS: Final = upsert("suggestions", ("day", "language", "source"), SUGGESTION_COLUMNS)
ADD_CALLS: Final = upsert("calls", ("day", "language", "source"), CALL_COLUMNS)
ADD_EGRESS: Final = """INSERT INTO egress VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (day, host, file) DO UPDATE SET
    first = MIN(first, excluded.first), last = MAX(last, excluded.last), calls = calls + excluded.calls,
    size = size + excluded.size, masked = masked + excluded.masked"""
