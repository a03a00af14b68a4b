"""Context is worth its tokens: at the same cost, more of the names that come next are in the prompt."""

from __future__ import annotations

from tests.quality.context_eval import measure

PACKAGES = ("httpx", "pygls", "httpcore")


def test_more_of_the_names_to_come_are_in_the_prompt() -> None:
    end = measure(PACKAGES, 40, end=True)
    assert end.told >= end.bare + 0.02 * end.names
    middle = measure(PACKAGES, 40, end=False)
    assert middle.told >= middle.bare
