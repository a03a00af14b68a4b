"""Events as a session publishes them."""

from __future__ import annotations

import datetime
from dataclasses import replace
from typing import Any

from fim_lsp.schedule.events import (
    Acceptance,
    CallEnded,
    CallOutcome,
    CallPurpose,
    Place,
    RequestAnswered,
    SentFile,
    SuggestionAccepted,
    SuggestionShown,
    TextKept,
)
from fim_lsp.schedule.request import Outcome
from fim_lsp.stats.counts import Batch, Tally

DAY = 20261126
NOON = datetime.datetime(2026, 11, 26, 12).timestamp()
PLACE = Place(path="src/main.py", language="python", line=3, column=7)

ANSWERED = RequestAnswered(
    request=1,
    at=NOON,
    place=PLACE,
    explicit=False,
    outcome=Outcome.CALL,
    backend="codestral",
    call=1,
    seconds=0.41,
    lines=1,
    characters=20,
)
CALL = CallEnded(
    request=1,
    at=NOON,
    purpose=CallPurpose.COMPLETION,
    backend="codestral",
    model="codestral-latest",
    host="codestral.mistral.ai",
    local=False,
    place=PLACE,
    outcome=CallOutcome.ANSWERED,
    requests=1,
    sent=4000,
    files=(SentFile(path="src/main.py", size=3000), SentFile(path="src/util.py", size=500)),
    masked=1,
    first_text=0.25,
    seconds=0.4,
    prompt_tokens=1000,
    completion_tokens=40,
)
LOCAL_CALL = replace(CALL, backend="llamacpp", model="qwen", host="127.0.0.1:8012", local=True)
SHOWN = SuggestionShown(
    suggestion=1, at=NOON, place=PLACE, backend="codestral", outcome=Outcome.CALL, lines=1, characters=20
)
ACCEPTED = SuggestionAccepted(
    suggestion=1, at=NOON, language="python", backend="codestral", how=Acceptance.WHOLE, characters=20, by_command=True
)
KEPT = TextKept(suggestion=1, at=NOON, language="python", backend="codestral", accepted=20, kept=18)
ONE_SUGGESTION = (CALL, ANSWERED, SHOWN, ACCEPTED, KEPT)


def batch(*events: Any, workspace: tuple[str, ...] = ("/home/me/project",)) -> Batch:
    """The counts of these events."""
    tally = Tally()
    for event in events:
        tally.add(event, workspace)
    return tally.take()
