"""What is done with a request, as a table."""

from __future__ import annotations

import pytest

from fim_lsp.schedule.call import Call, CallState
from fim_lsp.schedule.decision import Decision, Reuse, Serve, Skip, Start, decide
from fim_lsp.schedule.request import CompletionResult, Outcome, Snapshot
from fim_lsp.schedule.triggers import EditKind
from fim_lsp.suggest.suggestion import Suggestion
from tests.marked import split
from tests.schedule.script import a_chain


def snapshot(marked: str, *, explicit: bool) -> Snapshot:
    return Snapshot(uri="u", language="python", path="", split=split(marked), explicit=explicit)


TEXT = CompletionResult(outcome=Outcome.CACHE, suggestion=Suggestion(text="x"))
NOTHING = CompletionResult(outcome=Outcome.CACHE)
FALLBACK = CompletionResult(outcome=Outcome.FALLBACK, suggestion=Suggestion(text="x"))
CALL = Call(snapshot("‸", explicit=False), a_chain(), state=CallState.STREAMING)
TYPING, DELETION, PASTE = EditKind.TYPING, EditKind.DELETION, EditKind.PASTE


@pytest.mark.parametrize(
    ("marked", "explicit", "cached", "in_flight", "edit_kind", "decision"),
    [
        ("x‸", False, TEXT, None, TYPING, Serve(TEXT)),
        ("x‸", False, TEXT, CALL, TYPING, Serve(TEXT)),
        ("x‸", False, TEXT, None, DELETION, Serve(TEXT)),
        ("a‸b", False, TEXT, None, PASTE, Serve(TEXT)),
        ("x‸", False, NOTHING, None, TYPING, Serve(NOTHING)),
        ("x‸", False, FALLBACK, CALL, TYPING, Serve(FALLBACK)),
        ("x‸", True, TEXT, None, TYPING, Serve(TEXT)),
        ("x‸", True, NOTHING, None, TYPING, Start()),
        ("x‸", True, FALLBACK, None, TYPING, Start()),
        ("x‸", True, FALLBACK, CALL, TYPING, Reuse(CALL)),
        ("x‸", False, None, CALL, TYPING, Reuse(CALL)),
        ("a‸b", False, None, CALL, PASTE, Reuse(CALL)),
        ("x‸", False, None, None, TYPING, Start()),
        ("x‸", False, None, None, EditKind.NONE, Start()),
        ("x‸", False, None, None, DELETION, Skip(Outcome.DELETION)),
        ("x‸", False, None, None, PASTE, Skip(Outcome.PASTE)),
        ("a‸b", False, None, None, TYPING, Skip(Outcome.IN_WORD)),
        ("a‸b", True, None, None, PASTE, Start()),
    ],
)
def test_decisions(
    marked: str,
    explicit: bool,
    cached: CompletionResult | None,
    in_flight: Call | None,
    edit_kind: EditKind,
    decision: Decision,
) -> None:
    request = snapshot(marked, explicit=explicit)
    assert decide(request, cached=cached, in_flight=in_flight, edit_kind=edit_kind) == decision


@pytest.mark.parametrize(
    ("explicit", "cached", "in_flight", "is_offered", "decision"),
    [
        (False, None, None, False, Skip(Outcome.MANUAL)),
        (False, TEXT, None, False, Skip(Outcome.MANUAL)),  # nobody asked for it here
        (False, TEXT, None, True, Serve(TEXT)),  # the rest of what was asked for
        (False, None, None, True, Skip(Outcome.MANUAL)),
        (False, None, CALL, False, Reuse(CALL)),  # it was asked for, and is awaited
        (True, None, None, False, Start()),
        (True, TEXT, None, False, Serve(TEXT)),
    ],
)
def test_decisions_where_nothing_appears_without_being_asked_for(
    explicit: bool, cached: CompletionResult | None, in_flight: Call | None, is_offered: bool, decision: Decision
) -> None:
    request = snapshot("x‸", explicit=explicit)
    kind, silence = EditKind.TYPING, Outcome.MANUAL
    made = decide(request, cached=cached, in_flight=in_flight, edit_kind=kind, silence=silence, is_offered=is_offered)
    assert made == decision
