"""The page, without a browser: what it contains and what it must not."""

from __future__ import annotations

import datetime
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from fim_lsp.schedule.events import SentFile
from fim_lsp.stats.page import MAX_FILES, page
from fim_lsp.stats.reading import read_counts
from fim_lsp.stats.report import make_report
from fim_lsp.stats.store import StatsStore
from tests.stats.samples import CALL, DAY, LOCAL_CALL, NOON, ONE_SUGGESTION, PLACE, SHOWN, batch

_VOID = {"meta", "line", "rect", "circle", "br"}


class Outline(HTMLParser):
    """Checks that elements nest, and collects them."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attributes)))
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attributes)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def page_of(folder: Path, *events: object, days: int = 30) -> str:
    store = StatsStore(folder / "stats.sqlite3")
    store.add(batch(*events), today=DAY)
    today = datetime.date(2026, 11, 26)
    since = today - datetime.timedelta(days=days - 1)
    return page(make_report(read_counts(store, 0), since=since, today=today, prices={}))


def outline(text: str) -> Outline:
    parser = Outline()
    parser.feed(text)
    parser.close()
    assert parser.open == []
    return parser


@pytest.fixture(name="text")
def a_page(tmp_path: Path) -> str:
    earlier = [replace(one, at=NOON - 86_400 * 5) for one in (CALL, SHOWN)]
    return page_of(tmp_path, *ONE_SUGGESTION, LOCAL_CALL, *earlier)


def test_the_page_loads_nothing_and_runs_nothing(text: str) -> None:
    parsed = outline(text)
    assert {tag for tag, _ in parsed.elements} & {"script", "link", "img", "iframe", "object", "a", "image"} == set()
    attributes = {name for _, one in parsed.elements for name in one}
    assert attributes & {"src", "href", "style", "onclick", "onload", "action", "data"} == set()
    assert "url(" not in text
    assert "@import" not in text
    assert "default-src 'none'" in text


def test_every_plot_has_a_title_a_description_and_numbers(text: str) -> None:
    parsed = outline(text)
    plots = [one for tag, one in parsed.elements if tag == "svg"]
    assert len(plots) == 5
    assert all(one["role"] == "img" and one["aria-label"] for one in plots)
    assert len(re.findall(r"<svg[^>]*><title>[^<]+</title><desc>[^<]+</desc>", text)) == len(plots)
    assert len(re.findall("<table>", text)) >= len(plots)


def test_names_are_escaped_and_hidden_characters_written_out(tmp_path: Path) -> None:
    nasty = "<script>alert(1)</script>\u202e\x1b[31m"
    place = replace(PLACE, language=nasty)
    call = replace(CALL, model=nasty, host=nasty, place=place, files=(SentFile(path=nasty, size=3),))
    text = page_of(tmp_path, call, replace(SHOWN, place=place))
    assert "script" not in {tag for tag, _ in outline(text).elements}
    assert "\u202e" not in text
    assert "\x1b" not in text
    assert "&lt;script&gt;" in text


def test_one_day_has_no_plot_of_days(tmp_path: Path) -> None:
    assert "Suggestions by day" not in page_of(tmp_path, *ONE_SUGGESTION, days=1)


def test_a_year_is_one_plot_and_stays_small(tmp_path: Path) -> None:
    events = [replace(SHOWN, at=NOON - 86_400 * days) for days in range(365)]
    text = page_of(tmp_path, *events, days=365)
    assert text.count('class="total"') == 365
    assert len(text) < 400_000


def test_the_files_of_a_host_are_listed_up_to_a_limit(tmp_path: Path) -> None:
    files = tuple(SentFile(path=f"src/{number}.py", size=10) for number in range(MAX_FILES + 7))
    text = page_of(tmp_path, replace(CALL, files=files))
    assert text.count('<td class="path">/home/me/project/src/') == MAX_FILES
    assert "7 more are in fim-lsp stats --json" in text


def test_what_was_never_sent_is_said(tmp_path: Path) -> None:
    assert "<h2>What left fim-lsp</h2>\n<p>Nothing.</p>" in page_of(tmp_path, SHOWN)
