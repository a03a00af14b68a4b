"""What is taken for a key."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fim_lsp.backends.credentials import KeySource
from fim_lsp.cli.key_input import MAX_KEY, checked_key
from fim_lsp.errors import UsageError
from fim_lsp.secret import Secret


@pytest.mark.parametrize("text", ["k-1", "k-1\n", "k-1\r\n", "  k-1  "])
def test_the_line_end_and_spaces_around_a_key_are_dropped(text: str) -> None:
    assert checked_key(text) == Secret("k-1")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "empty"),
        (" \n", "empty"),
        ("Bearer k", "spaces"),
        ("k-1\nk-2\n", "more than one line"),
        ("k\x07k", "characters that no key has"),
        ("schlüssel", "characters that no key has"),
        ('"k-1"', "leave out the quotes"),
        ("k" * (MAX_KEY + 1), "more than 4,096 characters"),
    ],
)
def test_what_is_no_key_is_refused_without_repeating_it(text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words) as caught:
        checked_key(text)
    assert not text.strip() or text.strip() not in str(caught.value)


@given(st.text())
async def test_every_accepted_key_can_be_sent(text: str) -> None:
    try:
        key = checked_key(text)
    except UsageError:
        return
    assert await KeySource("https://llm.example", api_key=key).key() == key
