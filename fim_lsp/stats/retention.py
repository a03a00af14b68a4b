"""How long counts are kept, and how they become coarser: a heavy user's year stays under 5 MB.

| | by day | by month |
|---|---|---|
| which file went where | 60 days | half a year, then not at all |
| suggestions, calls, durations | 400 days | for ever |
"""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Final

from fim_lsp.stats.histogram import decode, encode, merged
from fim_lsp.stats.schema import CALL_COLUMNS, SUGGESTION_COLUMNS, upsert

if TYPE_CHECKING:
    import sqlite3

EGRESS_DAYS: Final = 60
EGRESS_MAX_DAYS: Final = 180
COUNT_DAYS: Final = 400
_FREE_PAGES = 64  # fewer are left for the next days

_SUMMED: Final = (
    ("suggestions", ("language", "source"), SUGGESTION_COLUMNS),
    ("calls", ("language", "source"), CALL_COLUMNS),
)


def clean_up(db: sqlite3.Connection, today: int | None = None) -> None:
    """Roll up and remove what is old, in the current transaction; nothing if that has been done for these months."""
    date = datetime.date.today() if today is None else date_of(today)
    counts, egress, oldest = (_month_before(date, days) for days in (COUNT_DAYS, EGRESS_DAYS, EGRESS_MAX_DAYS))
    months = f"{counts} {egress} {oldest}"
    if db.execute("SELECT value FROM meta WHERE name = 'rolled up'").fetchone() == (months,):
        return
    db.execute("INSERT OR REPLACE INTO meta VALUES ('rolled up', ?)", (months,))
    _roll_up(db, counts)
    _roll_up_egress(db, egress, oldest)


def shrink(db: sqlite3.Connection) -> None:
    """Return the pages that were freed to the file system, outside a transaction."""
    if db.execute("PRAGMA freelist_count").fetchone()[0] > _FREE_PAGES:
        db.execute("PRAGMA incremental_vacuum").fetchall()


def date_of(day: int) -> datetime.date:
    """The date of a day as it is stored: 20261126."""
    return datetime.date(day // 10_000, day // 100 % 100, day % 100)


def number_of(date: datetime.date) -> int:
    """The reverse of :func:`date_of`."""
    return date.year * 10_000 + date.month * 100 + date.day


def is_month(day: int, today: datetime.date) -> bool:
    """Whether the counts of this day are those of its month."""
    return day < _month_before(today, COUNT_DAYS)


def _month_before(date: datetime.date, days: int) -> int:
    """The first of the month in which that day was: months are rolled up as a whole."""
    return number_of((date - datetime.timedelta(days=days)).replace(day=1))


_OLD = "day < ? AND day % 100 > 1"
_MONTH = "day - day % 100 + 1"


def _roll_up(db: sqlite3.Connection, before: int) -> None:
    for table, key, columns in _SUMMED:
        add = upsert(table, ("day", *key), columns)
        sums = ", ".join((_MONTH, *key, *(f"SUM({column})" for column in columns)))
        rows = db.execute(
            f"SELECT {sums} FROM {table} WHERE {_OLD} GROUP BY {_MONTH}, {', '.join(key)}",  # noqa: S608 - names of ours
            (before,),
        ).fetchall()
        db.executemany(add, rows)
        db.execute(f"DELETE FROM {table} WHERE {_OLD}", (before,))  # noqa: S608 - names of ours
    _roll_up_durations(db, before)


def _roll_up_durations(db: sqlite3.Connection, before: int) -> None:
    months: dict[tuple[int, int, int], list[dict[int, int]]] = {}
    query = f"SELECT {_MONTH}, source, kind, histogram FROM durations WHERE day < ?"  # noqa: S608 - a constant
    for *key, data in db.execute(query, (before,)):
        months.setdefault((key[0], key[1], key[2]), []).append(decode(data))
    db.execute("DELETE FROM durations WHERE day < ?", (before,))
    rows = ((*key, encode(merged(histograms))) for key, histograms in months.items())
    db.executemany("INSERT INTO durations VALUES (?, ?, ?, ?)", rows)


def _roll_up_egress(db: sqlite3.Connection, before: int, oldest: int) -> None:
    db.execute("DELETE FROM egress WHERE day < ?", (oldest,))
    rows = db.execute(
        f"""SELECT {_MONTH}, host, file, MIN(first), MAX(last), SUM(calls), SUM(size), SUM(masked) FROM egress
            WHERE {_OLD} GROUP BY {_MONTH}, host, file""",  # noqa: S608 - a constant
        (before,),
    ).fetchall()
    db.execute(f"DELETE FROM egress WHERE {_OLD}", (before,))  # noqa: S608 - a constant
    db.executemany(
        """INSERT INTO egress VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (day, host, file) DO UPDATE SET
            first = MIN(first, excluded.first), last = MAX(last, excluded.last), calls = calls + excluded.calls,
            size = size + excluded.size, masked = masked + excluded.masked""",
        rows,
    )
    db.execute("DELETE FROM files WHERE id NOT IN (SELECT file FROM egress)")
    db.execute("DELETE FROM folders WHERE id NOT IN (SELECT folder FROM files)")
    db.execute("DELETE FROM hosts WHERE id NOT IN (SELECT host FROM egress)")
