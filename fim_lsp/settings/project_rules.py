"""What a project's settings may change: a project can lower costs and tighten restrictions, but never the opposite.

A project's settings come with its files or its editor workspace, so they were written by the project's authors. Each rule
compares the project's value with the value below it: the user's, or the default.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

_MAX_ADAPTIVE_DEBOUNCE: Final = 400  # ms: the upper bound in schedule/debounce.py, so a longer fixed one costs less


@dataclass(frozen=True, slots=True)
class ProjectRule:
    """``allows(value, below)`` decides; ``may`` completes the message "a project may …" for a value that is refused."""

    allows: Callable[[Any, Any], bool]
    may: str


def _at_most(value: Any, below: Any) -> bool:
    return below is None or (value is not None and value <= below)


def _at_most_or_none(value: int | None, below: int | None) -> bool:
    return (value or 0) <= (below or 0)


def _no_faster(value: float | str, below: float | str) -> bool:
    if isinstance(value, str):
        return isinstance(below, str)
    return value >= (_MAX_ADAPTIVE_DEBOUNCE if isinstance(below, str) else below)


def _keeps_all_stops(value: Any, below: Any) -> bool:
    def strings(stop: Any) -> set[str]:
        return set() if stop is None else {stop} if isinstance(stop, str) else set(stop)

    return strings(below) <= strings(value)


def _no_more_lines(value: str, below: str) -> bool:
    order = ("never", "auto", "always")
    return order.index(value) <= order.index(below)


def quota(strictest_default: int) -> ProjectRule:
    """A limit per minute: 0 means no limit; null means the back end's own, at least ``strictest_default``."""

    def lowers(value: int | None, below: int | None) -> bool:
        if not value:
            return False
        return value <= (strictest_default if below is None else below or value)

    return ProjectRule(lowers, "only lower it")


ANYTHING: Final = ProjectRule(lambda _value, _below: True, "set it")
NOTHING: Final = ProjectRule(lambda _value, _below: False, "not set it")
ONLY_LOWER: Final = ProjectRule(_at_most, "only lower it")
ONLY_LOWER_MINIMUM: Final = ProjectRule(_at_most_or_none, "only lower it")
ONLY_SLOWER: Final = ProjectRule(_no_faster, "only raise it")
ONLY_MORE_STOPS: Final = ProjectRule(_keeps_all_stops, "only add to it")
ONLY_FEWER_LINES: Final = ProjectRule(_no_more_lines, 'only make it "auto" or "never"')
ONLY_TRUE: Final = ProjectRule(lambda value, below: value is True or value == below, "only set it to true")
ONLY_OFF: Final = ProjectRule(lambda value, below: value is False or below in (None, value), "only turn it off")
ONLY_MANUAL: Final = ProjectRule(lambda value, below: value in ("manual", below), 'only make it "manual"')
