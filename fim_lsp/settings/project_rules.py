"""What a project may do to a setting. A project can lower what costs or leaks, and never raise it.

A project's settings are those that come with its files or its editor workspace, so they are written by whoever wrote
the project. Each rule here compares the project's value with the one in force below it, the user's own or the default.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

_ADAPTIVE_MOST: Final = 400
"""Milliseconds: the adaptive debounce never waits longer (``schedule/rhythm.py``), so a fixed wait from here on costs less."""


@dataclass(frozen=True, slots=True)
class ProjectRule:
    """``allows(value, below)`` decides; ``may`` completes "a project may …" when it says no."""

    allows: Callable[[Any, Any], bool]
    may: str


def _not_above(value: Any, below: Any) -> bool:
    return below is None or (value is not None and value <= below)


def _fewer_at_least(value: int | None, below: int | None) -> bool:
    return (value or 0) <= (below or 0)


def _slower(value: float | str, below: float | str) -> bool:
    if isinstance(value, str):
        return isinstance(below, str)
    return value >= (_ADAPTIVE_MOST if isinstance(below, str) else below)


def _stops_no_less(value: Any, below: Any) -> bool:
    def strings(stop: Any) -> set[str]:
        return set() if stop is None else {stop} if isinstance(stop, str) else set(stop)

    return strings(below) <= strings(value)


def _fewer_lines(value: str, below: str) -> bool:
    order = ("never", "auto", "always")
    return order.index(value) <= order.index(below)


def quota(known: int) -> ProjectRule:
    """A limit a minute: 0 means no limit, null the back end's own, which is ``known`` for the strictest one."""

    def lowers(value: int | None, below: int | None) -> bool:
        if not value:
            return False
        return value <= (known if below is None else below or value)

    return ProjectRule(lowers, "only lower it")


ANYTHING: Final = ProjectRule(lambda _value, _below: True, "set it")
NOTHING: Final = ProjectRule(lambda _value, _below: False, "not set it")
LOWER: Final = ProjectRule(_not_above, "only lower it")
LOWER_MINIMUM: Final = ProjectRule(_fewer_at_least, "only lower it")
SLOWER: Final = ProjectRule(_slower, "only raise it")
MORE_STOPS: Final = ProjectRule(_stops_no_less, "only add to it")
FEWER_LINES: Final = ProjectRule(_fewer_lines, 'only make it "auto" or "never"')
ONLY_TRUE: Final = ProjectRule(lambda value, below: value is True or value == below, "only set it to true")
