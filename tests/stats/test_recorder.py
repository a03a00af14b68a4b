"""One session's recorder: batches, what can't be written, and when nothing is counted."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from fim_lsp.schedule.events import SettingsChanged
from fim_lsp.stats.learning import PastAcceptance
from fim_lsp.stats.recent import read_recent
from fim_lsp.stats.recorder import Recorder
from fim_lsp.stats.store import StatsStore
from tests.stats.samples import CALL, LOCAL_CALL, NOON, ONE_SUGGESTION, batch


class Events:
    """What a session publishes to."""

    def __init__(self) -> None:
        self.subscribers: list[tuple[type[Any], Callable[[Any], None]]] = []

    def subscribe(self, kind: type[Any], subscriber: Callable[[Any], None]) -> None:
        self.subscribers.append((kind, subscriber))

    def publish(self, *events: Any) -> None:
        for event in events:
            for kind, subscriber in self.subscribers:
                if type(event) is kind:
                    subscriber(event)


@pytest.fixture(name="path")
def a_path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "stats.sqlite3"


def recorder(events: Events, path: Path | None, **options: Any) -> Recorder:
    one = Recorder(events.subscribe, path=lambda: path, **options)
    one.configure(enabled=True, roots=[Path("/work")])
    return one


def sum_of(path: Path, column: str, table: str = "calls") -> int:
    with closing(sqlite3.connect(path)) as db:
        return int(db.execute(f"SELECT TOTAL({column}) FROM {table}").fetchone()[0])  # noqa: S608 - names of ours


async def test_what_was_counted_is_written_at_the_end(path: Path) -> None:
    events = Events()
    one = recorder(events, path)
    events.publish(*ONE_SUGGESTION, CALL)
    assert not exists(path)
    one.close(wait=True)
    assert sum_of(path, "calls") == 2
    assert sum_of(path, "accepted", "suggestions") == 1
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("SELECT folder FROM folders").fetchall() == [("/work",)]


@pytest.mark.usefixtures("virtual_time")
async def test_a_batch_is_written_some_seconds_after_its_first_event(path: Path) -> None:
    events = Events()
    one = recorder(events, path)
    for _ in range(3):
        events.publish(CALL)
        await asyncio.sleep(6)
    one.close(wait=True)
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("SELECT SUM(calls) FROM calls").fetchone() == (3,)
    assert asyncio.get_running_loop().time() == 18


async def test_nothing_is_read_or_written_when_counting_is_off(path: Path) -> None:
    events = Events()
    one = Recorder(events.subscribe, path=lambda: pytest.fail("looked for the file"))
    events.publish(CALL)
    one.configure(enabled=False)
    events.publish(CALL)
    one.load_acceptance(lambda _found: pytest.fail("something was read"))
    one.close(wait=True)
    assert not exists(path.parent)


async def test_what_was_not_written_yet_is_dropped_when_counting_is_switched_off(path: Path) -> None:
    events = Events()
    one = recorder(events, path)
    events.publish(CALL)
    one.configure(enabled=False)
    events.publish(CALL)
    one.close(wait=True)
    assert not exists(path)


async def test_a_session_without_an_event_writes_nothing(path: Path) -> None:
    recorder(Events(), path).close(wait=True)
    assert not exists(path.parent)


async def test_a_user_without_a_home_folder_has_no_counts() -> None:
    events = Events()
    one = recorder(events, None)
    events.publish(CALL)
    one.close(wait=True)


async def test_counts_are_kept_while_the_file_is_locked(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    StatsStore(path).add(batch())
    events = Events()
    one = recorder(events, path)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        events.publish(CALL)
        await written(one)
        other.execute("ROLLBACK")
    events.publish(LOCAL_CALL)
    one.close(wait=True)
    assert sum_of(path, "calls") == 2
    assert len(caplog.messages) == 1
    assert "locked" in caplog.messages[0]


async def test_the_database_of_another_program_is_reported_once_and_ends_the_counting(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE theirs (x)")
        db.commit()
    before = content(path)
    events = Events()
    one = recorder(events, path, interval=0.0)
    with caplog.at_level(logging.WARNING):
        for _ in range(50):
            events.publish(CALL)
            await asyncio.sleep(0)
        one.close(wait=True)
    assert [message for message in caplog.messages if "another program" in message] == caplog.messages
    assert len(caplog.messages) == 1
    assert content(path) == before


async def test_other_processes_see_the_server_and_its_latest_requests_until_it_ends(path: Path) -> None:
    events, store = Events(), StatsStore(path)
    one, other = recorder(events, path, status=lambda: "idle: ready"), recorder(Events(), path)
    one.set_client("Neovim")
    events.publish(SettingsChanged(at=NOON, problems=("tokens is no setting",)), *ONE_SUGGESTION)
    await written(one)
    found = read_recent(store)
    assert [(server.client, server.status, server.problems) for server in found.servers] == [
        ("Neovim", "idle: ready", ("tokens is no setting",))
    ]
    assert [event.data["place"]["path"] for event in found.requests] == ["src/main.py"]
    assert [(event.data["outcome"], event.data["prompt_tokens"]) for event in found.calls] == [("answered", 1000)]
    assert found.calls[0].server == found.servers[0].id
    one.close(wait=True)
    other.close(wait=True)
    assert read_recent(store).servers == ()
    assert len(read_recent(store).requests) == 1


async def test_a_session_that_counts_no_longer_is_not_listed_until_it_counts_again(path: Path) -> None:
    events = Events()
    one = recorder(events, path)
    listed = []
    for enabled in (True, False, True):
        one.configure(enabled=enabled)
        events.publish(CALL)
        await one.read(lambda store: None)
        await written(one)
        listed.append(len(read_recent(StatsStore(path)).servers))
    one.close(wait=True)
    assert (listed, sum_of(path, "calls")) == ([1, 0, 1], 2)
    assert read_recent(StatsStore(path)).servers == ()


async def test_past_acceptance_is_delivered_in_the_loop(path: Path) -> None:
    events = Events()
    first = recorder(events, path)
    first.load_acceptance(lambda _found: pytest.fail("there is nothing to read"))
    today = [event for event in ONE_SUGGESTION if event is not CALL]
    events.publish(*today)
    first.close(wait=True)
    found: asyncio.Future[object] = asyncio.get_running_loop().create_future()
    second = recorder(Events(), path)
    second.load_acceptance(found.set_result)
    acceptance = await found
    assert isinstance(acceptance, dict)
    assert acceptance["python"].offered == acceptance["python"].accepted > 0
    assert isinstance(acceptance["python"], PastAcceptance)
    second.close(wait=True)


async def written(one: Recorder) -> None:
    one._flush()
    assert one._thread
    await asyncio.wrap_future(one._thread.submit(lambda: None))


def exists(path: Path) -> bool:
    return path.exists()


def content(path: Path) -> bytes:
    return path.read_bytes()


def test_the_start_imports_neither_sqlite_nor_what_counts() -> None:
    # coverage, where it measures this, has imported sqlite3 before
    code = "import sys; before = set(sys.modules)\nimport fim_lsp.lsp.transport, fim_lsp.cli.main\n"
    code += "print(*[name for name in sys.modules if name not in before])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    modules = done.stdout.split()
    assert "sqlite3" not in modules
    assert [name for name in modules if name.startswith("fim_lsp.stats.")] == [
        "fim_lsp.stats.servers",
        "fim_lsp.stats.recorder",
    ]
