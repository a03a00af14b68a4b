"""The report as plain text."""

from __future__ import annotations

import datetime
from dataclasses import replace
from pathlib import Path

import pytest

from fim_lsp.schedule.events import SentFile
from fim_lsp.stats.reading import read_counts
from fim_lsp.stats.report import Report, make_report
from fim_lsp.stats.store import StatsStore
from fim_lsp.stats.text_report import WIDTH, egress, gist, overview
from tests.stats.samples import CALL, DAY, LOCAL_CALL, ONE_SUGGESTION, PLACE, SHOWN, batch

TODAY = datetime.date(2026, 11, 26)


def report_of(folder: Path, *events: object) -> Report:
    store = StatsStore(folder / "stats.sqlite3")
    store.add(batch(*events), today=DAY)
    return make_report(read_counts(store, 0), since=TODAY - datetime.timedelta(days=29), today=TODAY, prices={})


def test_what_suggestions_were_worth_and_what_they_cost(tmp_path: Path) -> None:
    lines = overview(report_of(tmp_path, *ONE_SUGGESTION, LOCAL_CALL))
    assert lines[0] == "fim-lsp on this machine, 28 Oct 2026 to 26 Nov 2026"
    table = [line.split() for line in lines]
    assert "Suggestions shown 1 1 1".split() in table
    assert "still there after 30 s 90 % 90 % 90 %".split() in table
    assert "per accepted character 0.10 0.10 0.10".split() in table
    assert "  codestral · codestral-latest · codestral.mistral.ai" in lines
    assert "    1 shown, 100 % accepted; 1 call" in lines
    assert "    1,040 tokens, 4.0 kB sent, < $0.01" in lines
    assert "    1,040 tokens, 4.0 kB sent, free" in lines
    assert any(
        "codestral-* ($0.30 in and $0.90 out" in " ".join(lines[number : number + 2]) for number in range(len(lines))
    )


def test_models_without_a_price_are_named(tmp_path: Path) -> None:
    text = " ".join(overview(report_of(tmp_path, replace(CALL, model="my-model"))))
    assert "no known price" in text
    assert "No price is known for my-model; the setting prices gives one." in text


def test_which_host_got_which_file(tmp_path: Path) -> None:
    text = "\n".join(egress(report_of(tmp_path, CALL, LOCAL_CALL)))
    outside, inside = text.split("Stayed on this machine")
    assert "  codestral.mistral.ai\n    4.0 kB in 1 request, 1 secret masked\n" in outside
    assert "project/src/main.py  26 Nov  12:00–12:00      1  3.0 kB\n" in outside
    assert "  127.0.0.1:8012\n" in inside
    assert "Sent to other machines: nothing" in "\n".join(egress(report_of(tmp_path / "local", LOCAL_CALL)))


@pytest.mark.parametrize("show", [overview, egress])
def test_no_line_is_longer_than_a_terminal_whatever_the_names_are(tmp_path: Path, show: object) -> None:
    long = "x" * 300
    languages = [replace(SHOWN, place=replace(PLACE, language=f"{number}{long}")) for number in range(20)]
    files = tuple(SentFile(path=f"src/{long}{number}.py", size=5) for number in range(20))
    call = replace(CALL, model=long, files=(*files, SentFile(path="", size=5)))
    lines = show(report_of(tmp_path, *ONE_SUGGESTION, *languages, call))  # type: ignore[operator]
    assert [line for line in lines if len(line) > WIDTH] == []
    assert any("more (--json lists all)" in line for line in lines)


def test_the_gist_is_a_sentence(tmp_path: Path) -> None:
    assert gist(report_of(tmp_path, *ONE_SUGGESTION)) == "30 days: 1 suggestion shown, 100 % accepted, 1 call, < $0.01."
