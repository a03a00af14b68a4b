"""The reasons for results, as a user reads them."""

from __future__ import annotations

import pytest

from fim_lsp.schedule.request import CompletionResult, Outcome, Snapshot
from fim_lsp.session.request_log import EXPLANATIONS, MAX_ENTRIES, RequestLog, explain
from fim_lsp.suggest.suggestion import Suggestion
from tests.marked import split


def snapshot(path: str, *, explicit: bool = False) -> Snapshot:
    return Snapshot(uri="file:///w/a.py", language="python", path=path, split=split("a\nb‸c"), explicit=explicit)


def test_each_outcome_has_an_explanation() -> None:
    assert set(EXPLANATIONS) == set(Outcome)


@pytest.mark.parametrize(
    ("outcome", "text", "explanation"),
    [
        (Outcome.CACHE, "secret()", "1 line, 8 characters: from the cache"),
        (Outcome.CALL, "a\nb\n", "3 lines, 4 characters: from the back end"),
        (Outcome.IN_WORD, None, "nothing: the cursor is inside a word"),
    ],
)
def test_a_suggestion_is_counted_and_not_quoted(outcome: Outcome, text: str | None, explanation: str) -> None:
    suggestion = None if text is None else Suggestion(text=text, replace=0)
    assert explain(CompletionResult(outcome=outcome, suggestion=suggestion)) == explanation


def test_an_entry_has_time_position_and_duration() -> None:
    log = RequestLog(lambda: "12:00:00")
    log.add(snapshot("src/a.py", explicit=True), CompletionResult(outcome=Outcome.CALL), 0.25)
    log.add(snapshot(""), CompletionResult(outcome=Outcome.EXCLUDED), 0.0)
    assert log.entries() == [
        "12:00:00 a document:2:2 0 ms · nothing: the file is excluded or ignored, and is never sent",
        "12:00:00 src/a.py:2:2 (manually triggered) 250 ms · from the back end",
    ]


def test_only_the_latest_requests_are_kept() -> None:
    log = RequestLog(lambda: "")
    for number in range(MAX_ENTRIES + 5):
        log.add(snapshot(f"{number}.py"), CompletionResult(outcome=Outcome.CACHE), 0.0)
    assert len(log.entries()) == MAX_ENTRIES
    assert f" {MAX_ENTRIES + 4}.py:" in log.entries()[0]
