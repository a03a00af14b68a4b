"""When accepted text is counted, in virtual time."""

from __future__ import annotations

import asyncio

import pytest

from fim_lsp.schedule.events import Event, TextKept
from fim_lsp.schedule.kept_text import KEPT_AFTER, KeptText
from fim_lsp.schedule.offer import Taken
from fim_lsp.text.document import Document
from fim_lsp.text.positions import Encoding
from tests.virtual import now

pytestmark = pytest.mark.usefixtures("virtual_time")


class Kept:
    """What was accepted in one document, and when it was counted."""

    def __init__(self) -> None:
        self.counted: list[tuple[float, int, int, int]] = []
        self.document = Document("", Encoding.UTF32)
        self.kept = KeptText(self._publish, wall_clock=now)

    def _publish(self, event: Event) -> None:
        assert isinstance(event, TextKept)
        assert (event.language, event.backend, event.at) == ("python", "codestral", now())
        self.counted.append((now(), event.suggestion, event.kept, event.accepted))

    def accept(self, suggestion: int, text: str, start: int = 0) -> None:
        """``text``, which begins at a suggestion's character ``start``, is inserted at the document's end."""
        position = (0, len(self.document.lines[0]))
        self.kept.apply(self.document.replace(position, position, text))
        taken = Taken(start=start, end=start + len(text), position=position)
        self.kept.accepted(suggestion, text, taken, language="python", backend="codestral")

    def erase(self, start: int, end: int) -> None:
        """Remove columns of the document."""
        self.kept.apply(self.document.replace((0, start), (0, end), ""))


async def test_half_a_minute_after_it_was_accepted() -> None:
    kept = Kept()
    kept.accept(1, "abcdef")
    await asyncio.sleep(KEPT_AFTER - 1)
    kept.erase(0, 2)
    await asyncio.sleep(2)
    kept.erase(0, 4)
    assert kept.counted == [(KEPT_AFTER, 1, 4, 6)]


async def test_parts_of_one_suggestion_are_counted_together_after_the_last() -> None:
    kept = Kept()
    kept.accept(1, "one")
    await asyncio.sleep(10)
    kept.accept(1, " two", start=3)
    await asyncio.sleep(60)
    assert kept.counted == [(10 + KEPT_AFTER, 1, 7, 7)]


async def test_two_suggestions_are_counted_apart() -> None:
    kept = Kept()
    kept.accept(1, "one")
    kept.accept(2, "two")
    kept.erase(2, 4)
    await asyncio.sleep(60)
    assert [entry[1:] for entry in kept.counted] == [(1, 2, 3), (2, 2, 3)]


async def test_accepted_again_after_undo() -> None:
    kept = Kept()
    kept.accept(1, "one")
    kept.erase(0, 3)
    kept.accept(1, "one")
    await asyncio.sleep(60)
    assert [entry[1:] for entry in kept.counted] == [(1, 3, 3)]


async def test_closing_counts_at_once_and_only_once() -> None:
    kept = Kept()
    kept.accept(1, "one")
    kept.kept.close()
    await asyncio.sleep(60)
    assert kept.counted == [(0.0, 1, 3, 3)]


async def test_few_are_followed_and_the_oldest_is_counted_early() -> None:
    kept = Kept()
    for number in range(1, 12):
        kept.accept(number, "x")
    assert [entry[:2] for entry in kept.counted] == [(0.0, 1), (0.0, 2), (0.0, 3)]
    await asyncio.sleep(60)
    assert sorted(entry[1] for entry in kept.counted) == list(range(1, 12))
