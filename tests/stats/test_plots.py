"""Plots as SVG: they parse, stay inside their frame, and say what they show."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fim_lsp.stats import plots

numbers = st.floats(0, 1e12, allow_subnormal=False) | st.just(5e-324)


def parse(svg: str) -> ET.Element:
    return ET.fromstring(svg)  # noqa: S314 - our own


def inside(svg: ET.Element) -> bool:
    _, _, width, height = map(float, svg.attrib["viewBox"].split())
    boxes = [tuple(float(one.attrib[name]) for name in ("x", "y", "width", "height")) for one in svg.iter("rect")]
    marks = [(float(one.attrib["cx"]), float(one.attrib["cy"])) for one in svg.iter("circle")]
    return all(
        x >= -0.1 and y >= -0.1 and x + w <= width + 0.1 and y + h <= height + 0.1 for x, y, w, h in boxes
    ) and all(0 <= x <= width and 0 <= y <= height for x, y in marks)


@given(st.lists(st.tuples(numbers, st.floats(0, 1)), max_size=400))
def test_bars_by_day(values: list[tuple[float, float]]) -> None:
    days = [plots.Day(label=f"{n} <Nov>", total=total, part=total * part) for n, (total, part) in enumerate(values)]
    svg = parse(plots.days("Title & more", "What it shows.", days, str))
    assert inside(svg)
    assert (svg.findtext("title"), svg.findtext("desc"), svg.attrib["role"]) == (
        "Title & more",
        "What it shows.",
        "img",
    )
    labels = [text for text in svg.iter("text") if "middle" in text.attrib["class"]]
    assert len(labels) <= 9


@given(st.lists(numbers, max_size=20))
def test_horizontal_bars(values: list[float]) -> None:
    svg = parse(plots.bars("T", "D", [plots.Bar(label="<x>" * 20, value=value, text="1") for value in values]))
    assert inside(svg)
    assert len(list(svg.iter("rect"))) == len(values)


@given(st.lists(st.tuples(numbers, numbers, numbers), max_size=20))
def test_ranges(values: list[tuple[float, float, float]]) -> None:
    rows = [plots.Range(label="x", values=(min(row), sorted(row)[1], max(row))) for row in values]
    svg = parse(plots.ranges("T", "D", rows, str))
    assert inside(svg)
    assert len(list(svg.iter("circle"))) == 3 * len(values)


@given(st.floats(1e-9, 1e15))
def test_ticks_are_few_and_reach_the_largest_value(largest: float) -> None:
    ticks = plots.ticks_to(largest)
    assert 2 <= len(ticks) <= 6
    assert all(tick.is_integer() for tick in ticks)
    assert ticks[0] == 0
    assert ticks[-1] >= largest * 0.999
    assert ticks[-2] < largest


@pytest.mark.parametrize(
    ("largest", "ticks"),
    [(0, [0, 1]), (2, [0, 1, 2]), (5, [0, 2, 4, 6]), (8, [0, 2, 4, 6, 8]), (350, [0, 100, 200, 300, 400])],
)
def test_ticks_are_round(largest: float, ticks: list[float]) -> None:
    assert plots.ticks_to(largest) == ticks
