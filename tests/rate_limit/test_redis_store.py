"""The store for a team on a real Redis server: several processes, a server that dies and comes back, hidden passwords."""

from __future__ import annotations

import asyncio
import builtins
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from fim_lsp.rate_limit.limiter import LimiterRegistry, Permit, choose_store
from fim_lsp.rate_limit.redis_store import RedisStore
from fim_lsp.rate_limit.shared_counter import SharedCounter
from fim_lsp.rate_limit.sliding_window import PAUSE, Entry, Limits
from fim_lsp.rate_limit.sqlite_store import SqliteStore
from fim_lsp.rate_limit.store import StoreUnavailable
from fim_lsp.secret import Secret
from tests.rate_limit.fakes import hammer, until

BINARY = shutil.which("redis-server")
real = pytest.mark.skipif(BINARY is None, reason="redis-server is not installed")

LIMITS = Limits(tokens=1000, requests=10)
PASSWORD = "a-long-password"


def entry(name: str, tokens: int = 100, expires_in: float = 60) -> Entry:
    return Entry(name=name, tokens=tokens, requests=1, expires_in=expires_in)


@dataclass(slots=True)
class Server:
    """A server of our own; it keeps nothing on disk."""

    folder: Path
    port: int
    process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        return f"redis://:{PASSWORD}@127.0.0.1:{self.port}/0"

    async def start(self) -> None:
        self.process = await asyncio.create_subprocess_exec(
            str(BINARY), "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no",
            "--dir", str(self.folder), "--requirepass", PASSWORD, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        await until(self.listens)

    def listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    async def stop(self) -> None:
        process, self.process = self.process, None
        if process is not None:
            process.kill()
            await process.wait()


@pytest_asyncio.fixture(name="server")
async def a_server(tmp_path: Path) -> AsyncIterator[Server]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = Server(tmp_path, port)
    await server.start()
    yield server
    await server.stop()


@pytest_asyncio.fixture(name="store")
async def a_store(server: Server) -> AsyncIterator[RedisStore]:
    store = RedisStore(Secret(server.url))
    await store.open()
    yield store
    await store.close()


async def granted(store: RedisStore, entry: Entry, identity: str = "us") -> bool:
    return (await store.reserve(identity, entry, LIMITS)).granted


@real
async def test_looking_lists_each_call_and_changes_nothing(server: Server) -> None:
    store = RedisStore(Secret(server.url))
    await store.open()
    try:
        await store.put("us", [entry("a.1", 300), entry(PAUSE, 0, expires_in=5)])
        for _ in range(2):
            found = {one.name: (one.tokens, one.requests, round(one.expires_in / 5)) for one in await store.look("us")}
            assert found == {"a.1": (300, 1, 12), PAUSE: (0, 1, 1)}
        assert await store.look("nobody") == ()
    finally:
        await store.close()
    with pytest.raises(StoreUnavailable):
        await store.look("us")


@real
async def test_a_call_is_granted_if_it_fits(store: RedisStore) -> None:
    assert [await granted(store, entry(str(number), 300)) for number in range(5)] == [True, True, True, False, False]
    assert await granted(store, entry("another model", 300), "them")
    await store.put("us", [entry("0", 10), entry("1", expires_in=0)])
    verdict = await store.reserve("us", entry("look", 10**6), LIMITS)
    assert verdict.window.tokens == 310
    assert 59 < verdict.window.expiries[-1].seconds <= 60


@real
async def test_a_call_that_is_already_stored_counts_once(store: RedisStore) -> None:
    await store.put("us", [entry("x", 900)])
    verdict = await store.reserve("us", entry("x", 900), LIMITS)
    assert verdict.granted
    assert verdict.window.tokens == 900


@real
async def test_requests_count_as_well(store: RedisStore) -> None:
    assert [await granted(store, entry(str(number), 1)) for number in range(11)] == [True] * 10 + [False]
    assert (await store.reserve("us", entry("no limits", 10**9), Limits())).granted


@real
async def test_a_pause_applies_to_every_process(store: RedisStore) -> None:
    await store.put("us", [Entry(name=PAUSE, tokens=0, requests=0, expires_in=20)])
    verdict = await store.reserve("us", entry("x"), LIMITS)
    assert not verdict.granted
    assert 19 < verdict.window.paused <= 20


@real
async def test_expired_entries_are_removed_and_those_too_far_ahead_are_limited(store: RedisStore) -> None:
    await store.put("us", [entry("from a clock that was set back", expires_in=3600)])
    verdict = await store.reserve("us", entry("x"), LIMITS)
    assert verdict.window.expiries[-1].seconds == 75
    client = store._client
    assert client is not None
    assert await client.keys() == [b"fim-lsp:limits:1:us"]
    assert 0 < await client.pttl("fim-lsp:limits:1:us") <= 75_000
    await store.put("us", [entry("a moment", expires_in=0.001)])

    async def gone() -> bool:
        await store.reserve("us", entry("look", 10**6), LIMITS)
        return not await client.hexists("fim-lsp:limits:1:us", "a moment")  # type: ignore[misc]

    await until(gone)


@real
async def test_two_processes_together_stay_within_the_limit(server: Server) -> None:
    got = await hammer(server.url)
    assert 59_000 <= sum(got) <= 60_000


@real
async def test_a_server_that_dies_and_comes_back(server: Server) -> None:
    reports: list[str] = []
    limiters = LimiterRegistry(RedisStore(Secret(server.url)), report=reports.append)
    limiter = limiters.get("host", "model", Limits(tokens=10_000))

    async def call(tokens: int) -> None:
        outcome = await limiter.reserve(prompt=tokens, output=0, explicit=True)
        assert isinstance(outcome, Permit)
        outcome.settle(tokens)

    await call(1000)
    await server.stop()
    for _ in range(3):
        await call(1000)
    await until(lambda: bool(reports))
    await call(1000)
    await server.start()
    other = RedisStore(Secret(server.url))
    await other.open()

    async def complete() -> bool:
        return (await other.reserve("host model", entry("look", 10**6), Limits(tokens=1))).window.tokens == 5000

    await until(complete)  # the new server knows nothing but what we had counted
    assert len(reports) == 1
    assert "redis://127.0.0.1" in reports[0]
    assert PASSWORD not in reports[0]
    await other.close()
    await limiters.close()


@pytest.mark.parametrize(
    "url", ["redis://:secret@host:port/0", "redis://:secret@[::1/0", "redis://:secret@127.0.0.1:1/?unknown=1"]
)
async def test_an_invalid_address_is_reported_without_its_password(url: str) -> None:
    store = RedisStore(Secret(url))
    with pytest.raises(StoreUnavailable) as told:
        await store.open()
    assert "secret" not in str(told.value) + repr(store) + store.label
    assert told.value.__cause__ is None
    await store.close()


async def test_without_the_package_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    importing = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name.split(".")[0] == "redis":
            raise ImportError(name)
        return importing(name, *rest)

    reports: list[str] = []
    shared = SharedCounter(
        RedisStore(Secret("redis://host")), report=reports.append, clock=asyncio.get_running_loop().time
    )
    monkeypatch.setattr(builtins, "__import__", without)
    for _ in range(3):
        assert await shared.reserve("us", entry("x"), LIMITS) is None
    assert len(reports) == 1
    assert "pip install 'fim-lsp[redis]'" in reports[0]
    await shared.close()


def test_the_setting_chooses_the_store(tmp_path: Path) -> None:
    assert isinstance(choose_store(Secret("redis://host"), tmp_path), RedisStore)
    assert isinstance(choose_store(Secret("rediss://host"), tmp_path), RedisStore)
    assert isinstance(choose_store(Secret("machine"), tmp_path), SqliteStore)
    assert choose_store(Secret("process"), tmp_path) is None
    with pytest.raises(ValueError, match="must be machine"):
        choose_store(Secret("memcached://host"), tmp_path)
