"""A clock that tests set, and limiters on it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


def never_by_chance() -> float:
    return 0.0
