"""The value that is shown."""

from __future__ import annotations

import pytest

from fim_lsp.suggest.suggestion import Suggestion


@pytest.mark.parametrize(
    ("typed", "want"),
    [("", "a)"), ("a", ")"), ("a)", None), ("a) ", None), ("b", None)],
)
def test_what_remains_after_its_beginning_was_typed(typed: str, want: str | None) -> None:
    remaining = Suggestion(text="a)", replace=1).after(typed)
    assert remaining == (Suggestion(text=want, replace=1) if want else None)
