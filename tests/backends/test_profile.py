"""What profiles share."""

from __future__ import annotations

import pytest

from fim_lsp.backends.profile import smallest, stop_strings


@pytest.mark.parametrize(("counts", "expected"), [((3, None, 2), 2), ((0, 1), 0), ((None,), None), ((), None)])
def test_the_smallest_of_what_is_known(counts: tuple[int | None, ...], expected: int | None) -> None:
    assert smallest(*counts) == expected


def test_stop_strings_are_joined_in_order_and_without_repetition() -> None:
    assert stop_strings("\n", None, ("a", "", "b"), ("b", "c")) == ["\n", "a", "b", "c"]


def test_stop_strings_have_the_line_ends_and_characters_that_are_sent() -> None:
    assert stop_strings(("\r\n", "x\ry", "\ud800")) == ["\n", "x\ny", "\ufffd"]
