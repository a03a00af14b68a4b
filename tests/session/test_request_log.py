"""What became of requests, as a user reads it."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from fim_lsp.schedule.events import CallEnded, CallOutcome, CallPurpose, Place, RequestAnswered, SentFile
from fim_lsp.schedule.request import Outcome
from fim_lsp.session.request_log import MAX_LINES, WITHOUT_SUGGESTION, entries, lines_of, to_json, what_became

NOON = time.mktime((2026, 11, 26, 12, 0, 0, 0, 0, -1))
PLACE = Place(path="src/a.py", language="python", line=11, column=4)
SHOWN: dict[str, Any] = {"lines": 2, "characters": 31}
DOWN = "codestral.mistral.ai can't be reached"


def answered(outcome: Outcome, backend: str = "codestral", **fields: Any) -> RequestAnswered:
    values: dict[str, Any] = {"request": 1, "at": NOON, "place": PLACE, "explicit": False, **fields}
    return RequestAnswered(outcome=outcome, backend=backend, **values)


def call(**fields: Any) -> CallEnded:
    values: dict[str, Any] = {
        "request": 1,
        "at": NOON,
        "purpose": CallPurpose.COMPLETION,
        "backend": "codestral",
        "model": "codestral-latest",
        "host": "codestral.mistral.ai",
        "local": False,
        "place": PLACE,
        "outcome": CallOutcome.HUNG_UP,
        "prompt_tokens": 1812,
        "completion_tokens": 31,
        **fields,
    }
    return CallEnded(**values)


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        (answered(Outcome.CALL, **SHOWN, seconds=0.412, waited=0.08), "codestral, 412 ms (waited 80 ms), 2 lines"),
        (answered(Outcome.CALL, lines=1, characters=3, seconds=1.5), "codestral, 1,500 ms, 1 line"),
        (answered(Outcome.CALL, "ngram", **SHOWN, seconds=0.003), "from your own files (ngram), 3 ms, 2 lines"),
        (
            answered(Outcome.REUSED_CALL, **SHOWN, seconds=0.1),
            "codestral, from the call that was in flight, 100 ms, 2 lines",
        ),
        (answered(Outcome.CACHE, **SHOWN), "from the cache (codestral), 2 lines"),
        (
            answered(Outcome.FALLBACK, "ngram", **SHOWN, seconds=0.005, reason=DOWN),
            f"from your own files (ngram), because {DOWN}, 5 ms, 2 lines",
        ),
        (
            answered(Outcome.FALLBACK, "llamacpp", **SHOWN, seconds=0.2, reason=DOWN),
            f"from llamacpp, because {DOWN}, 200 ms, 2 lines",
        ),
        (answered(Outcome.EMPTY), "codestral had no suggestion here"),
        (answered(Outcome.CACHE), "codestral had no suggestion here (from the cache)"),
        (answered(Outcome.EMPTY, "ngram"), "ngram is not sure enough here"),
        (
            answered(Outcome.EMPTY, "ngram", reason=DOWN),
            f"ngram is not sure enough here; it was asked because {DOWN}",
        ),
        (
            answered(Outcome.EMPTY, cut_by=("goes on after the block", "repeats the lines below")),
            "codestral's answer could not be used here, because it repeats the lines below",
        ),
        (answered(Outcome.SUPERSEDED, ""), "you typed on"),
        (answered(Outcome.DELETION, ""), "nothing after a deletion"),
        (answered(Outcome.PASTE, ""), "nothing after a paste, or an edit by a program"),
        (answered(Outcome.IN_WORD, ""), "nothing inside a word"),
        (answered(Outcome.TOO_LARGE, ""), "this file is too large"),
        (answered(Outcome.CLOSED, ""), "the document was closed"),
        (answered(Outcome.EXCLUDED, ""), "this file is excluded, and is never sent"),
        (
            answered(Outcome.EXCLUDED, "", reason='the rule "*.env" in line 3 of .gitignore'),
            'excluded by the rule "*.env" in line 3 of .gitignore',
        ),
        (
            answered(Outcome.LOCAL_ONLY, ""),
            "this file must not leave this machine (local_only), and no back end runs here",
        ),
        (answered(Outcome.NO_BACKEND, "", reason=DOWN), f"no back end answered, because {DOWN}"),
        (answered(Outcome.NO_BACKEND, ""), "no back end answered"),
    ],
)
def test_what_became_of_a_request(request_: RequestAnswered, words: str) -> None:
    assert what_became(request_) == words


@pytest.mark.parametrize("outcome", Outcome)
@pytest.mark.parametrize("characters", [0, 5])
def test_every_outcome_has_words_without_a_double_colon(outcome: Outcome, characters: int) -> None:
    words = what_became(answered(outcome, characters=characters, lines=bool(characters), reason=DOWN))
    assert words
    assert ":" not in words
    suggests = {Outcome.CALL, Outcome.REUSED_CALL, Outcome.CACHE, Outcome.FALLBACK, Outcome.EMPTY}
    assert (outcome in WITHOUT_SUGGESTION) is (outcome not in suggests)


def test_a_call_tells_its_tokens() -> None:
    words = what_became(answered(Outcome.CALL, **SHOWN, seconds=0.412, waited=0.08), call())
    assert words == "codestral, 412 ms (waited 80 ms), 1,812 + 31 tokens, 2 lines"
    words = what_became(answered(Outcome.CALL, **SHOWN, seconds=0.4), call(estimated=True))
    assert words == "codestral, 400 ms, about 1,812 + 31 tokens, 2 lines"


def test_a_remedy_is_a_detail() -> None:
    reason = "fim.example refuses the key (401): set api_key; it is from the environment"
    line, detail = lines_of(entries([answered(Outcome.EMPTY, "ngram", reason=reason)], []), verbose=True)
    assert line.endswith("ngram is not sure enough here; it was asked because fim.example refuses the key (401)")
    assert detail.strip() == reason


def test_a_line_has_the_time_the_place_and_how_it_was_triggered() -> None:
    listed = [
        answered(Outcome.CACHE, explicit=True, **SHOWN),
        answered(Outcome.IN_WORD, "", place=Place(path="", language="python", line=0, column=0)),
        answered(Outcome.PASTE, "", place=Place(path="", language="text", line=0, column=0, name="notes.md")),
    ]
    assert list(lines_of(entries(listed, []))) == [
        "12:00:00 src/a.py:12:5 (asked for) · from the cache (codestral), 2 lines",
        "12:00:00 a document:1:1 · nothing inside a word",
        "12:00:00 notes.md:1:1 · nothing after a paste, or an edit by a program",
    ]


def test_runs_of_keys_become_one_line() -> None:
    outcomes = [Outcome.CALL, *[Outcome.SUPERSEDED] * 14, Outcome.CALL, *[Outcome.CACHE] * 3, Outcome.SUPERSEDED]
    listed = [answered(outcome, characters=bool(outcome is not Outcome.SUPERSEDED), lines=1) for outcome in outcomes]
    assert [line.partition(" · ")[2] for line in lines_of(entries(listed, []))] == [
        "codestral, 0 ms, 1 line",
        "14 more while you typed",
        "codestral, 0 ms, 1 line",
        "from the cache (codestral), 1 line; 2 more before",
        "you typed on",
    ]


def test_a_run_ends_at_another_file_and_at_what_was_asked_for() -> None:
    elsewhere = Place(path="b.py", language="python", line=0, column=0)
    listed = [
        answered(Outcome.SUPERSEDED),
        answered(Outcome.SUPERSEDED, explicit=True),
        answered(Outcome.SUPERSEDED),
        answered(Outcome.SUPERSEDED, place=elsewhere),
    ]
    assert [entry.count for entry in entries(listed, [])] == [1, 1, 1, 1]


def test_only_the_latest_requests_are_listed_and_what_was_typed_meanwhile_counts_little() -> None:
    listed = [
        answered(Outcome.CALL if number % 10 else Outcome.SUPERSEDED, lines=1, characters=1) for number in range(100)
    ]
    assert len(entries(listed, [])) == MAX_LINES


def test_details_are_those_of_the_call_whose_output_was_used() -> None:
    listed = [
        answered(Outcome.CALL, request=8, call=7, **SHOWN, cut_by=("goes on after the block",)),
        answered(Outcome.FALLBACK, "ngram", request=6, call=6, **SHOWN),
    ]
    files = (SentFile(path="src/a.py", size=3900), SentFile(path="src/b.py", size=612))
    calls = [
        call(request=7, first_text=0.21, seconds=0.64, sent=4512, files=files, masked=1),
        call(request=6, outcome=CallOutcome.FAILED),
    ]
    assert [line.strip() for line in lines_of(entries(listed, calls), verbose=True)] == [
        "12:00:00 src/a.py:12:5 · codestral, 0 ms, 1,812 + 31 tokens, 2 lines",
        "shown: 2 lines, 31 characters",
        "the rest was left out, because it goes on after the block",
        "codestral-latest at codestral.mistral.ai: hung up after 640 ms, first text after 210 ms",
        "sent 4,512 bytes (text of src/a.py 3,900, src/b.py 612), 1 secret masked",
        "12:00:00 src/a.py:12:5 · from your own files (ngram), 0 ms, 2 lines",
        "shown: 2 lines, 31 characters",
    ]


def test_an_entry_for_programs_is_json() -> None:
    (entry,) = entries([answered(Outcome.CALL, call=1, **SHOWN, seconds=0.4124)], [call(first_text=0.2)])
    found = json.loads(json.dumps(to_json(entry)))
    assert (found["line"], found["column"], found["trigger"], found["took"]) == (12, 5, "typed", 412)
    assert found["outcome"] == "call"
    assert found["call"]["first_text"] == 200
    assert found["call"]["prompt_tokens"] == 1812
