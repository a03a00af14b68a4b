"""The page of ``fim-lsp stats --html`` in Chromium: on a wide and a narrow screen, light and dark, and on paper."""

from __future__ import annotations

import datetime
import os
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from fim_lsp.stats.page import page
from fim_lsp.stats.reading import read_counts
from fim_lsp.stats.report import make_report
from fim_lsp.stats.store import StatsStore
from tests.stats.samples import ACCEPTED, ANSWERED, CALL, KEPT, LOCAL_CALL, NOON, PLACE, SHOWN, batch

TODAY = datetime.date(2026, 11, 26)

_CONTRAST = """() => {
  const part = value => value <= .03928 ? value / 12.92 : ((value + .055) / 1.055) ** 2.4
  const light = color => {
    const [red, green, blue] = color.match(/[\\d.]+/g).map(number => part(number / 255))
    return .2126 * red + .7152 * green + .0722 * blue
  }
  const behind = element => {
    for (; element; element = element.parentElement) {
      const color = getComputedStyle(element).backgroundColor
      if (!color.endsWith(', 0)')) return color
    }
    return 'rgb(255, 255, 255)'
  }
  const contrasts = [...document.querySelectorAll('h1, h2, h3, p, td, th, dt, dd, figcaption, svg text')].map(element => {
    const style = getComputedStyle(element)
    const [a, b] = [element.matches('text') ? style.fill : style.color, behind(element)].map(light)
    return (Math.max(a, b) + .05) / (Math.min(a, b) + .05)
  })
  return Math.min(...contrasts)
}"""
"""The lowest contrast of any text with what is behind it, as WCAG computes it."""

_CUT_OFF = """() => [...document.querySelectorAll('svg text')].filter(text => {
  const box = text.getBoundingClientRect(), frame = text.closest('svg').getBoundingClientRect()
  return box.left < frame.left - 1 || box.right > frame.right + 1 || box.bottom > frame.bottom + 1 || box.top < frame.top - 1
}).map(text => text.textContent)"""

_OVERLAPPING = """() => [...document.querySelectorAll('svg')].flatMap(svg => {
  const boxes = [...svg.querySelectorAll('text')].map(text => [text.textContent, text.getBoundingClientRect()])
  return boxes.flatMap(([one, a], index) => boxes.slice(index + 1).filter(([, b]) =>
      a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 3 && b.top < a.bottom - 3).map(([two]) => [one, two]))
})"""


def a_month(folder: Path) -> str:
    """A page with all its parts."""
    store = StatsStore(folder / "stats.sqlite3")
    for days in range(30):
        at = NOON - days * 86_400
        place = replace(PLACE, language=("python", "typescript", "a-language-with-a-long-name")[days % 3])
        store.add(
            batch(
                *(replace(event, at=at, place=place) for event in (CALL, LOCAL_CALL, ANSWERED, SHOWN, SHOWN)),
                *(replace(event, at=at, language=place.language) for event in (ACCEPTED, KEPT)),
            ),
            today=20261126,
        )
    since = TODAY - datetime.timedelta(days=29)
    return page(make_report(read_counts(store, 0), since=since, today=TODAY, prices={}))


@pytest_asyncio.fixture(loop_scope="session")
async def shown(chromium: Any, tmp_path: Path) -> AsyncIterator[Any]:
    """The page in Chromium; it may request nothing but itself, and complain of nothing."""
    requests: list[str] = []
    complaints: list[str] = []
    file = tmp_path / "page.html"
    file.write_text(a_month(tmp_path), encoding="utf-8")
    tab = await chromium.new_page(viewport={"width": 1200, "height": 800})
    tab.on("request", lambda request: requests.append(request.url))
    tab.on("console", lambda message: complaints.append(message.text))
    tab.on("pageerror", lambda error: complaints.append(str(error)))
    await tab.goto(file.as_uri())
    yield tab
    await tab.close()
    assert requests == [file.as_uri()]
    assert complaints == []


@pytest.mark.asyncio(loop_scope="session")
async def test_the_page_reads_well_in_a_browser_and_on_paper(shown: Any, tmp_path: Path) -> None:
    pictures = Path(os.environ.get("FIM_LSP_TEST_PICTURES", tmp_path))
    backgrounds = {}
    for media in ("screen", "print"):
        for scheme in ("light", "dark"):
            await shown.emulate_media(media=media, color_scheme=scheme)
            assert await shown.evaluate(_CONTRAST) >= 4.5, (media, scheme)
            assert await shown.evaluate(_CUT_OFF) == []
            assert await shown.evaluate(_OVERLAPPING) == []
            color = await shown.evaluate("getComputedStyle(document.body).backgroundColor")
            backgrounds[media, scheme] = color
            await shown.screenshot(path=pictures / f"stats-{media}-{scheme}.png", full_page=True)
    paper = "rgb(255, 255, 255)"
    assert (backgrounds["screen", "light"], backgrounds["print", "light"], backgrounds["print", "dark"]) == (paper,) * 3
    assert backgrounds["screen", "dark"] == "rgb(20, 23, 27)"
    await shown.emulate_media(media="screen", color_scheme="light")
    for width in (1200, 700, 380):
        await shown.set_viewport_size({"width": width, "height": 800})
        assert await shown.evaluate("document.documentElement.scrollWidth") <= width
    assert await shown.locator("svg[role=img]").count() == 5
    assert await shown.get_by_role("img", name="Suggestions by day").is_visible()


@pytest.mark.asyncio(loop_scope="session")
async def test_on_paper_nothing_is_cut_off(shown: Any, tmp_path: Path) -> None:
    await shown.set_viewport_size({"width": 680, "height": 1000})  # A4 without its margins
    await shown.emulate_media(media="print")
    wide = """() => [...document.querySelectorAll('table, svg')].filter(element => element.getBoundingClientRect().right >
        document.documentElement.clientWidth + 1).map(element => element.textContent.slice(0, 60))"""
    assert await shown.evaluate(wide) == []
    await shown.pdf(path=tmp_path / "page.pdf", format="A4", prefer_css_page_size=True)
    assert (tmp_path / "page.pdf").read_bytes().startswith(b"%PDF")
