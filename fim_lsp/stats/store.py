"""``stats.sqlite3`` in the user's state folder: counts that the processes of a user add to, a batch at a time.

A batch is one transaction of about a millisecond. The module is imported by the first batch, in the recorder's thread: SQLite
is no part of the start.
"""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from fim_lsp.errors import StatsUnavailable
from fim_lsp.stats.batch_writer import BatchWriter
from fim_lsp.stats.counts import Batch
from fim_lsp.stats.retention import clean_up, shrink
from fim_lsp.stats.schema import APPLICATION_ID, MIGRATIONS
from fim_lsp.stats.servers import ServerInfo
from fim_lsp.workspace.private_file import create_private

log = logging.getLogger(__name__)

_BUSY_TIMEOUT = 1.0  # seconds to wait for another process, which takes milliseconds
_PRAGMAS: Final = (
    "PRAGMA synchronous=NORMAL",  # survives a power failure; the latest batch may not
    "PRAGMA wal_autocheckpoint=100",  # pages: the log stays below half a megabyte
    "PRAGMA journal_size_limit=400000",
)
_DAMAGED: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_TABLES: Final = ("suggestions", "calls", "durations", "egress", "files", "folders", "hosts", "sources", "recent")


class _SetAside(StatsUnavailable):
    """The file was damaged, and has been renamed."""


class StatsStore:
    """``path`` is created with mode 0600. A damaged file is renamed to ``<path>.damaged``.

    With ``keep_open``, the connection stays open until :meth:`close`, and all methods must be called in one thread.

    A database of another program, or of a newer fim-lsp, is left alone. All methods raise
    :class:`~fim_lsp.errors.StatsUnavailable` if the file can't be used; nothing has been written then.
    """

    def __init__(
        self,
        path: Path,
        *,
        keep_open: bool = False,
        busy_timeout: float = _BUSY_TIMEOUT,
        migrations: tuple[str, ...] = MIGRATIONS,
    ) -> None:
        self.path = path
        self._keep_open = keep_open
        self._kept: tuple[sqlite3.Connection, tuple[int, int]] | None = None  # and what identifies the file
        self._busy_timeout = busy_timeout
        self._migrations = migrations
        self.generation = ""
        """Another one after each :meth:`reset`, by whatever process, as :meth:`add` or :meth:`reading` found it last."""

    def add(self, batch: Batch, server: ServerInfo | None = None, *, today: int | None = None) -> None:
        """Add a batch, and what is known about the server that it comes from. Also removes what is too old, once a day."""
        with self._connected(create=True) as db:
            with _transaction(db):
                BatchWriter(db, batch).write(server)
                clean_up(db, today)
                self._read_generation(db)
            with contextlib.suppress(sqlite3.Error):  # the batch has been written, and must not be written again
                shrink(db)

    def remove_server(self, server: str) -> None:
        """A server has ended."""
        with self._connected(create=True) as db:
            db.execute("DELETE FROM servers WHERE id = ?", (server,))

    def reset(self) -> None:
        """Forget everything: counts, durations, egress, and the latest requests. Servers that run go on counting."""
        self._damaged.unlink(missing_ok=True)
        if self.path.exists():
            with contextlib.suppress(_SetAside):  # what was damaged is forgotten too
                self._empty()
        self._damaged.unlink(missing_ok=True)

    def _empty(self) -> None:
        with self._connected(create=True) as db:
            with _transaction(db):
                for table in _TABLES:
                    db.execute(f"DELETE FROM {table}")  # noqa: S608 - names of ours
                db.execute("INSERT OR REPLACE INTO meta VALUES ('generation', ?)", (secrets.token_hex(8),))
            db.execute("VACUUM")
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()  # otherwise the file keeps it while a server runs

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection | None]:
        """A connection to read from, with the tables of this version; None if there is no file."""
        if not self.path.exists():
            yield None
            return
        with self._connected(create=False) as db:
            self._read_generation(db)
            yield db

    def _read_generation(self, db: sqlite3.Connection) -> None:
        row = db.execute("SELECT value FROM meta WHERE name = 'generation'").fetchone()
        self.generation = str(row[0]) if row else ""

    @contextmanager
    def _connected(self, *, create: bool) -> Iterator[sqlite3.Connection]:
        """A connection, with the file's tables brought up to this version."""
        try:
            db = self._current() or self._open(create=create)
            try:
                yield db
            finally:
                self._release(db)
        except (sqlite3.Error, OSError) as error:
            self.close()
            if not _is_damage(error):
                raise StatsUnavailable(f"{self.path} can't be used: {_cause(error, self.path)}") from error
            damaged = f"{self.path} is damaged; fim-lsp stats --reset starts again from zero"
            if create:  # found later than at its opening: the next batch starts afresh
                with contextlib.suppress(OSError):
                    self._set_aside()
                    raise _SetAside(damaged) from error
            raise StatsUnavailable(damaged) from error
        except (LookupError, OverflowError, ValueError, TypeError) as error:
            if not create:  # not what was written
                raise StatsUnavailable(
                    f"{self.path} is damaged ({type(error).__name__}); fim-lsp stats --reset starts again from zero"
                ) from error
            raise StatsUnavailable(f"{self.path} can't be used: {type(error).__name__}") from error

    def _current(self) -> sqlite3.Connection | None:
        """The connection that was kept, unless another process has replaced, removed or migrated the file."""
        if self._kept is None:
            return None
        db, file = self._kept
        try:
            if _identity(self.path) == file and self._version(db) == len(self._migrations):
                return db
        except OSError:
            pass
        self.close()
        return None

    def _release(self, db: sqlite3.Connection) -> None:
        """Keep a connection for the next batch, which saves half of its cost, or close it."""
        if db.in_transaction:  # that of somebody who has read
            db.execute("ROLLBACK")
        if not self._keep_open:
            db.close()
        elif self._kept is None:
            self._kept = db, _identity(self.path)

    def close(self) -> None:
        """Close the connection that was kept."""
        kept, self._kept = self._kept, None
        if kept is not None:
            kept[0].close()

    def _open(self, *, create: bool) -> sqlite3.Connection:
        try:
            return self._connect(create=create)
        except sqlite3.DatabaseError as error:
            if not create or not _is_damage(error):
                raise
            self._set_aside()
            return self._connect(create=create)

    def _connect(self, *, create: bool) -> sqlite3.Connection:
        if create:
            create_private(self.path)  # SQLite would apply the umask to its mode; its log and index inherit the mode
        db = sqlite3.connect(self.path, timeout=self._busy_timeout, isolation_level=None)
        try:
            for pragma in _PRAGMAS:
                db.execute(pragma)
            self._prepare(db)
        except BaseException:
            db.close()
            raise
        return db

    def _prepare(self, db: sqlite3.Connection) -> None:
        if self._version(db) == len(self._migrations):
            return
        db.execute("PRAGMA auto_vacuum=INCREMENTAL")  # has an effect on an empty file only
        db.execute("PRAGMA journal_mode=WAL")
        with _transaction(db):
            for step in self._migrations[self._version(db) :]:  # another process may have been faster
                for statement in filter(str.strip, step.split(";")):
                    db.execute(statement)
            db.execute(f"PRAGMA application_id={APPLICATION_ID}")
            db.execute(f"PRAGMA user_version={len(self._migrations)}")

    def _version(self, db: sqlite3.Connection) -> int:
        """The version of the tables, 0 for an empty file. Raises if they are not ours, or newer."""
        application, version = (
            db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")
        )
        if application != APPLICATION_ID:
            if application or version or db.execute("SELECT COUNT(*) FROM sqlite_schema").fetchone()[0]:
                raise StatsUnavailable(
                    f"{self.path} is the database of another program; move it away to count again", permanent=True
                )
            return 0
        if version > len(self._migrations):
            raise StatsUnavailable(
                f"{self.path} was written by a newer fim-lsp; update this one to count again", permanent=True
            )
        return int(version)

    @property
    def _damaged(self) -> Path:
        return Path(f"{self.path}.damaged")

    def _set_aside(self) -> None:
        os.replace(self.path, self._damaged)
        log.warning("%s was damaged and is now %s; counting starts again from zero", self.path, self._damaged.name)
        for suffix in ("-wal", "-shm"):
            Path(f"{self.path}{suffix}").unlink(missing_ok=True)


@contextmanager
def _transaction(db: sqlite3.Connection) -> Iterator[None]:
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    finally:
        if db.in_transaction:
            db.execute("ROLLBACK")


def _identity(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_dev, status.st_ino


def _cause(error: Exception, path: Path) -> str:
    """Why the file can't be used, and what to do about it where that is known."""
    if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_BUSY:
        return "another program keeps it locked; try again when that has ended"
    if path.exists() and not path.is_file():
        return "it is not a regular file; move it away"
    if isinstance(error, OSError):
        place = f"{error.filename}: " if error.filename and error.filename != str(path) else ""
        return f"{place}{error.strerror or error}"
    return str(error)


def _is_damage(error: Exception) -> bool:
    return getattr(error, "sqlite_errorcode", None) in _DAMAGED
