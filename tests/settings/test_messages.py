"""Every problem is one message with the name, the value, and what is allowed, and without secrets."""

from __future__ import annotations

import math
from datetime import date

import pytest

from fim_lsp.settings.merge import Layer, fail_closed
from fim_lsp.settings.schema import SPECS, Settings
from tests.settings.helpers import (
    HUGE,
    LONG,
    merge,
    merge_one,
)


@pytest.mark.parametrize(
    ("name", "bad"),
    [
        ("temperature", 1.6), ("temperature", -0.1), ("temperature", "warm"), ("temperature", True),
        ("temperature", float("nan")), ("top_p", 0), ("top_p", 1.1), ("max_tokens", -1), ("max_tokens", 1.5),
        ("min_tokens", "3"), ("random_seed", -1), ("stop", [""]), ("stop", 5), ("stream", "yes"), ("timeout", 0),
        ("debounce", "fast"), ("debounce", -1), ("backend", "copilot"), ("base_url", "codestral.mistral.ai"),
        ("base_url", "https://h/?q=1"), ("base_url", "https://u:p@h/"),
        ("region", "../x"), ("api_key", ""), ("api_key_command", "pass show key"),
        ("fallback", ["nobody"]), ("exclude", 5), ("menu", True), ("prompt_tokens", 3), ("suffix_share", 2),
        ("trigger", "never"), ("languages", 5), ("stats", 1), ("prices", 7),
    ],
)  # fmt: skip
def test_an_invalid_value_is_one_message_with_name_value_and_what_is_allowed(name: str, bad: object) -> None:
    settings, sentences = merge_one({name: bad, "random_seed": 5} if name != "random_seed" else {name: bad})
    expected = merge([Layer(origin="x", values={} if name == "random_seed" else {"random_seed": 5})])[0]
    assert settings == (fail_closed(expected) if SPECS[name].restricts else expected)
    (sentence,) = sentences
    assert sentence.startswith("here: ")
    assert name in sentence
    assert SPECS[name].validator.allowed in sentence
    hidden = name in {"api_key", "api_key_command", "base_url"}
    shown = "***" if hidden else "a list" if isinstance(bad, list) else repr(bad)
    assert shown in sentence


def test_an_unknown_name_is_reported_with_the_closest_setting() -> None:
    _, (sentence,) = merge_one({"max_token": 5})
    assert sentence == 'here: there is no setting "max_token"; did you mean "max_tokens"?'


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("base_url", "https://me:hunter2@example.org"), ("base_url", "https://h/?key=hunter2"),
        ("base_url", ["hunter2"]), ("limits_store", "https://me:hunter2@redis"), ("api_key", ["hunter2"]),
        ("api_key_command", "print hunter2"), ("model", {"api_key": "hunter2"}), ("stop", [["hunter2"]]),
        ("exclude", {"hunter2": 1}),
    ],
)  # fmt: skip
def test_an_invalid_value_reveals_no_secret(name: str, value: object) -> None:
    _, (sentence,) = merge_one({name: value})
    assert "hunter2" not in sentence
    assert "***" in sentence or "an object" in sentence or "a list" in sentence


@pytest.mark.parametrize("value", [HUGE, LONG, -LONG, math.inf, -math.inf, math.nan], ids=range(6))
@pytest.mark.parametrize("name", [name for name, rule in SPECS.items() if isinstance(rule.default, int | float | None)])
def test_a_huge_number_is_reported(name: str, value: float) -> None:
    settings, (sentence,) = merge_one({name: value})
    assert settings == (fail_closed(Settings()) if SPECS[name].restricts else Settings())
    assert len(sentence) < 400


def test_many_unknown_names_are_a_few_messages() -> None:
    _, sentences = merge_one({f"nothing{number}": 1 for number in range(100_000)})
    assert len(sentences) <= 12
    assert "100,000" in sentences[-1]


def test_a_date_is_called_a_date() -> None:
    """TOML has dates, JSON has none."""
    _, (sentence,) = merge_one({"temperature": date(2026, 1, 2)})
    assert "a date" in sentence
