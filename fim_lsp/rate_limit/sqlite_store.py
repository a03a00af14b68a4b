"""The ledger of one machine: a small SQLite file that all processes of a user share.

Not synced to disk: it is worth a minute, and a reboot may lose it. Every operation runs in one thread of its own, so
that a file system that hangs (a home directory over the network) holds up nobody else.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, TypeVar

from fim_lsp.rate_limit.sliding_window import HOLD, Clock, Entry, Limits, standing, wait
from fim_lsp.rate_limit.store import StoreLost, Verdict

_T = TypeVar("_T")

_TOKENS_MOST: Final = 10**12  # of one entry: SQLite's integers, and their sums, end at 9 * 10**18
_BUSY = 0.02  # seconds to wait for another process's transaction, which takes a tenth of a millisecond
_PRAGMAS: Final = (
    "PRAGMA journal_mode=WAL",  # with four processes at once, p99 is half of a rollback journal's
    "PRAGMA synchronous=OFF",
    "PRAGMA wal_autocheckpoint=400",  # pages: the log stays below two megabytes; at 100, the p99 is a checkpoint's 4 ms
    "PRAGMA journal_size_limit=400000",
)
# The version is in the table's name: an older or newer fim-lsp on the same file counts for itself.
_TABLE: Final = """CREATE TABLE IF NOT EXISTS entries_1 (
    identity TEXT, name TEXT, until REAL, tokens INTEGER, requests INTEGER, PRIMARY KEY (identity, name)
) WITHOUT ROWID"""
_SUMS: Final = """SELECT CASE WHEN name LIKE '~%' THEN name ELSE '' END AS kind, MAX(until), SUM(tokens), SUM(requests)
    FROM entries_1 WHERE identity = :identity GROUP BY kind, CAST(until - :now AS INTEGER)"""
_DAMAGED: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


class SqliteStore:
    """``path`` is a file of our own, made with mode 0600; a damaged one is put aside as ``<path>.damaged``.

    ``clock`` is the wall's, in seconds, which all processes share. When it is set back, what lies too far ahead is taken
    to be made now; when it is set forward, a minute is forgotten, and the server's own headers and 429s must do.
    """

    patience = 0.05

    def __init__(self, path: Path, clock: Clock = time.time, *, busy: float = _BUSY) -> None:
        self.where = f"the shared count in {path}"
        self._path = path
        self._clock = clock
        self._busy = busy
        self._db: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="limits")

    async def open(self) -> None:
        """Make the file if there is none, and open it."""
        await self._run(self._open)

    async def reserve(self, identity: str, entry: Entry, ceiling: Limits) -> Verdict:
        """One transaction: forget what is old, look, write."""
        return await self._run(lambda: self._reserve(identity, entry, ceiling))

    async def put(self, identity: str, entries: Sequence[Entry]) -> None:
        """Write or remove entries in one transaction."""
        await self._run(lambda: self._put(identity, entries))

    async def close(self) -> None:
        """Close the file after what is under way."""
        with suppress(RuntimeError):  # closed before
            self._thread.submit(self._close)
        self._thread.shutdown(wait=False)

    async def _run(self, work: Callable[[], _T]) -> _T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        except (sqlite3.Error, OSError) as error:
            raise StoreLost(f"{self.where} can't be used ({error})") from error
        except (OverflowError, ValueError, TypeError) as error:  # a value that SQLite can't hold
            raise StoreLost(f"{self.where} can't be used ({type(error).__name__})") from error

    def _open(self) -> None:
        self._close()
        try:
            self._connect()
        except sqlite3.DatabaseError as error:
            if getattr(error, "sqlite_errorcode", None) not in _DAMAGED:
                raise
            self._put_aside()
            self._connect()

    def _connect(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        # made here and not by SQLite, whose mode follows the umask; its log and index files take this file's
        os.close(os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600))
        db = sqlite3.connect(self._path, timeout=self._busy, isolation_level=None, check_same_thread=False)
        try:
            # the empty transaction shows that it can be written: a lock or a read-only file is noticed here
            for statement in (*_PRAGMAS, _TABLE, "BEGIN IMMEDIATE", "COMMIT"):
                db.execute(statement)
        except sqlite3.Error:
            db.close()
            raise
        self._db, self._file = db, self._found()

    def _put_aside(self) -> None:
        self._close()
        os.replace(self._path, f"{self._path}.damaged")
        for rest in ("-wal", "-shm"):
            Path(f"{self._path}{rest}").unlink(missing_ok=True)

    def _close(self) -> None:
        db, self._db, self._file = self._db, None, None
        if db is not None:
            db.close()

    def _found(self) -> tuple[int, int] | None:
        """Which file lies at the path now: another process may have put a damaged one aside, or a user deleted it."""
        try:
            status = self._path.stat()
        except FileNotFoundError:
            return None
        return status.st_dev, status.st_ino

    def _reserve(self, identity: str, entry: Entry, ceiling: Limits) -> Verdict:
        with self._transaction() as (db, now):
            db.execute("DELETE FROM entries_1 WHERE until <= ?", (now,))
            db.execute("UPDATE entries_1 SET until = ?1 WHERE until > ?1", (now + HOLD,))
            # it lies there already when the ledger has just laid in what this process counts
            db.execute("DELETE FROM entries_1 WHERE identity = ? AND name = ?", (identity, entry.name))
            entries = tuple(self._entries(db, identity, now))
            window = standing(entries)
            if wait(window, ceiling, entry.tokens) > 0:
                return Verdict(granted=False, window=window)
            self._write(db, identity, entry, now)
            return Verdict(granted=True, window=standing((*entries, entry)))

    def _put(self, identity: str, entries: Sequence[Entry]) -> None:
        with self._transaction() as (db, now):
            for entry in entries:
                self._write(db, identity, entry, now)

    @contextmanager
    def _transaction(self) -> Iterator[tuple[sqlite3.Connection, float]]:
        if self._db is None or self._found() != self._file:
            self._open()
        db = self._db
        if db is None:
            raise sqlite3.OperationalError("not open")
        db.execute("BEGIN IMMEDIATE")
        try:
            yield db, self._clock()  # read under the lock: nobody else writes with an older or newer time
            db.execute("COMMIT")
        finally:
            if db.in_transaction:
                db.execute("ROLLBACK")

    @staticmethod
    def _entries(db: sqlite3.Connection, identity: str, now: float) -> Iterator[Entry]:
        """Calls are summed by the second in which they leave, so that a busy team's minute is read as fast as a quiet one."""
        for name, until, tokens, requests in db.execute(_SUMS, {"identity": identity, "now": now}):
            yield Entry(name=name, tokens=tokens, requests=requests, lasts=until - now)

    @staticmethod
    def _write(db: sqlite3.Connection, identity: str, entry: Entry, now: float) -> None:
        if entry.lasts <= 0:
            db.execute("DELETE FROM entries_1 WHERE identity = ? AND name = ?", (identity, entry.name))
        else:
            tokens = max(-_TOKENS_MOST, min(_TOKENS_MOST, entry.tokens))
            row = identity, entry.name, now + entry.lasts, tokens, entry.requests
            db.execute("INSERT OR REPLACE INTO entries_1 VALUES (?, ?, ?, ?, ?)", row)
