"""A store for one machine: a small SQLite file that all processes of a user share.

It is not synced to disk, since it only covers a minute and may be lost in a reboot. Every operation runs in the store's own
thread, so that a hanging file system (a home directory on a network) blocks nothing else.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Final, TypeVar

from fim_lsp.rate_limit.sliding_window import (
    RESERVATION_SECONDS,
    Clock,
    Entry,
    Limits,
    seconds_until_free,
    usage_window,
)
from fim_lsp.rate_limit.store import StoreUnavailable, Verdict
from fim_lsp.workspace.private_file import create_private

_T = TypeVar("_T")

_MAX_TOKENS: Final = 10**12  # of one entry: SQLite's integers, and their sums, end at 9 * 10**18
_BUSY_TIMEOUT = 0.02  # seconds to wait for another process's transaction, which takes a tenth of a millisecond
_PRAGMAS: Final = (
    "PRAGMA journal_mode=WAL",  # with four processes, p99 is half of what it is with a rollback journal
    "PRAGMA synchronous=OFF",
    "PRAGMA wal_autocheckpoint=400",  # pages: the log stays below 2 MB; at 100, p99 would be the 4 ms of a checkpoint
    "PRAGMA journal_size_limit=400000",
)
# The table's name contains a version: an older or newer fim-lsp on the same file counts separately.
_TABLE: Final = """CREATE TABLE IF NOT EXISTS entries_1 (
    identity TEXT, name TEXT, until REAL, tokens INTEGER, requests INTEGER, PRIMARY KEY (identity, name)
) WITHOUT ROWID"""
# New versions of the table must keep the prefix. SQLite's own tables, such as those of ANALYZE, begin with "sqlite_".
_FOREIGN: Final = "SELECT 1 FROM sqlite_master WHERE tbl_name NOT GLOB 'entries_*' AND tbl_name NOT GLOB 'sqlite_*'"
_NOT_OURS: Final = "it belongs to another program"
_SUMS: Final = """SELECT CASE WHEN name LIKE '~%' THEN name ELSE '' END AS kind, MAX(until), SUM(tokens), SUM(requests)
    FROM entries_1 WHERE identity = :identity GROUP BY kind, CAST(until - :now AS INTEGER)"""
_DAMAGED: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


class SqliteStore:
    """``path`` is created with mode 0600. A damaged file is renamed to ``<path>.damaged``; a database with other tables or views
    is reported and left as it is.

    ``clock`` is the wall clock in seconds, which all processes share. If it is set back, entries too far in the future count
    as made now. If it is set forward, a minute is forgotten, and only the server's headers and 429s limit calls.
    """

    timeout = 0.05

    def __init__(self, path: Path, clock: Clock = time.time, *, busy_timeout: float = _BUSY_TIMEOUT) -> None:
        self.label = f"the shared count in {path}"
        self._path = path
        self._clock = clock
        self._busy_timeout = busy_timeout
        self._db: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="limits")

    async def open(self) -> None:
        """Open the file; create it if it is missing."""
        await self._run(self._open)

    async def reserve(self, identity: str, entry: Entry, ceiling: Limits) -> Verdict:
        """Remove expired entries, check, and write, in one transaction."""
        return await self._run(lambda: self._reserve(identity, entry, ceiling))

    async def put(self, identity: str, entries: Sequence[Entry]) -> None:
        """Write or remove entries in one transaction."""
        await self._run(lambda: self._put(identity, entries))

    async def look(self, identity: str) -> tuple[Entry, ...]:
        """All entries, in one transaction."""
        return await self._run(lambda: self._look(identity))

    async def close(self) -> None:
        """Close the file after the operation in progress."""
        with suppress(RuntimeError):  # already closed
            self._thread.submit(self._close)
        self._thread.shutdown(wait=False)

    async def _run(self, work: Callable[[], _T]) -> _T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        except (sqlite3.Error, OSError) as error:
            raise StoreUnavailable(f"{self.label} can't be used ({error})") from error
        except (OverflowError, ValueError, TypeError) as error:  # a value that SQLite can't hold
            raise StoreUnavailable(f"{self.label} can't be used ({type(error).__name__})") from error

    def _open(self) -> None:
        self._close()
        try:
            self._connect()
        except sqlite3.DatabaseError as error:
            if getattr(error, "sqlite_errorcode", None) not in _DAMAGED:
                raise
            self._set_aside()
            self._connect()

    def _connect(self) -> None:
        if self._is_foreign():
            raise sqlite3.OperationalError(_NOT_OURS)
        create_private(self._path)  # SQLite would apply the umask to its mode; its log and index inherit the mode
        db = sqlite3.connect(self._path, timeout=self._busy_timeout, isolation_level=None, check_same_thread=False)
        try:
            if db.execute(_FOREIGN).fetchone():  # with its log, which may contain newer tables
                raise sqlite3.OperationalError(_NOT_OURS)
            # The empty transaction fails here if the file is locked or read-only.
            for statement in (*_PRAGMAS, _TABLE, "BEGIN IMMEDIATE", "COMMIT"):
                db.execute(statement)
        except sqlite3.Error:
            db.close()
            raise
        self._db, self._file = db, self._file_id()

    def _is_foreign(self) -> bool:
        """Whether the file has tables that are not ours. It is opened so that SQLite changes neither it nor its log.

        No lock is taken, so a file that is being written may look damaged; opening it as usual decides.
        """
        if not self._path.is_file():
            return False
        address = f"{self._path.absolute().as_uri()}?mode=ro&immutable=1"
        try:
            with closing(sqlite3.connect(address, uri=True, check_same_thread=False)) as db:
                return db.execute(_FOREIGN).fetchone() is not None
        except sqlite3.DatabaseError:
            return False

    def _set_aside(self) -> None:
        self._close()
        os.replace(self._path, f"{self._path}.damaged")
        for suffix in ("-wal", "-shm"):
            Path(f"{self._path}{suffix}").unlink(missing_ok=True)

    def _close(self) -> None:
        db, self._db, self._file = self._db, None, None
        if db is not None:
            db.close()

    def _file_id(self) -> tuple[int, int] | None:
        """Identifies the file at the path: another process may have set a damaged one aside, or the user deleted it."""
        try:
            status = self._path.stat()
        except FileNotFoundError:
            return None
        return status.st_dev, status.st_ino

    def _reserve(self, identity: str, entry: Entry, ceiling: Limits) -> Verdict:
        with self._transaction() as (db, now):
            db.execute("DELETE FROM entries_1 WHERE until <= ?", (now,))
            db.execute("UPDATE entries_1 SET until = ?1 WHERE until > ?1", (now + RESERVATION_SECONDS,))
            # It already exists if this process has just restored its own count.
            db.execute("DELETE FROM entries_1 WHERE identity = ? AND name = ?", (identity, entry.name))
            entries = tuple(self._entries(db, identity, now))
            window = usage_window(entries)
            if seconds_until_free(window, ceiling, entry.tokens) > 0:
                return Verdict(granted=False, window=window)
            self._write(db, identity, entry, now)
            return Verdict(granted=True, window=usage_window((*entries, entry)))

    def _put(self, identity: str, entries: Sequence[Entry]) -> None:
        with self._transaction() as (db, now):
            for entry in entries:
                self._write(db, identity, entry, now)

    def _look(self, identity: str) -> tuple[Entry, ...]:
        with self._transaction() as (db, now):
            rows = db.execute("SELECT name, tokens, requests, until FROM entries_1 WHERE identity = ?", (identity,))
            return tuple(
                Entry(name=name, tokens=tokens, requests=requests, expires_in=min(until - now, RESERVATION_SECONDS))
                for name, tokens, requests, until in rows
                if until > now
            )

    @contextmanager
    def _transaction(self) -> Iterator[tuple[sqlite3.Connection, float]]:
        if self._db is None or self._file_id() != self._file:
            self._open()
        db = self._db
        if db is None:
            raise sqlite3.OperationalError("not open")
        db.execute("BEGIN IMMEDIATE")
        try:
            yield db, self._clock()  # read under the lock, so that times are in the order of the transactions
            db.execute("COMMIT")
        finally:
            if db.in_transaction:
                db.execute("ROLLBACK")

    @staticmethod
    def _entries(db: sqlite3.Connection, identity: str, now: float) -> Iterator[Entry]:
        """Calls are summed by the second in which they expire, so that a busy minute is read as fast as a quiet one."""
        for name, until, tokens, requests in db.execute(_SUMS, {"identity": identity, "now": now}):
            yield Entry(name=name, tokens=tokens, requests=requests, expires_in=until - now)

    @staticmethod
    def _write(db: sqlite3.Connection, identity: str, entry: Entry, now: float) -> None:
        if entry.expires_in <= 0:
            db.execute("DELETE FROM entries_1 WHERE identity = ? AND name = ?", (identity, entry.name))
        else:
            tokens = max(-_MAX_TOKENS, min(_MAX_TOKENS, entry.tokens))
            row = identity, entry.name, now + entry.expires_in, tokens, entry.requests
            db.execute("INSERT OR REPLACE INTO entries_1 VALUES (?, ?, ?, ?, ?)", row)
