"""Errors are sentences for the user."""

from __future__ import annotations

from fim_lsp.errors import BackendError, Paused, Withheld


def test_a_withheld_prompt_was_not_sent_and_counts_as_a_pause() -> None:
    error = Withheld("the settings have changed")
    assert isinstance(error, Paused)
    assert not error.sent
    assert BackendError("x").sent
