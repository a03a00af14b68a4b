"""Which suggestions are shown beside an entry that is highlighted in the editor's menu."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fim_lsp.schedule.request import CompletionResult, Outcome
from fim_lsp.schedule.selected_entry import fitting
from fim_lsp.suggest.suggestion import Suggestion
from tests.schedule.script import a_snapshot, shown


def result(text: str, *others: str) -> CompletionResult:
    found = tuple(CompletionResult(outcome=Outcome.CACHE, suggestion=Suggestion(text=other)) for other in others)
    return CompletionResult(outcome=Outcome.CALL, suggestion=Suggestion(text=text), backend="x", others=found)


@pytest.mark.parametrize(
    ("selected", "texts"),
    [
        (None, ["path.a", "path", "pardir"]),
        ("", ["path.a", "path", "pardir"]),
        ("path", ["path.a", "path"]),
        ("pardir", ["pardir"]),
        ("Path", []),
    ],
)
def test_what_begins_with_the_entry_is_left(selected: str | None, texts: list[str]) -> None:
    found = fitting(replace(a_snapshot(), selected=selected), result("path.a", "path", "pardir"))
    assert [shown(each) for each in (found, *found.others) if each.suggestion] == texts
    assert found.outcome is not Outcome.MENU or (found.backend == "x" and not texts)


def test_where_there_is_nothing_the_reason_stays() -> None:
    nothing = CompletionResult(outcome=Outcome.EMPTY)
    assert fitting(replace(a_snapshot(), selected="path"), nothing) is nothing
