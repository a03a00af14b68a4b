"""The file of counts: several processes; damage, locks, other programs and newer versions; privacy."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from fim_lsp.errors import StatsUnavailable
from fim_lsp.schedule.events import SentFile
from fim_lsp.stats.counts import MAX_RECENT
from fim_lsp.stats.histogram import decode
from fim_lsp.stats.schema import MIGRATIONS
from fim_lsp.stats.servers import ServerInfo
from fim_lsp.stats.store import StatsStore
from tests.needs import make_fifo
from tests.stats.samples import ACCEPTED, ANSWERED, CALL, DAY, LOCAL_CALL, ONE_SUGGESTION, SHOWN, batch

SERVER = ServerInfo(id="1-a", pid=os.getpid(), started=1.0, client="Neovim")


@pytest.fixture(name="store")
def a_store(tmp_path: Path) -> StatsStore:
    return StatsStore(tmp_path / "state" / "stats.sqlite3")


def query(store: StatsStore, sql: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(store.path)) as db:
        return db.execute(sql).fetchall()


def test_batches_add_up(store: StatsStore) -> None:
    for _ in range(3):
        store.add(batch(*ONE_SUGGESTION), today=DAY)
    assert query(store, "SELECT day, language, requests, shown, accepted, kept_characters FROM suggestions") == [
        (DAY, "python", 3, 3, 3, 54)
    ]
    assert query(store, "SELECT calls, sent_bytes, prompt_tokens FROM calls") == [(3, 12_000, 3000)]
    assert query(store, "SELECT backend, model, host, local FROM sources") == [
        ("codestral", "codestral-latest", "codestral.mistral.ai", 0)
    ]
    assert query(store, "SELECT path, calls, size, masked FROM egress JOIN files ON file = files.id ORDER BY path") == [
        ("src/main.py", 3, 9000, 3),
        ("src/util.py", 3, 1500, 0),
    ]
    assert [sum(decode(data).values()) for (data,) in query(store, "SELECT histogram FROM durations")] == [3, 3, 3]


def test_files_of_the_same_name_in_two_workspaces_are_two(store: StatsStore) -> None:
    store.add(batch(CALL, workspace=("/a",)), today=DAY)
    store.add(batch(CALL, workspace=("/b",)), today=DAY)
    rows = query(
        store, "SELECT folders.folder, path FROM files JOIN folders ON files.folder = folders.id ORDER BY 1, 2"
    )
    assert rows == [("/a", "src/main.py"), ("/a", "src/util.py"), ("/b", "src/main.py"), ("/b", "src/util.py")]


def test_a_name_that_is_not_unicode_is_counted(store: StatsStore) -> None:
    strange = replace(CALL, files=(SentFile(path="\udcff.py", size=5),))
    store.add(batch(strange, workspace=("/\udcfe",)), SERVER, today=DAY)
    assert query(store, "SELECT path FROM files") == [("?.py",)]


_WRITE = """
import sys
from pathlib import Path
from fim_lsp.stats.store import StatsStore
from tests.stats.samples import DAY, ONE_SUGGESTION, batch
for _ in range(25):
    StatsStore(Path(sys.argv[1]), busy_timeout=60).add(batch(*ONE_SUGGESTION), today=DAY)
"""


def test_several_processes_lose_nothing(store: StatsStore) -> None:
    command = [sys.executable, "-c", _WRITE, str(store.path)]
    root = Path(__file__).parents[2]
    writers = [subprocess.Popen(command, cwd=root) for _ in range(4)]
    assert [writer.wait(timeout=120) for writer in writers] == [0, 0, 0, 0]
    assert query(store, "SELECT requests FROM suggestions") == [(100,)]
    assert {sum(decode(data).values()) for (data,) in query(store, "SELECT histogram FROM durations")} == {100}


@pytest.mark.skipif(os.name != "posix", reason="file modes are POSIX")
def test_the_file_is_private_even_while_it_is_written(store: StatsStore) -> None:
    store.add(batch(CALL))
    with store.reading():
        modes = {file.name: file.stat().st_mode & 0o777 for file in store.path.parent.iterdir()}
    assert set(modes.values()) == {0o600}
    assert store.path.parent.stat().st_mode & 0o777 == 0o700


def test_what_is_read_is_left_as_it_is(store: StatsStore) -> None:
    with store.reading() as db:
        assert db is None
    assert not store.path.exists()


def test_a_damaged_file_is_set_aside(store: StatsStore) -> None:
    store.path.parent.mkdir()
    store.path.write_bytes(b"this is no database, nor was it ever one\n" * 200)
    store.add(batch(CALL), today=DAY)
    assert query(store, "SELECT calls FROM calls") == [(1,)]
    assert Path(f"{store.path}.damaged").read_bytes().startswith(b"this is no database")


def test_a_damaged_file_is_not_moved_by_one_who_only_reads(store: StatsStore) -> None:
    store.path.parent.mkdir()
    store.path.write_bytes(b"no database" * 1000)
    with pytest.raises(StatsUnavailable, match="is damaged; fim-lsp stats --reset"), store.reading():
        pass
    assert store.path.exists()


def test_reset_leaves_nothing_in_a_file_that_a_server_keeps_open(store: StatsStore) -> None:
    server = StatsStore(store.path, keep_open=True)
    server.add(batch(*ONE_SUGGESTION), SERVER, today=DAY)
    store.reset()
    assert all(b"src/main.py" not in file.read_bytes() for file in store.path.parent.iterdir())
    server.add(batch(CALL), SERVER, today=DAY)
    server.close()
    assert query(store, "SELECT calls FROM calls") == [(1,)]


def test_reset_forgets_what_was_damaged_too(store: StatsStore) -> None:
    store.path.parent.mkdir()
    store.path.write_bytes(b"no database" * 1000)
    store.reset()
    assert [file.name for file in store.path.parent.iterdir()] == ["stats.sqlite3"]
    Path(f"{store.path}.damaged").write_bytes(b"from earlier")
    store.reset()
    assert [file.name for file in store.path.parent.iterdir()] == ["stats.sqlite3"]
    with store.reading() as db:
        assert db is not None


def test_damage_that_is_found_late_costs_one_batch(store: StatsStore) -> None:
    store.add(batch(*ONE_SUGGESTION), today=DAY)
    data = bytearray(store.path.read_bytes())
    data[4096:] = b"\xff" * (len(data) - 4096)
    store.path.write_bytes(data)
    with pytest.raises(StatsUnavailable):
        store.add(batch(CALL), today=DAY)
    store.add(batch(CALL), today=DAY)
    assert query(store, "SELECT calls FROM calls") == [(1,)]


def test_a_connection_that_is_kept_notices_what_others_do_to_the_file(tmp_path: Path) -> None:
    path = tmp_path / "stats.sqlite3"
    kept = StatsStore(path, keep_open=True)
    for _ in range(2):
        kept.add(batch(CALL), today=DAY)
    for file in tmp_path.iterdir():
        file.unlink()
    kept.add(batch(CALL), today=DAY)
    assert query(kept, "SELECT calls FROM calls") == [(1,)]
    StatsStore(path).reset()
    kept.add(batch(CALL), today=DAY)
    assert query(kept, "SELECT calls FROM calls") == [(1,)]
    StatsStore(path, migrations=(*MIGRATIONS, "CREATE TABLE more (x)")).add(batch(CALL), today=DAY)
    with pytest.raises(StatsUnavailable, match="newer fim-lsp"):
        kept.add(batch(CALL), today=DAY)
    kept.close()
    kept.close()
    assert [file.name for file in tmp_path.iterdir()] == ["stats.sqlite3"]


def test_what_is_kept_open_stays_small(tmp_path: Path) -> None:
    kept = StatsStore(tmp_path / "stats.sqlite3", keep_open=True)
    for number in range(300):
        kept.add(batch(replace(CALL, files=(SentFile(path=f"{number}.py", size=5),)), ANSWERED), SERVER, today=DAY)
    assert sum(file.stat().st_size for file in tmp_path.iterdir()) < 2_000_000
    kept.close()


def test_a_locked_file_is_reported_and_nothing_is_half_written(store: StatsStore) -> None:
    store.add(batch(CALL), today=DAY)
    impatient = StatsStore(store.path, busy_timeout=0)
    with closing(sqlite3.connect(store.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StatsUnavailable, match="locked") as raised:
            impatient.add(batch(CALL), today=DAY)
        assert not raised.value.permanent
        other.execute("ROLLBACK")
    impatient.add(batch(CALL), today=DAY)
    assert query(store, "SELECT calls FROM calls") == [(2,)]


def test_a_batch_that_cannot_be_stored_leaves_the_file_as_it_was(store: StatsStore) -> None:
    store.add(batch(CALL), today=DAY)
    counts = batch(CALL, LOCAL_CALL)
    counts.calls[DAY, "x", counts.sources["codestral"]] = {"calls": 10**30}
    with pytest.raises(StatsUnavailable, match="OverflowError"):
        store.add(counts, today=DAY)
    assert query(store, "SELECT calls FROM calls") == [(1,)]


@pytest.mark.parametrize("setup", ["CREATE TABLE theirs (x)", "PRAGMA application_id=7", "PRAGMA user_version=3"])
def test_the_database_of_another_program_is_left_alone(store: StatsStore, setup: str) -> None:
    store.path.parent.mkdir()
    with closing(sqlite3.connect(store.path)) as db:
        db.execute(setup)
        db.commit()
    before = store.path.read_bytes()
    with pytest.raises(StatsUnavailable, match="another program") as raised:
        store.add(batch(CALL))
    assert raised.value.permanent
    assert store.path.read_bytes() == before


def test_a_newer_version_of_the_file_is_left_alone(store: StatsStore) -> None:
    newer = StatsStore(store.path, migrations=(*MIGRATIONS, "CREATE TABLE more (x)"))
    newer.add(batch(CALL), today=DAY)
    with pytest.raises(StatsUnavailable, match="newer fim-lsp") as raised:
        store.add(batch(CALL), today=DAY)
    assert raised.value.permanent
    newer.add(batch(CALL), today=DAY)
    assert query(store, "SELECT calls FROM calls") == [(2,)]


def test_an_older_version_of_the_file_is_migrated_with_its_counts(store: StatsStore) -> None:
    store.add(batch(CALL), today=DAY)
    newer = StatsStore(store.path, migrations=(*MIGRATIONS, "ALTER TABLE calls ADD COLUMN more INTEGER DEFAULT 5"))
    newer.add(batch(CALL), today=DAY)
    newer.add(batch(CALL), today=DAY)
    assert query(store, "SELECT calls, more FROM calls") == [(3, 5)]


def test_a_folder_that_cannot_be_created_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StatsUnavailable, match=r"stats\.sqlite3 can't be used: .*/file: File exists$"):
        StatsStore(tmp_path / "file" / "stats.sqlite3").add(batch(CALL))


def test_reset_forgets_what_turns_out_to_be_damaged_while_it_does(store: StatsStore) -> None:
    store.add(batch(SHOWN, CALL), today=DAY)
    with closing(sqlite3.connect(store.path)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    pages = store.path.read_bytes()
    store.path.write_bytes(pages[:8192] + bytes(one ^ 0x5A for one in pages[8192:]))
    store.reset()
    assert not Path(f"{store.path}.damaged").exists()
    store.add(batch(CALL), today=DAY)
    assert query(store, "SELECT calls FROM calls") == [(1,)]


@pytest.mark.parametrize("make", [os.mkdir, make_fifo])
def test_what_is_no_file_is_named(tmp_path: Path, make: Callable[[Path], None]) -> None:
    path = tmp_path / "stats.sqlite3"
    make(path)
    for use in (StatsStore(path).reset, lambda: StatsStore(path).add(batch(CALL))):
        with pytest.raises(StatsUnavailable, match="it is not a regular file; move it away"):
            use()


def test_the_latest_requests_and_calls_are_kept_and_no_more(store: StatsStore) -> None:
    for number in range(3):
        many = [replace(ANSWERED, request=number * 150 + index) for index in range(150)]
        store.add(batch(*many, CALL), SERVER, today=DAY)
    kinds = query(store, "SELECT kind, SUM(count) FROM recent GROUP BY kind ORDER BY kind")
    assert kinds == [("call", 3), ("request", 300)]  # no fewer than 200, in whole batches
    assert MAX_RECENT == 200


def test_reset_forgets_everything_that_was_counted(store: StatsStore) -> None:
    store.reset()
    assert not store.path.exists()
    store.add(batch(*ONE_SUGGESTION, SHOWN, ACCEPTED), SERVER, today=DAY)
    store.reset()
    tables = [name for (name,) in query(store, "SELECT name FROM sqlite_schema WHERE type = 'table'")]
    filled = [name for name in tables if query(store, f"SELECT 1 FROM {name}")]  # noqa: S608 - names of ours
    assert filled == ["meta", "servers"]
    assert b"src/main.py" not in store.path.read_bytes()
