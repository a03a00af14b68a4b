"""Writes the counts of one batch into the tables."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import time
from collections.abc import Sequence
from operator import attrgetter
from typing import Any, Final

from fim_lsp.stats.counts import MAX_RECENT, Batch, Source
from fim_lsp.stats.histogram import decode, encode, merged
from fim_lsp.stats.schema import ADD_CALLS, ADD_EGRESS, ADD_SUGGESTIONS, CALL_COLUMNS, SUGGESTION_COLUMNS
from fim_lsp.stats.servers import ServerInfo

_DROP_OLD: Final = """DELETE FROM recent WHERE kind = ? AND id < (SELECT MAX(id) FROM
    (SELECT id, SUM(count) OVER (ORDER BY id DESC) AS newer FROM recent WHERE kind = ?) WHERE newer >= ?)"""


class BatchWriter:
    """Writes one batch in the current transaction."""

    def __init__(self, db: sqlite3.Connection, batch: Batch) -> None:
        self._db = db
        self._batch = batch
        self._sources: dict[Source, int] = {}

    def write(self, server: ServerInfo | None) -> None:
        """Add all counts of the batch, and what is known about the server that they come from."""
        batch = self._batch
        for (day, language, name), counts in batch.suggestions.items():
            row = day, language, self._source_of(name), *(counts.get(column, 0) for column in SUGGESTION_COLUMNS)
            self._db.execute(ADD_SUGGESTIONS, row)
        for (day, language, source), counts in batch.calls.items():
            row = day, language, self._source(source), *(counts.get(column, 0) for column in CALL_COLUMNS)
            self._db.execute(ADD_CALLS, row)
        for (day, name, kind), histogram in batch.durations.items():
            self._add_durations((day, self._source_of(name), kind), histogram)
        self._add_egress()
        if server is not None:
            self._write_server(server)
            self._write_recent(server.id)

    def _source_of(self, name: str) -> int:
        """The id of a back end's current source."""
        return self._source(self._batch.sources.get(name) or Source(backend=name, local=True))

    def _source(self, source: Source) -> int:
        if source not in self._sources:
            key = source.backend, source.model, source.host
            found = "SELECT id FROM sources WHERE (backend, model, host) = (?, ?, ?)"
            self._db.execute(
                f"INSERT INTO sources (backend, model, host, local) SELECT ?, ?, ?, ? WHERE NOT EXISTS ({found})",
                (*key, source.local, *key),
            )
            self._sources[source] = self._db.execute(found, key).fetchone()[0]
        return self._sources[source]

    def _add_durations(self, key: tuple[int, int, int], histogram: dict[int, int]) -> None:
        query = "SELECT histogram FROM durations WHERE (day, source, kind) = (?, ?, ?)"
        before = [decode(row[0]) for row in self._db.execute(query, key)]
        data = encode(merged([*before, histogram]))
        self._db.execute("INSERT OR REPLACE INTO durations VALUES (?, ?, ?, ?)", (*key, data))

    def _add_egress(self) -> None:
        hosts = {(host, local) for _, host, local, _, _ in self._batch.egress}
        folders = {folder for _, _, _, folder, _ in self._batch.egress}
        host_ids = {key: self._id_of("hosts", ("host", "local"), key) for key in hosts}
        folder_ids = {folder: self._id_of("folders", ("folder",), (storable(folder),)) for folder in folders}
        for (day, host, local, folder, path), sent in self._batch.egress.items():
            file = file_id(folder, path)
            self._db.execute("INSERT OR IGNORE INTO files VALUES (?, ?, ?)", (file, folder_ids[folder], storable(path)))
            row = day, host_ids[host, local], file, int(sent.first), int(sent.last), sent.calls, sent.size, sent.masked
            self._db.execute(ADD_EGRESS, row)

    def _id_of(self, table: str, columns: tuple[str, ...], values: tuple[object, ...]) -> int:
        names, marks = ", ".join(columns), ", ".join("?" * len(columns))
        self._db.execute(f"INSERT OR IGNORE INTO {table} ({names}) VALUES ({marks})", values)  # noqa: S608 - names of ours
        query = f"SELECT id FROM {table} WHERE ({names}) = ({marks})"  # noqa: S608 - names of ours
        return int(self._db.execute(query, values).fetchone()[0])

    def _write_server(self, server: ServerInfo) -> None:
        row = server.id, server.pid, server.started, time.time(), server.to_json()
        self._db.execute("INSERT OR REPLACE INTO servers VALUES (?, ?, ?, ?, ?)", row)

    def _write_recent(self, server: str) -> None:
        for kind, events in (("request", self._batch.requests), ("call", self._batch.ended_calls)):
            if events:
                row = server, kind, len(events), _json(events)
                self._db.execute("INSERT INTO recent (server, kind, count, data) VALUES (?, ?, ?, ?)", row)
                self._db.execute(_DROP_OLD, (kind, kind, MAX_RECENT))


def file_id(folder: str, path: str) -> int:
    """48 bits: SQLite keeps them in six bytes, and among 20,000 files two are alike once in a million times."""
    digest = hashlib.blake2b(f"{folder}\0{path}".encode("utf-8", "surrogatepass"), digest_size=6).digest()
    return int.from_bytes(digest, "big")


def storable(name: str) -> str:
    """A file's name without what SQLite can't hold: bytes that are not UTF-8."""
    return name.encode("utf-8", "replace").decode()


def _json(events: Sequence[Any]) -> str:
    """Events of one kind: the names of their fields, and the values of each. There is one for each key."""
    names = tuple(events[0].__dataclass_fields__)
    values = list(map(attrgetter(*names), events))
    return json.dumps({"names": names, "values": values}, default=_fields, separators=(",", ":"))


def _fields(value: Any) -> dict[str, object]:
    return {name: getattr(value, name) for name in value.__dataclass_fields__}
