"""Why nothing appears in a document now, as a user reads it."""

from __future__ import annotations

import time
from typing import Any

import pytest

from fim_lsp.schedule.request import Outcome
from fim_lsp.session.silence import DocumentFacts, reasons_for_silence, where_suggestions_come_from

NOON = time.mktime((2026, 11, 26, 12, 0, 0, 0, 0, -1))
RULE = 'the rule "*.env" in line 3 of /w/.gitignore'


def facts(**values: Any) -> DocumentFacts:
    return DocumentFacts(**{"name": "a.py", "language": "python", "backends": ("codestral", "ngram"), **values})


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"is_open": False}, "a.py is not open in this server"),
        ({"silence": Outcome.TURNED_OFF}, "turned off in this editor; the command fim-lsp.toggle"),
        ({"silence": Outcome.SNOOZED, "snoozed_until": NOON + 1800}, "snoozed until 12:30"),
        ({"silence": Outcome.LANGUAGE_OFF}, "off for python, because the setting languages says so"),
        ({"silence": Outcome.LANGUAGE_OFF, "by_command": True}, "off for python; the command fim-lsp.toggleLanguage"),
        ({"silence": Outcome.MANUAL}, 'only when you ask for one, because the setting trigger is "manual"'),
        ({"exclusion": RULE}, f"a.py is never sent: it is excluded by {RULE}."),
        ({"size": 10_000_001}, "a.py has 10,000,001 characters"),
        ({"local_only": RULE, "backends": ()}, f"must not leave this machine, because of {RULE}"),
        ({"backends": ()}, "No back end can be used"),
        ({"backends": ("codestral",), "without_key": ("codestral",)}, "There is no key for codestral; fim-lsp doctor"),
    ],
)
def test_each_reason_is_a_sentence(values: dict[str, Any], words: str) -> None:
    [sentence] = reasons_for_silence(facts(**values), NOON)
    assert words in sentence
    assert sentence.endswith(".")


def test_all_reasons_are_listed_the_most_general_first() -> None:
    found = reasons_for_silence(facts(silence=Outcome.TURNED_OFF, exclusion=RULE), NOON)
    assert ["turned off" in found[0], "excluded" in found[1]] == [True, True]


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({}, "a.py gets suggestions from codestral, and if that fails from your own files (ngram)."),
        (
            {"without_key": ("codestral",)},
            "a.py gets suggestions from your own files (ngram), because there is no key for codestral (fim-lsp doctor says "
            "how to get and keep one).",
        ),
        ({"backends": ("ngram",)}, "a.py gets suggestions from your own files (ngram)."),
        (
            {"backends": ("ngram",), "local_only": RULE},
            f"a.py gets suggestions from your own files (ngram), because it must not leave this machine by {RULE}.",
        ),
        (
            {"backends": ("ngram",), "failed_closed": True},
            "a.py gets suggestions from your own files (ngram) alone, because damaged settings let nothing leave this machine.",
        ),
    ],
)
def test_without_a_reason_it_is_said_where_suggestions_come_from(values: dict[str, Any], sentence: str) -> None:
    assert reasons_for_silence(facts(**values), NOON) == []
    assert where_suggestions_come_from(facts(**values)) == sentence
