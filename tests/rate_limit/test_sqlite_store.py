"""One machine's ledger: several processes, a file that is locked, damaged, gone, and a clock that jumps."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest
import pytest_asyncio

from fim_lsp.rate_limit.shared_counter import SharedCounter
from fim_lsp.rate_limit.sliding_window import PAUSE, Entry, Limits
from fim_lsp.rate_limit.sqlite_store import SqliteStore
from fim_lsp.rate_limit.store import StoreLost
from tests.rate_limit.clock import Clock
from tests.rate_limit.fakes import hammer, until

LIMITS = Limits(tokens=1000, requests=10)


def entry(name: str, tokens: int = 100, lasts: float = 60) -> Entry:
    return Entry(name=name, tokens=tokens, requests=1, lasts=lasts)


@pytest_asyncio.fixture(name="store")
async def a_store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    store = SqliteStore(tmp_path / "state" / "limits.sqlite3", Clock(), busy=0)
    await store.open()
    yield store
    await store.close()


async def granted(store: SqliteStore, entry: Entry, identity: str = "us") -> bool:
    return (await store.reserve(identity, entry, LIMITS)).granted


async def tokens(store: SqliteStore, identity: str = "us") -> int:
    """What the ledger holds, by a call that is refused."""
    return (await store.reserve(identity, entry("look", 10**6), LIMITS)).window.tokens


async def test_what_fits_is_taken_and_what_does_not_is_refused(store: SqliteStore) -> None:
    assert [await granted(store, entry(str(number), 300)) for number in range(5)] == [True, True, True, False, False]
    assert await granted(store, entry("another model", 300), "them")
    await store.put("us", [entry("0", 10), entry("1", lasts=0)])
    assert await tokens(store) == 310


async def test_a_call_that_lies_there_already_counts_once(store: SqliteStore) -> None:
    await store.put("us", [entry("x", 900)])
    assert await granted(store, entry("x", 900))
    assert await tokens(store) == 900


async def test_a_request_counts_too(store: SqliteStore) -> None:
    assert [await granted(store, entry(str(number), 1)) for number in range(11)] == [True] * 10 + [False]


async def test_a_minute_later_it_is_forgotten_and_the_file_stays_small(tmp_path: Path) -> None:
    clock = Clock()
    store = SqliteStore(tmp_path / "ledger", clock)
    for number in range(2000):
        assert await granted(store, entry(str(number)))
        clock.now += 7
    with closing(sqlite3.connect(tmp_path / "ledger")) as db:
        assert db.execute("SELECT COUNT(*) FROM entries_1").fetchone()[0] < 12
    assert size(tmp_path) < 3_000_000
    await store.close()


async def test_a_clock_set_back_blocks_no_longer_than_a_call_may_last(tmp_path: Path) -> None:
    clock = Clock(1_000_000.0)
    store = SqliteStore(tmp_path / "ledger", clock)
    assert await granted(store, entry("before", 1000))
    clock.now -= 3600
    assert not await granted(store, entry("after"))
    clock.now += 75
    assert await granted(store, entry("after"))
    await store.close()


async def test_a_pause_stops_everybody(store: SqliteStore) -> None:
    await store.put("us", [Entry(name=PAUSE, tokens=0, requests=0, lasts=20)])
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
    got = await hammer(str(tmp_path / "ledger"))
    assert 59_000 <= sum(got) <= 60_000


async def test_a_locked_file_is_told_once_and_used_again_when_free(tmp_path: Path) -> None:
    said: list[str] = []
    path = tmp_path / "ledger"
    ledger = SharedCounter(SqliteStore(path), say=said.append, clock=asyncio.get_running_loop().time)
    await until(lambda: used(ledger))
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        assert [await ledger.reserve("us", entry(str(number)), LIMITS) for number in range(5)] == [None] * 5
        await until(lambda: bool(said))
        other.execute("ROLLBACK")
    await until(lambda: used(ledger))
    assert len(said) == 1
    assert "locked" in said[0]
    await ledger.close()


async def test_a_damaged_file_is_put_aside(tmp_path: Path) -> None:
    path = tmp_path / "ledger"
    path.write_bytes(b"this is no database, nor was it ever one\n" * 200)
    store = SqliteStore(path)
    await store.open()
    assert await granted(store, entry("x"))
    assert (tmp_path / "ledger.damaged").read_bytes().startswith(b"this is no database")
    await store.close()


async def test_a_file_damaged_under_way_costs_one_operation(tmp_path: Path) -> None:
    path = tmp_path / "ledger"
    said: list[str] = []
    ledger = SharedCounter(SqliteStore(path), say=said.append, clock=asyncio.get_running_loop().time)
    ledger.watch("us", lambda: [entry("mine", 900)])
    await until(lambda: used(ledger))
    damage(tmp_path)
    await until(lambda: used(ledger))
    await until(lambda: full(ledger))  # what we had counted was laid into the new file
    assert said == []
    await ledger.close()


async def test_a_file_that_is_taken_away_is_made_anew(store: SqliteStore, tmp_path: Path) -> None:
    assert await granted(store, entry("x", 900))
    for file in (tmp_path / "state").iterdir():
        file.unlink()
    assert await granted(store, entry("y", 900))
    assert (tmp_path / "state" / "limits.sqlite3").exists()


async def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    store = SqliteStore(tmp_path / "file" / "limits.sqlite3")
    with pytest.raises(StoreLost, match=r"the shared count in .*limits\.sqlite3 can't be used"):
        await store.open()
    await store.close()


async def used(ledger: SharedCounter) -> bool:
    """Whether the ledger answers."""
    return await ledger.reserve("us", entry("x", 1), Limits()) is not None


async def full(ledger: SharedCounter) -> bool:
    """Whether the ledger holds what leaves no room."""
    verdict = await ledger.reserve("us", entry("y", 200), LIMITS)
    return verdict is not None and not verdict.granted


def size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.iterdir())


def damage(folder: Path) -> None:
    for file in folder.iterdir():
        with file.open("r+b") as damaged:
            damaged.write(b"\xff" * file.stat().st_size)


async def test_no_count_is_too_large(store: SqliteStore) -> None:
    await store.put("us", [entry(str(number), 10**30) for number in range(5)])
    assert not await granted(store, entry("x"))
    await store.put("us", [entry(str(number), lasts=0) for number in range(5)])
    assert await granted(store, entry("x"))


async def test_a_fault_counts_as_a_lost_store(store: SqliteStore) -> None:
    with pytest.raises(StoreLost, match="OverflowError"):
        await store.put("us", [Entry(name="x", tokens=1, requests=10**30, lasts=60)])
    await store.put("us", [entry("x", 10)])
    assert await tokens(store) == 10
