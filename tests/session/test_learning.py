"""The session's rates of acceptance: from its own events, and from the file that earlier sessions have left."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from pathlib import Path

from fim_lsp.schedule.learning import AcceptanceRates, Taking
from fim_lsp.session.event_ring import EventRing
from fim_lsp.session.learning import learn_from
from fim_lsp.stats.counts import day_of
from fim_lsp.stats.recorder import Recorder
from fim_lsp.stats.store import StatsStore
from tests.stats.samples import ACCEPTED, SHOWN, batch


async def learnt(path: Path, *, enabled: bool = True) -> AcceptanceRates:
    """The rates after a suggestion was shown and accepted, in a session that counts in a file."""
    events = EventRing()
    recorder = Recorder(events.subscribe, path=lambda: path)
    recorder.configure(enabled=enabled)
    rates = learn_from(events, recorder)
    rates.enabled = enabled
    events.publish(SHOWN)
    events.publish(ACCEPTED)
    recorder.close(wait=True)
    await asyncio.sleep(0)  # what its thread has read is delivered
    return rates


async def test_a_first_session_learns_from_its_own_events(tmp_path: Path) -> None:
    rates = await learnt(tmp_path / "stats.sqlite3")
    assert rates.of("python") == Taking(offered=1, taken=1)


async def test_a_later_one_from_what_was_counted(tmp_path: Path) -> None:
    path = tmp_path / "stats.sqlite3"
    now = time.time()
    StatsStore(path).add(batch(*[replace(SHOWN, at=now)] * 29, replace(ACCEPTED, at=now)), today=day_of(now))
    rates = await learnt(path)
    assert rates.describe("python") == "python: you took 2 of the last 30 suggestions; waits are 1.0 times the usual"


async def test_nothing_is_learnt_or_read_where_counting_is_off(tmp_path: Path) -> None:
    path = tmp_path / "stats.sqlite3"
    now = time.time()
    StatsStore(path).add(batch(*[replace(SHOWN, at=now)] * 99), today=day_of(now))
    rates = await learnt(path, enabled=False)
    assert rates.of("python") == Taking()
    rates.enabled = True
    assert rates.of("python") == Taking()


async def test_a_running_session_forgets_when_the_counts_are_reset(tmp_path: Path) -> None:
    path = tmp_path / "stats.sqlite3"
    events = EventRing()
    recorder = Recorder(events.subscribe, path=lambda: path)
    recorder.configure(enabled=True)
    rates = learn_from(events, recorder)
    for is_reset in (False, True):
        events.publish(SHOWN)
        await recorder.read(lambda _store: None)
        await asyncio.sleep(0)
        assert rates.of("python") == (Taking() if is_reset else Taking(offered=1))
        StatsStore(path).reset()
    recorder.close(wait=True)
