"""The order of what ``why`` answers."""

from __future__ import annotations

import json

from fim_lsp.schedule.events import Place, RequestAnswered
from fim_lsp.schedule.request import Outcome
from fim_lsp.session.explanation import NOTHING_YET, Explanation

PLACE = Place(path="a.py", language="python", line=0, column=0)


def test_the_present_comes_before_the_past() -> None:
    explanation = Explanation(
        document=("a.py is excluded.",),
        is_silent=True,
        status="fim-lsp is idle.",
        problems=("top_p must be a number.",),
        learning=("python: you took 3 of 10",),
        answered=[RequestAnswered(request=1, at=0, place=PLACE, explicit=False, outcome=Outcome.IN_WORD)],
    )
    *now, request = explanation.lines()
    assert now == ["a.py is excluded.", "fim-lsp is idle.", "top_p must be a number.", "python: you took 3 of 10"]
    assert request.endswith(" a.py:1:1 · nothing inside a word")
    found = json.loads(json.dumps(explanation.to_json()))
    assert found["is_silent"] is True
    assert found["requests"][0]["outcome"] == "in word"


def test_before_the_first_request_that_is_said() -> None:
    assert list(Explanation(status="fim-lsp is idle.").lines()) == ["fim-lsp is idle.", NOTHING_YET]
