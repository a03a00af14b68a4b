"""Statements that add."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from fim_lsp.stats.schema import upsert


def test_a_row_is_inserted_or_added_to() -> None:
    with closing(sqlite3.connect(":memory:")) as db:
        db.execute("CREATE TABLE t (day, kind, a, b, PRIMARY KEY (day, kind))")
        for row in ((1, "x", 2, 3), (1, "x", 10, 20), (1, "y", 5, 5)):
            db.execute(upsert("t", ("day", "kind"), ("a", "b")), row)
        assert db.execute("SELECT * FROM t ORDER BY kind").fetchall() == [(1, "x", 12, 23), (1, "y", 5, 5)]
