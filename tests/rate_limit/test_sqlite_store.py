"""The store for one machine: several processes; a locked, damaged or deleted file; a clock that jumps."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest
import pytest_asyncio

from fim_lsp.rate_limit.shared_counter import SharedCounter
from fim_lsp.rate_limit.sliding_window import PAUSE, Entry, Limits
from fim_lsp.rate_limit.sqlite_store import SqliteStore
from fim_lsp.rate_limit.store import StoreUnavailable
from tests.rate_limit.fakes import Clock, hammer, until, until_closed

LIMITS = Limits(tokens=1000, requests=10)


def entry(name: str, tokens: int = 100, expires_in: float = 60) -> Entry:
    return Entry(name=name, tokens=tokens, requests=1, expires_in=expires_in)


@pytest_asyncio.fixture(name="store")
async def a_store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    store = SqliteStore(tmp_path / "state" / "limits.sqlite3", Clock(), busy_timeout=0)
    await store.open()
    yield store
    await store.close()


async def granted(store: SqliteStore, entry: Entry, identity: str = "us") -> bool:
    return (await store.reserve(identity, entry, LIMITS)).granted


async def tokens(store: SqliteStore, identity: str = "us") -> int:
    """The tokens in the store, as reported to a call that does not fit."""
    return (await store.reserve(identity, entry("look", 10**6), LIMITS)).window.tokens


async def test_a_call_is_granted_if_it_fits(store: SqliteStore) -> None:
    assert [await granted(store, entry(str(number), 300)) for number in range(5)] == [True, True, True, False, False]
    assert await granted(store, entry("another model", 300), "them")
    await store.put("us", [entry("0", 10), entry("1", expires_in=0)])
    assert await tokens(store) == 310


async def test_looking_lists_each_call_and_changes_nothing(store: SqliteStore) -> None:
    await store.put("us", [entry("a.1", 300), entry("a.2", 200), entry(PAUSE, 0, expires_in=5)])
    await store.put("them", [entry("b.1", 1)])
    for _ in range(2):
        found = {one.name: (one.tokens, one.expires_in) for one in await store.look("us")}
        assert found == {"a.1": (300, 60), "a.2": (200, 60), PAUSE: (0, 5)}
    assert await store.look("nobody") == ()


async def test_a_call_that_is_already_stored_counts_once(store: SqliteStore) -> None:
    await store.put("us", [entry("x", 900)])
    assert await granted(store, entry("x", 900))
    assert await tokens(store) == 900


async def test_requests_count_as_well(store: SqliteStore) -> None:
    assert [await granted(store, entry(str(number), 1)) for number in range(11)] == [True] * 10 + [False]


async def test_entries_expire_within_a_minute_and_the_file_stays_small(tmp_path: Path) -> None:
    clock = Clock()
    store = SqliteStore(tmp_path / "limits", clock)
    for number in range(2000):
        assert await granted(store, entry(str(number)))
        clock.now += 7
    with closing(sqlite3.connect(tmp_path / "limits")) as db:
        assert db.execute("SELECT COUNT(*) FROM entries_1").fetchone()[0] < 12
    assert size(tmp_path) < 3_000_000
    await store.close()


async def test_a_clock_set_back_blocks_no_longer_than_a_call_may_last(tmp_path: Path) -> None:
    clock = Clock(1_000_000.0)
    store = SqliteStore(tmp_path / "limits", clock)
    assert await granted(store, entry("before", 1000))
    clock.now -= 3600
    assert not await granted(store, entry("after"))
    clock.now += 75
    assert await granted(store, entry("after"))
    await store.close()


async def test_a_pause_applies_to_every_process(store: SqliteStore) -> None:
    await store.put("us", [Entry(name=PAUSE, tokens=0, requests=0, expires_in=20)])
    verdict = await store.reserve("us", entry("x"), LIMITS)
    assert not verdict.granted
    assert verdict.window.paused == 20


@pytest.mark.skipif(os.name != "posix", reason="file modes are POSIX")
async def test_the_file_is_private(store: SqliteStore, tmp_path: Path) -> None:
    assert await granted(store, entry("x"))
    files = list((tmp_path / "state").iterdir())
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    assert (tmp_path / "state").stat().st_mode & 0o777 == 0o700


async def test_two_processes_together_stay_within_the_limit(tmp_path: Path) -> None:
    got = await hammer(str(tmp_path / "limits"))
    assert 59_000 <= sum(got) <= 60_000


async def test_a_locked_file_is_reported_once_and_used_again_when_unlocked(tmp_path: Path) -> None:
    reports: list[str] = []
    path = tmp_path / "limits"
    shared = SharedCounter(SqliteStore(path), report=reports.append, clock=asyncio.get_running_loop().time)
    await until(lambda: answers(shared))
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        assert [await shared.reserve("us", entry(str(number)), LIMITS) for number in range(5)] == [None] * 5
        await until(lambda: bool(reports))
        other.execute("ROLLBACK")
    await until(lambda: answers(shared))
    assert len(reports) == 1
    assert "locked" in reports[0]
    await shared.close()


async def test_a_damaged_file_is_set_aside(tmp_path: Path) -> None:
    path = tmp_path / "limits"
    path.write_bytes(b"this is no database, nor was it ever one\n" * 200)
    store = SqliteStore(path)
    await store.open()
    assert await granted(store, entry("x"))
    assert (tmp_path / "limits.damaged").read_bytes().startswith(b"this is no database")
    await store.close()


@pytest.mark.parametrize(
    "schema",
    [
        "CREATE TABLE entries_1 (x)",
        "CREATE VIEW entries_1 AS SELECT 1 AS identity",
        "CREATE TABLE entries_1 (identity, name, until, tokens, requests); "
        "INSERT INTO entries_1 VALUES ('us', x'ff', 'never', 'many', 9e999), ('us', NULL, 1e300, x'00', NULL)",
    ],
)
async def test_a_foreign_table_is_reported_or_not_believed(tmp_path: Path, schema: str) -> None:
    path = tmp_path / "limits"
    with closing(sqlite3.connect(path)) as db:
        db.executescript(schema)
    reports: list[str] = []
    shared = SharedCounter(SqliteStore(path), report=reports.append, clock=asyncio.get_running_loop().time)
    for _ in range(3):
        verdict = await shared.reserve("us", entry("x"), LIMITS)
        assert verdict is None or verdict.window.tokens <= 10**12
    await shared.close()


async def test_a_database_that_another_program_has_open_gets_no_table(tmp_path: Path) -> None:
    """Its tables are in the log, not yet in the file."""
    path = tmp_path / "limits"
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("PRAGMA journal_mode=WAL")
        other.execute("CREATE TABLE accounts (name TEXT)")
        store = SqliteStore(path)
        with pytest.raises(StoreUnavailable, match="it belongs to another program"):
            await store.open()
        await store.close()
        assert other.execute("SELECT name FROM sqlite_master").fetchall() == [("accounts",)]


@pytest.mark.parametrize("schema", ["CREATE TABLE accounts (name TEXT)", "CREATE VIEW names AS SELECT 1 AS name"])
@pytest.mark.parametrize("has_crashed", [False, True])
async def test_another_programs_database_is_left_as_it_is(tmp_path: Path, schema: str, *, has_crashed: bool) -> None:
    folder = tmp_path / "state"
    folder.mkdir(mode=0o755)
    path = folder / "limits"
    with closing(sqlite3.connect(path)) as other:
        other.execute(schema)
    with closing(sqlite3.connect(path)) as other:
        other.execute("PRAGMA journal_mode=WAL")
        other.execute("CREATE TABLE later (name TEXT)")
        if has_crashed:  # its log remains, because the last connection is not closed in order
            shutil.copytree(folder, tmp_path / "copy")
    if has_crashed:
        shutil.rmtree(folder)
        shutil.move(tmp_path / "copy", folder)
    os.chmod(path, 0o644)
    before = contents(folder)
    store = SqliteStore(path)
    for _ in range(2):
        with pytest.raises(StoreUnavailable, match="it belongs to another program"):
            await store.open()
    await store.close()
    assert contents(folder) == before
    assert (len(before) > 2) is has_crashed


def contents(folder: Path) -> dict[str, tuple[int, bytes]]:
    """The modes and bytes of a folder's files."""
    modes = {path.name: (path.stat().st_mode, path.read_bytes()) for path in folder.iterdir()}
    return {".": (folder.stat().st_mode, b""), **modes}


async def test_two_stores_of_one_process_keep_the_log_that_they_use(tmp_path: Path) -> None:
    """As with two clients on --tcp: another process that leaves must not take itself for the last one."""
    path = tmp_path / "limits"
    first, second = SqliteStore(path), SqliteStore(path)
    await first.open()
    await second.open()
    assert await granted(first, entry("mine", 300))
    look = f"import sqlite3; db = sqlite3.connect({str(path)!r}); db.execute('PRAGMA schema_version').fetchall(); db.close()"
    other = await asyncio.create_subprocess_exec(sys.executable, "-c", look)
    assert await other.wait() == 0
    assert "limits-wal" in os.listdir(tmp_path)
    assert [one.tokens for one in await second.look("us")] == [300]
    await first.close()
    await second.close()


async def test_a_page_that_is_still_being_written_is_no_damage(tmp_path: Path) -> None:
    """The log contains the whole page; without the log, it looks damaged."""
    folder, copied = tmp_path / "state", tmp_path / "copy"
    store = SqliteStore(folder / "limits")
    await store.open()
    await store.put("us", [entry("x", 300)])
    shutil.copytree(folder, copied)
    await store.close()
    path = copied / "limits"
    content = bytearray(path.read_bytes())
    content[100:] = b"\xff" * (len(content) - 100)
    path.write_bytes(content)
    with closing(sqlite3.connect(f"{path.as_uri()}?immutable=1", uri=True)) as db, pytest.raises(sqlite3.DatabaseError):
        db.execute("SELECT * FROM sqlite_master").fetchall()
    again = SqliteStore(path)
    await again.open()
    assert [one.tokens for one in await again.look("us")] == [300]
    assert "limits.damaged" not in os.listdir(copied)
    await again.close()


async def test_a_database_that_sqlite_has_analysed_is_still_ours(tmp_path: Path) -> None:
    path = tmp_path / "limits"
    store = SqliteStore(path)
    await store.open()
    await store.put("us", [entry("x", 300)])
    await store.close()
    await until_closed(path)
    with closing(sqlite3.connect(path)) as db:
        db.execute("ANALYZE")
        assert db.execute("SELECT COUNT(*) FROM sqlite_master WHERE name GLOB 'sqlite_stat*'").fetchone()[0]
    again = SqliteStore(path)
    await again.open()
    assert [one.tokens for one in await again.look("us")] == [300]
    await again.close()


async def test_a_file_that_is_damaged_while_open_costs_one_operation(tmp_path: Path) -> None:
    path = tmp_path / "limits"
    reports: list[str] = []
    shared = SharedCounter(SqliteStore(path), report=reports.append, clock=asyncio.get_running_loop().time)
    shared.restore_from("us", lambda: [entry("mine", 900)])
    await until(lambda: answers(shared))
    damage(tmp_path)
    await until(lambda: answers(shared))
    await until(lambda: full(shared))  # its own count has been restored into the new file
    assert reports == []
    await shared.close()


async def test_a_deleted_file_is_created_again(store: SqliteStore, tmp_path: Path) -> None:
    assert await granted(store, entry("x", 900))
    for file in (tmp_path / "state").iterdir():
        file.unlink()
    assert await granted(store, entry("y", 900))
    assert (tmp_path / "state" / "limits.sqlite3").exists()


async def test_a_path_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    store = SqliteStore(tmp_path / "file" / "limits.sqlite3")
    with pytest.raises(StoreUnavailable, match=r"the shared count in .*limits\.sqlite3 can't be used"):
        await store.open()
    await store.close()


async def answers(shared: SharedCounter) -> bool:
    return await shared.reserve("us", entry("x", 1), Limits()) is not None


async def full(shared: SharedCounter) -> bool:
    verdict = await shared.reserve("us", entry("y", 200), LIMITS)
    return verdict is not None and not verdict.granted


def size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.iterdir())


def damage(folder: Path) -> None:
    for file in folder.iterdir():
        with file.open("r+b") as damaged:
            damaged.write(b"\xff" * file.stat().st_size)


async def test_counts_are_clamped_to_what_sqlite_can_hold(store: SqliteStore) -> None:
    await store.put("us", [entry(str(number), 10**30) for number in range(5)])
    assert not await granted(store, entry("x"))
    await store.put("us", [entry(str(number), expires_in=0) for number in range(5)])
    assert await granted(store, entry("x"))


async def test_a_value_that_sqlite_cannot_hold_makes_the_store_unavailable(store: SqliteStore) -> None:
    with pytest.raises(StoreUnavailable, match="OverflowError"):
        await store.put("us", [Entry(name="x", tokens=1, requests=10**30, expires_in=60)])
    await store.put("us", [entry("x", 10)])
    assert await tokens(store) == 10
