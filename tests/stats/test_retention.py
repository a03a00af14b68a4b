"""What is old becomes coarser, and the file stays small."""

from __future__ import annotations

import datetime
import sqlite3
from collections import deque
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from fim_lsp.schedule.events import CallEnded, Place, SentFile
from fim_lsp.schedule.request import Outcome
from fim_lsp.stats.counts import Batch, Tally
from fim_lsp.stats.histogram import decode
from fim_lsp.stats.retention import COUNT_DAYS, EGRESS_DAYS, date_of, number_of
from fim_lsp.stats.servers import ServerInfo
from fim_lsp.stats.store import StatsStore
from tests.stats.samples import ACCEPTED, ANSWERED, CALL, KEPT, SHOWN, batch

LANGUAGES = ("python", "typescript", "rust", "go", "markdown", "yaml")
BACKENDS = (("codestral", "codestral.mistral.ai"), ("langdock", "api.langdock.com"), ("llamacpp", "127.0.0.1:8012"))
CALLS, FILES = 1_400, 60
START = datetime.date(2025, 11, 26)


def a_heavy_day() -> Batch:
    """What a day's 5,000 edits, 1,400 calls, 60 files, 6 languages and 3 back ends come to."""
    at = at_noon(number_of(START))
    tally = Tally()
    for step in range(CALLS):
        language, (backend, host) = LANGUAGES[step % 6], BACKENDS[step // 7 % 3]
        document = f"packages/component-{step % 5}/src/module_{step % FILES:02}.{language}"
        place = Place(path=document, language=language, line=1, column=1)
        took = 0.1 + step * 7919 % 1000 / 500
        call: CallEnded = replace(
            CALL,
            at=at + step * 10,
            place=place,
            backend=backend,
            model=f"{backend}-model",
            host=host,
            files=(SentFile(path=document, size=3000), SentFile(path=document, size=500)),
            first_text=took / 2,
            seconds=took,
        )
        answer = replace(ANSWERED, at=call.at, place=place, backend=backend, seconds=took)
        shown, accepted, kept = (replace(event, at=call.at, backend=backend) for event in (SHOWN, ACCEPTED, KEPT))
        events = call, answer, replace(answer, outcome=Outcome.SUPERSEDED), replace(shown, place=place)
        for event in (*events, replace(accepted, language=language), replace(kept, language=language)):
            tally.add(event, ("/home/me/work/customer/monorepo",))
    return tally.take()


def moved(template: Batch, number: int) -> Batch:
    """The counts of another day, on which all files have other names."""
    day = number_of(START + datetime.timedelta(days=number))
    later = number * 86_400
    return replace(
        template,
        suggestions={(day, *key[1:]): value for key, value in template.suggestions.items()},
        calls={(day, *key[1:]): value for key, value in template.calls.items()},
        durations={(day, *key[1:]): value for key, value in template.durations.items()},
        egress={
            (day, *key[1:-1], key[-1].replace("module", f"module_{number:03}")): replace(
                sent, first=sent.first + later, last=sent.last + later
            )
            for key, sent in template.egress.items()
        },
        requests=deque(),
        ended_calls=deque(),
    )


def test_a_heavy_users_year_takes_less_than_5_mb_even_if_no_file_is_edited_on_two_days(tmp_path: Path) -> None:
    store = StatsStore(tmp_path / "stats.sqlite3")
    server, template = ServerInfo(id="1", pid=1, started=0), a_heavy_day()
    store.add(template, server, today=number_of(START))
    with store.reading():  # an open connection: the others leave what they wrote in the log, which is faster
        for number in range(1, 365):
            store.add(moved(template, number), today=number_of(START + datetime.timedelta(days=number)))
    assert [file.name for file in tmp_path.iterdir()] == ["stats.sqlite3"]
    assert store.path.stat().st_size < 5_000_000
    with closing(sqlite3.connect(store.path)) as db:
        assert db.execute("SELECT SUM(calls) FROM calls").fetchone() == (365 * CALLS,)
        assert db.execute("SELECT SUM(accepted) FROM suggestions").fetchone() == (365,)


def test_counts_of_more_than_a_year_ago_are_kept_by_month(tmp_path: Path) -> None:
    store = StatsStore(tmp_path / "stats.sqlite3")
    for day in (20250930, 20251001, 20251002, 20251031, 20251101):
        store.add(counts_of(day), today=day)
    rolled_up = datetime.date(2025, 11, 1) + datetime.timedelta(days=COUNT_DAYS)
    store.add(Batch(), today=number_of(rolled_up))
    assert read(store, "SELECT day, SUM(requests) FROM suggestions GROUP BY day") == [
        (20250901, 1), (20251001, 3), (20251101, 1)
    ]  # fmt: skip
    assert read(store, "SELECT day, calls, prompt_tokens FROM calls") == [
        (20250901, 1, 1000), (20251001, 3, 3000), (20251101, 1, 1000)
    ]  # fmt: skip
    histograms = read(store, "SELECT day, histogram FROM durations WHERE kind = 0")
    assert [(day, sum(decode(data).values())) for day, data in histograms] == [
        (20250901, 1), (20251001, 3), (20251101, 1)
    ]  # fmt: skip


def test_egress_is_kept_by_day_then_by_month_then_not_at_all(tmp_path: Path) -> None:
    store = StatsStore(tmp_path / "stats.sqlite3")
    for day in (20251001, 20251015, 20251016):
        store.add(counts_of(day), today=day)
    days = "SELECT day, SUM(calls) FROM egress GROUP BY day"
    assert read(store, days) == [(20251001, 2), (20251015, 2), (20251016, 2)]
    store.add(Batch(), today=number_of(datetime.date(2025, 11, 1) + datetime.timedelta(days=EGRESS_DAYS)))
    assert read(store, days) == [(20251001, 6)]
    store.add(Batch(), today=20261130)
    assert read(store, "SELECT COUNT(*) FROM egress") == [(0,)]
    assert read(store, "SELECT COUNT(*) FROM files") == [(0,)]
    assert read(store, "SELECT COUNT(*) FROM folders") == [(0,)]
    assert read(store, "SELECT SUM(sent_bytes) FROM calls") == [(12_000,)]


@pytest.mark.parametrize("today", [20250101, 20251031, 20280229])
def test_a_clock_that_jumps_does_no_harm(tmp_path: Path, today: int) -> None:
    store = StatsStore(tmp_path / "stats.sqlite3")
    store.add(counts_of(20251015), today=20251015)
    store.add(counts_of(20251015), today=today)
    store.add(counts_of(20251015), today=20251015)
    assert read(store, "SELECT SUM(requests) FROM suggestions") == [(3,)]


@pytest.mark.parametrize("day", [20240229, 20251231, 20260101])
def test_a_day_is_a_number(day: int) -> None:
    assert number_of(date_of(day)) == day


def at_noon(day: int) -> float:
    return datetime.datetime.combine(date_of(day), datetime.time(12)).timestamp()


def counts_of(day: int) -> Batch:
    at = at_noon(day)
    return batch(replace(CALL, at=at), replace(ANSWERED, at=at))


def read(store: StatsStore, sql: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(store.path)) as db:
        return db.execute(sql).fetchall()
