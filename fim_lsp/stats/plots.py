"""Plots as SVG: bars by day, horizontal bars, ranges of latencies.

They are a page's only graphics, so they are drawn here: the smallest plotting library for SVG (leather, 0.4 MB) knows neither
titles for screen readers nor dark colours, pygal (1.9 MB) adds scripts, and altair, plotly and bokeh (22 to 148 MB) need a
browser to run them. Colours, fonts and the dark scheme are those of the page's style sheet; each plot has a title and a
description, and the page has its numbers in a table beside it.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

_WIDTH: Final = 540
_HEIGHT: Final = 210
_LEFT, _BOTTOM, _TOP = 52, 24, 12  # room for the labels of the axes
_ROW: Final = 30
_LABEL: Final = 160  # width of the names beside horizontal bars
_MIN_LABEL_GAP: Final = 70  # between the days that are written below bars


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """A bar: ``total`` is its height, ``part`` the filled part of it."""

    label: str
    total: float
    part: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A horizontal bar, and what is written at its end."""

    label: str
    value: float
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """Three values on one line, such as percentiles."""

    label: str
    values: tuple[float, float, float]


def days(title: str, description: str, bars: Sequence[Day], write: Callable[[float], str]) -> str:
    """A bar for each day. ``write`` is how a height is written at the axis."""
    ticks = ticks_to(max((bar.total for bar in bars), default=0))
    width = (_WIDTH - _LEFT) / max(len(bars), 1)
    gap = min(0.25 * width, 4)
    parts = []
    for value in ticks:
        y = _height_at(value, ticks[-1])
        parts.append(f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text class="axis end" x="{_LEFT - 6}" y="{y + 4:.1f}">{escape(write(value))}</text>')
    every = max(1, math.ceil(_MIN_LABEL_GAP / width))
    for index, bar in enumerate(bars):
        x = _LEFT + index * width + gap / 2
        for kind, value in (("total", bar.total), ("part", bar.part)):
            if value > 0:
                y = _height_at(value, ticks[-1])
                size = f'width="{width - gap:.2f}" height="{_HEIGHT - _BOTTOM - y:.1f}"'
                parts.append(f'<rect class="{kind}" x="{x:.2f}" y="{y:.1f}" {size}/>')
        if (len(bars) - 1 - index) % every == 0 and x - _LEFT + width >= _MIN_LABEL_GAP / 2:
            parts.append(
                f'<text class="axis end" x="{x + width - gap:.1f}" y="{_HEIGHT - 6}">{escape(bar.label)}</text>'
            )
    return _svg(title, description, _HEIGHT, parts)


def bars(title: str, description: str, rows: Sequence[Bar]) -> str:
    """Horizontal bars, from the top down."""
    largest = max((row.value for row in rows), default=0) or 1
    space = _WIDTH - _LABEL - 90
    parts = []
    for index, row in enumerate(rows):
        y = index * _ROW + 6
        length = max(1.0, space * row.value / largest) if row.value > 0 else 0
        parts.append(_name(row.label, y))
        parts.append(f'<rect class="part" x="{_LABEL}" y="{y}" width="{length:.1f}" height="18"/>')
        parts.append(f'<text class="value" x="{_LABEL + length + 6:.1f}" y="{y + 14}">{escape(row.text)}</text>')
    return _svg(title, description, len(rows) * _ROW + 4, parts)


def ranges(title: str, description: str, rows: Sequence[Range], write: Callable[[float], str]) -> str:
    """A line for each row from its first value to its last, with a mark at each of the three."""
    ticks = ticks_to(max((row.values[-1] for row in rows), default=0))
    space = _WIDTH - _LABEL - 24
    height = len(rows) * _ROW + _BOTTOM + 4
    parts = []
    for value in ticks:
        x = _LABEL + space * value / ticks[-1]
        parts.append(f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="0" y2="{height - _BOTTOM}"/>')
        parts.append(f'<text class="axis middle" x="{x:.1f}" y="{height - 8}">{escape(write(value))}</text>')
    for index, row in enumerate(rows):
        y = index * _ROW + 15
        places = [_LABEL + space * value / ticks[-1] for value in row.values]
        parts.append(_name(row.label, y - 9))
        parts.append(f'<line class="range" x1="{places[0]:.1f}" x2="{places[-1]:.1f}" y1="{y}" y2="{y}"/>')
        for place, radius in zip(places, (6, 5, 4), strict=True):
            parts.append(f'<circle class="part" cx="{place:.1f}" cy="{y}" r="{radius}"/>')
    return _svg(title, description, height, parts)


def ticks_to(largest: float) -> list[float]:
    """Whole, round numbers from 0 to ``largest`` or a little more, up to six: what is plotted are counts and milliseconds."""
    if not 1 < largest < math.inf:
        return [0.0, 1.0]
    raw = largest / 4
    power = 10 ** max(0, math.floor(math.log10(raw)))
    factors = (1, 2, 5, 10) if power == 1 else (1, 2, 2.5, 5, 10)
    step = next(factor * power for factor in factors if factor * power >= raw * 0.999)
    count = math.ceil(largest / step - 1e-9)
    return [float(step * index) for index in range(count + 1)]


def _height_at(value: float, largest: float) -> float:
    return _TOP + (_HEIGHT - _BOTTOM - _TOP) * (1 - value / largest)


def _name(label: str, y: float) -> str:
    shown = label if len(label) <= 22 else f"{label[:21]}…"
    return f'<text class="name end" x="{_LABEL - 10}" y="{y + 14}">{escape(shown)}</text>'


def _svg(title: str, description: str, height: int, parts: Sequence[str]) -> str:
    body = "".join(itertools.chain([f"<title>{escape(title)}</title><desc>{escape(description)}</desc>"], parts))
    return f'<svg role="img" viewBox="0 0 {_WIDTH} {height}" aria-label="{escape(title)}">{body}</svg>'
