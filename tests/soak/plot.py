"""A run as SVG: memory, latencies and counts over time, one panel each, with the value axis from 0."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape

from fim_lsp.stats.plots import ticks_to
from tests.soak.measuring import Sample

_WIDTH, _PANEL, _LEFT, _TOP = 640, 130, 60, 22

PANELS: tuple[tuple[str, Callable[[Sample], float | None]], ...] = (
    ("memory (USS), MB", lambda one: one.memory / 2**20),
    ("answer, median, ms", lambda one: one.answer and one.answer * 1000),
    ("command, median, ms", lambda one: one.ping and one.ping * 1000),
    ("file descriptors", lambda one: one.descriptors),
    ("tasks", lambda one: one.tasks),
    ("objects, thousands", lambda one: one.objects / 1000),
)


def to_svg(samples: Sequence[Sample]) -> str:
    """All panels, one below the other."""
    last = samples[-1].at or 1.0
    parts = []
    for number, (title, value) in enumerate(PANELS):
        points = [(one.at / last, it) for one in samples if (it := value(one)) is not None]
        parts.append(f'<g transform="translate(0 {number * _PANEL})">{_panel(title, points)}</g>')
    height = len(PANELS) * _PANEL + 24
    foot = f'<text x="{_WIDTH}" y="{height - 6}" class="end">{last / 60:.0f} min, {samples[-1].edits} edits</text>'
    style = (
        "text{font:11px sans-serif;fill:#555}.end{text-anchor:end}.title{fill:#222;font-weight:bold}"
        "line{stroke:#ddd}polyline{fill:none;stroke:#2a6fbb;stroke-width:1.5}"
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img">'
        f"<title>Soak: memory, latency and counts over time</title><style>{style}</style>"
        f'<rect width="100%" height="100%" fill="#fff"/>{"".join(parts)}{foot}</svg>\n'
    )


def _panel(title: str, points: Sequence[tuple[float, float]]) -> str:
    ticks = ticks_to(max((value for _, value in points), default=0))
    parts = [f'<text class="title" x="{_LEFT}" y="14">{escape(title)}</text>']
    for tick in ticks[:: max(1, len(ticks) // 3)]:
        y = _height_at(tick, ticks[-1])
        parts.append(f'<line x1="{_LEFT}" x2="{_WIDTH}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text class="end" x="{_LEFT - 6}" y="{y + 4:.1f}">{tick:g}</text>')
    line = " ".join(f"{_LEFT + (_WIDTH - _LEFT) * x:.1f},{_height_at(value, ticks[-1]):.1f}" for x, value in points)
    return "".join(parts) + f'<polyline points="{line}"/>'


def _height_at(value: float, largest: float) -> float:
    return _TOP + (_PANEL - _TOP - 10) * (1 - value / largest)
