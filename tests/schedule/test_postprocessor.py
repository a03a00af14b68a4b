"""What is shown depends on the settings; a cursor's context is computed once for a stream."""

from __future__ import annotations

import pytest

from fim_lsp.schedule import postprocessor
from fim_lsp.schedule.postprocessor import Postprocessor
from fim_lsp.suggest.cursor_context import Multiline
from tests.schedule.script import a_snapshot

BLOCK = "one(\n    two,\n)"


@pytest.mark.parametrize(("multiline", "text", "shown"), [("never", "one()\ntwo()", "one()"), ("always", BLOCK, BLOCK)])
def test_the_settings_decide_how_much_is_shown(multiline: Multiline, text: str, shown: str) -> None:
    suggestion = Postprocessor(multiline).shaped(a_snapshot("x = ‸\n"), text, "stop").suggestion
    assert suggestion is not None
    assert suggestion.text == shown


def test_the_context_of_a_cursor_is_computed_once_for_a_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    computed, compute = [], postprocessor.cursor_context_at

    def count(*arguments: object) -> object:
        computed.append(arguments)
        return compute(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(postprocessor, "cursor_context_at", count)
    post, call, request = Postprocessor("auto"), a_snapshot("x = ‸\n"), a_snapshot("x = o‸\n")
    for size in range(1, 6):
        post.is_complete(call, "one()"[:size])
        post.shaped(request, "ne()"[:size], None)
    assert len(computed) == 2
