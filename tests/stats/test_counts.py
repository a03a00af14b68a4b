"""Events as counts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from fim_lsp.backends.backend import Backend
from fim_lsp.schedule.events import (
    Acceptance,
    BackendEvent,
    CallOutcome,
    CallPurpose,
    EventKind,
    SentFile,
    SuggestionDismissed,
)
from fim_lsp.schedule.request import Outcome
from fim_lsp.stats.counts import CallCounts, Egress, Latency, Source, SuggestionCounts, total
from tests.fakes.backend import BackendDefaults
from tests.stats.samples import ACCEPTED, ANSWERED, CALL, DAY, KEPT, LOCAL_CALL, NOON, ONE_SUGGESTION, SHOWN, batch

SOURCE = Source(backend="codestral", model="codestral-latest", host="codestral.mistral.ai")


class LocalBackend(BackendDefaults):
    name, host, model = "llamacpp", "127.0.0.1:8012", "qwen"


def suggestions(*events: Any) -> dict[str, int]:
    return batch(*events).suggestions[DAY, "python", "codestral"]


def calls(*events: Any, source: Source = SOURCE) -> dict[str, int]:
    return batch(*events).calls[DAY, "python", source]


def test_one_suggestion_that_was_called_for_shown_accepted_and_kept() -> None:
    assert suggestions(*ONE_SUGGESTION) == {
        "requests": 1, "called": 1, "shown": 1, "shown_characters": 20, "accepted": 1, "whole": 1,
        "accepted_characters": 20, "checked_characters": 20, "kept_characters": 18,
    }  # fmt: skip
    assert calls(*ONE_SUGGESTION) == {
        "calls": 1, "answered": 1, "http_requests": 1, "sent_bytes": 4000, "masked": 1, "prompt_tokens": 1000,
        "completion_tokens": 40,
    }  # fmt: skip


@pytest.mark.parametrize("outcome", Outcome)
def test_every_outcome_is_counted_once(outcome: Outcome) -> None:
    counted = SuggestionCounts(**suggestions(replace(ANSWERED, outcome=outcome, explicit=True)))
    how = (counted.called, counted.reused, counted.fallback, counted.cached)
    none = (counted.empty, counted.unanswered, counted.skipped, counted.superseded)
    assert (counted.requests, counted.explicit, sum(how + none)) == (1, 1, 1)


def test_several_parts_of_one_suggestion_are_one_accepted_suggestion() -> None:
    parts = [replace(ACCEPTED, how=how, characters=5) for how in (Acceptance.WORD, Acceptance.WORD, Acceptance.LINE)]
    found = suggestions(*parts, replace(ACCEPTED, suggestion=2, how=Acceptance.PART))
    assert found == {"accepted": 2, "words": 2, "lines": 1, "parts": 1, "accepted_characters": 35}


def test_what_was_typed_by_hand_is_not_accepted() -> None:
    assert suggestions(replace(ACCEPTED, how=Acceptance.TYPED)) == {"typed": 1}


def test_dismissals_are_counted() -> None:
    assert suggestions(SuggestionDismissed(suggestion=1, at=NOON, language="python", backend="codestral")) == {
        "dismissed": 1
    }


@pytest.mark.parametrize("outcome", CallOutcome)
@pytest.mark.parametrize("purpose", CallPurpose)
def test_every_call_is_counted_once(outcome: CallOutcome, purpose: CallPurpose) -> None:
    counted = CallCounts(**calls(replace(CALL, outcome=outcome, purpose=purpose)))
    assert counted.calls == counted.answered + counted.hung_up + counted.rate_limited + counted.failed == 1
    assert counted.alternatives + counted.probes + counted.preloads == (purpose is not CallPurpose.COMPLETION)


def test_a_call_that_was_given_up_before_anything_was_sent_is_none() -> None:
    given_up = replace(CALL, outcome=CallOutcome.HUNG_UP, requests=0, sent=0)
    assert batch(given_up).calls == {}
    assert calls(replace(given_up, outcome=CallOutcome.FAILED))["failed"] == 1


def test_estimated_tokens_are_counted_apart() -> None:
    found = CallCounts(**calls(CALL, replace(CALL, estimated=True, prompt_tokens=7, completion_tokens=3)))
    assert (found.prompt_tokens, found.completion_tokens) == (1000, 40)
    assert (found.estimated_prompt_tokens, found.estimated_completion_tokens) == (7, 3)


def test_each_file_of_a_prompt_is_counted_for_its_host_and_masked_secrets_for_the_document() -> None:
    later = replace(CALL, at=NOON + 60, masked=0)
    found = batch(CALL, later, LOCAL_CALL).egress
    key = DAY, "codestral.mistral.ai", False, "/home/me/project"
    assert found[*key, "src/main.py"] == Egress(first=NOON, last=NOON + 60, calls=2, size=6000, masked=1)
    assert found[*key, "src/util.py"] == Egress(first=NOON, last=NOON + 60, calls=2, size=1000, masked=0)
    assert found[DAY, "127.0.0.1:8012", True, "/home/me/project", "src/main.py"].calls == 1


def test_a_call_that_sent_nothing_is_no_egress() -> None:
    assert batch(replace(CALL, sent=0, requests=0, outcome=CallOutcome.FAILED)).egress == {}


def test_files_without_a_path_are_one_whatever_the_workspace() -> None:
    nameless = replace(CALL, files=(SentFile(path="", size=9),))
    assert [key[3:] for key in batch(nameless).egress] == [("", "")]


def test_in_a_workspace_of_several_folders_a_file_is_in_the_one_that_has_it(tmp_path: Path) -> None:
    folders = tuple(str(tmp_path / name) for name in ("one", "two"))
    (tmp_path / "two" / "src").mkdir(parents=True)
    (tmp_path / "two" / "src" / "util.py").write_text("")
    found = batch(CALL, workspace=folders).egress
    assert {key[4]: key[3] for key in found} == {"src/main.py": folders[0], "src/util.py": folders[1]}
    assert {key[3] for key in batch(CALL, workspace=()).egress} == {""}


def test_durations_are_those_of_answers_that_needed_a_call_of_first_texts_and_of_whole_calls() -> None:
    cached = replace(ANSWERED, outcome=Outcome.CACHE)
    nothing = replace(ANSWERED, outcome=Outcome.EMPTY, characters=0)
    hung_up = replace(CALL, outcome=CallOutcome.HUNG_UP)
    silent = replace(CALL, outcome=CallOutcome.FAILED, first_text=None)
    found = batch(ANSWERED, cached, nothing, CALL, hung_up, silent).durations
    counted = {key[2]: sum(histogram.values()) for key, histogram in found.items()}
    assert counted == {Latency.ANSWER: 1, Latency.FIRST_TEXT: 2, Latency.CALL: 1}


def test_the_model_of_a_back_end_is_known_from_its_events() -> None:
    event = BackendEvent(backend=cast("Backend", LocalBackend()), kind=EventKind.ANSWERED)
    found = batch(event, SHOWN, CALL).sources
    assert found["llamacpp"] == Source(backend="llamacpp", model="qwen", host="127.0.0.1:8012", local=True)
    assert found["codestral"] == SOURCE


def test_counts_add_up() -> None:
    twice = total(SuggestionCounts, [SuggestionCounts(shown=1, kept_characters=5), SuggestionCounts(shown=2)])
    assert twice == SuggestionCounts(shown=3, kept_characters=5)
    assert total(CallCounts, []) == CallCounts()


def test_absurd_numbers_are_cut() -> None:
    assert calls(replace(CALL, sent=10**30, prompt_tokens=-5))["sent_bytes"] == 10**12
    assert suggestions(replace(KEPT, kept=10**30))["kept_characters"] == 10**12
