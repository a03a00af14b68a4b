"""How long to wait: learnt from gaps, robust against pauses and pastes, never zero for want of data."""

from __future__ import annotations

import pytest

from fim_lsp.schedule.debounce import AdaptiveDebounce
from tests.marked import split

WORD, SPACE, CLOSED = split("foo‸"), split("foo ‸"), split("foo();‸")


def typed(*gaps: float) -> AdaptiveDebounce:
    debounce, now = AdaptiveDebounce(), 100.0
    debounce.edited(now)
    for gap in gaps:
        now += gap
        debounce.edited(now)
    return debounce


def test_the_wait_is_not_zero_for_want_of_data() -> None:
    assert AdaptiveDebounce().wait(WORD) > 0
    assert AdaptiveDebounce().due(5.0, WORD) == 5.0  # nobody has typed: there is nothing to wait for


def test_a_fixed_wait_applies_everywhere() -> None:
    assert AdaptiveDebounce(0.2).wait(CLOSED) == 0.2
    assert AdaptiveDebounce(0).wait(WORD) == 0


@pytest.mark.parametrize("gap", [0.01, 0.03, 0.05])
def test_a_held_key_is_waited_out(gap: float) -> None:
    """A call made between two of its edits would be wasted."""
    assert typed(*[gap] * 10).wait(WORD) >= 1.5 * gap
    assert typed(gap, gap).wait(WORD) >= 1.5 * gap


def test_slow_typing_is_not_waited_out() -> None:
    assert typed(*[0.3] * 20).wait(WORD) <= 0.15


def test_pauses_and_pastes_teach_nothing() -> None:
    usual = typed(*[0.15] * 20)
    odd = typed(*[gap for _ in range(20) for gap in (0.15, 5.0, 0.001)])
    assert odd.wait(WORD) == pytest.approx(usual.wait(WORD))


def test_a_long_pause_resets_the_pace() -> None:
    assert typed(*[0.5] * 20, 120.0).wait(WORD) == AdaptiveDebounce().wait(WORD)


def test_the_wait_depends_on_the_place() -> None:
    debounce = typed(*[0.15] * 20)
    assert debounce.wait(SPACE) < debounce.wait(WORD) < debounce.wait(CLOSED)


def test_the_wait_counts_from_the_last_edit() -> None:
    debounce = AdaptiveDebounce(0.2)
    debounce.edited(10.0)
    assert debounce.due(10.05, WORD) == pytest.approx(10.2)
    assert debounce.due(10.05, WORD, 2.0) == pytest.approx(10.4)


def test_a_slow_back_end_lengthens_the_wait() -> None:
    quick, slow = typed(*[0.15] * 20), typed(*[0.15] * 20)
    for _ in range(10):
        quick.answered(0.3)
        slow.answered(3.0)
    assert quick.wait(WORD) == typed(*[0.15] * 20).wait(WORD)
    assert slow.wait(WORD) > quick.wait(WORD) + 0.1
