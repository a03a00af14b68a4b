"""The report as values and as JSON."""

from __future__ import annotations

import datetime
import json
from dataclasses import fields, replace
from pathlib import Path

import pytest

from fim_lsp.schedule.events import CallOutcome
from fim_lsp.schedule.request import Outcome
from fim_lsp.stats.counts import CallCounts, SuggestionCounts
from fim_lsp.stats.histogram import MAX_ERROR
from fim_lsp.stats.reading import Counts, read_counts
from fim_lsp.stats.report import Report, make_report
from fim_lsp.stats.store import StatsStore
from tests.stats.samples import ACCEPTED, ANSWERED, CALL, DAY, LOCAL_CALL, NOON, ONE_SUGGESTION, PLACE, SHOWN, batch

TODAY = datetime.date(2026, 11, 26)


@pytest.fixture(name="report")
def a_report(tmp_path: Path) -> Report:
    """Two suggestions of today, of which one was accepted, and one of three weeks ago in Rust."""
    earlier = NOON - 21 * 86_400
    rust = replace(PLACE, language="rust", path="src/lib.rs")
    store = StatsStore(tmp_path / "stats.sqlite3")
    store.add(batch(*(replace(one, at=earlier, place=rust) for one in (CALL, ANSWERED, SHOWN))), today=DAY)
    store.add(batch(*ONE_SUGGESTION, SHOWN, replace(ANSWERED, outcome=Outcome.CACHE)), today=DAY)
    store.add(batch(LOCAL_CALL, replace(CALL, outcome=CallOutcome.RATE_LIMITED, estimated=True)), today=DAY)
    return report_of(store)


def report_of(store: StatsStore, days: int = 30) -> Report:
    since = TODAY - datetime.timedelta(days=days - 1)
    number = since.year * 10_000 + since.month * 100 + since.day
    return make_report(read_counts(store, number), since=since, today=TODAY, prices={})


def test_periods_end_today_and_contain_what_was_counted_since(report: Report) -> None:
    shown = [(period.name, period.summary.suggestions.shown) for period in report.periods]
    assert shown == [("today", 2), ("7 days", 2), ("30 days", 3)]
    assert [period.summary.calls.calls for period in report.periods] == [3, 3, 4]


def test_rates_are_those_of_the_counts(report: Report) -> None:
    today = report.periods[0].summary
    assert (today.acceptance, today.kept, today.cached, today.reused) == (0.5, 0.9, 0.5, 0)
    assert today.calls_per_character == 3 / 20
    assert today.tokens_per_character == 3 * 1040 / 20
    assert today.cost.dollars == pytest.approx(2 * (0.0003 + 0.000036))
    assert today.cost.estimated == pytest.approx(today.cost.dollars / 2)
    assert today.answer
    assert today.answer.p50 == pytest.approx(0.41, rel=MAX_ERROR)


def test_languages_and_back_ends_begin_with_the_most_used(report: Report) -> None:
    assert [(language, one.suggestions.shown) for language, one in report.languages] == [("python", 2), ("rust", 1)]
    assert [(source.backend, one.calls.calls) for source, _, one in report.backends] == [
        ("codestral", 3),
        ("llamacpp", 1),
    ]
    assert [price.pattern if price else None for _, price, _ in report.backends] == ["codestral-*", None]


def test_hosts_outside_this_machine_come_first(report: Report) -> None:
    hosts = [(host.host, host.local, host.size, host.masked, len(host.files)) for host in report.hosts]
    assert hosts == [("codestral.mistral.ai", False, 12_000, 3, 4), ("127.0.0.1:8012", True, 4000, 1, 2)]


def test_one_day_is_one_period(tmp_path: Path) -> None:
    store = StatsStore(tmp_path / "stats.sqlite3")
    store.add(batch(*ONE_SUGGESTION), today=DAY)
    assert [period.name for period in report_of(store, 1).periods] == ["today"]
    assert [period.name for period in report_of(store, 7).periods] == ["today", "7 days"]
    assert [period.name for period in report_of(store, 3).periods] == ["today", "3 days"]


def test_nothing_makes_a_report_of_zeros() -> None:
    report = make_report(Counts(), since=TODAY, today=TODAY, prices={})
    (today,) = report.to_json()["periods"]
    assert today["rates"] == dict.fromkeys(today["rates"])
    assert report.to_json()["egress"] == []


def test_the_keys_of_the_json_stay(report: Report) -> None:
    found = json.loads(json.dumps(report.to_json()))
    assert set(found) == {
        "version", "generated", "since", "until", "days", "max_latency_error", "periods", "by_day", "by_language",
        "by_backend", "egress",
    }  # fmt: skip
    summary = {"suggestions", "calls", "rates", "latency", "cost"}
    assert set(found["periods"][0]) == summary | {"name", "since"}
    assert set(found["by_day"][0]) == summary | {"day", "month"}
    assert set(found["by_language"][0]) == summary | {"language"}
    assert set(found["by_backend"][0]) == summary | {"backend", "model", "host", "local", "price"}
    assert set(found["periods"][0]["suggestions"]) == {column.name for column in fields(SuggestionCounts)}
    assert set(found["periods"][0]["calls"]) == {column.name for column in fields(CallCounts)}
    assert set(found["egress"][0]) == {"host", "local", "sent_bytes", "http_requests", "calls", "masked", "files"}
    assert set(found["egress"][0]["files"][0]) == {
        "day", "folder", "path", "first", "last", "calls", "bytes", "masked"
    }  # fmt: skip
    assert (found["version"], found["since"], found["until"], found["days"]) == (1, "2026-10-28", "2026-11-26", 30)


def test_what_was_accepted_without_being_shown_makes_no_rate(tmp_path: Path) -> None:
    store = StatsStore(tmp_path / "stats.sqlite3")
    store.add(batch(ACCEPTED), today=DAY)
    assert report_of(store).periods[0].summary.acceptance is None
