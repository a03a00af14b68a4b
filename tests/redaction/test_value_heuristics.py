"""Which values look like secrets."""

from __future__ import annotations

import random
import string

import pytest

from fim_lsp.redaction.value_heuristics import is_placeholder, looks_made_up, looks_random

CHANCE = random.Random(3)
RANDOM = [
    "".join(CHANCE.choices(alphabet, k=32)) for alphabet in (string.ascii_letters + string.digits, "0123456789abcdef")
]


@pytest.mark.parametrize(
    "value",
    ["${DB_PASSWORD}", "{{ secret }}", "<your-key>", "%(token)s", "changeme", "xxxxxxxx", "test-password-1", "********",
     "your_token_here", "my-secret-key"],
)  # fmt: skip
def test_placeholders(value: str) -> None:
    assert is_placeholder(value)


@pytest.mark.parametrize("value", [*RANDOM, "hunTer2!x", "q7dBm5tw"])
def test_secrets_are_no_placeholders(value: str) -> None:
    assert not is_placeholder(value)


@pytest.mark.parametrize("value", RANDOM)
def test_random_values_look_random(value: str) -> None:
    assert looks_random(value)


@pytest.mark.parametrize(
    "value", ["configuration", "parse_http_headers", "MAX_BUFFER_SIZE", "aaaaaaaaaaaaaaaaaaaaaaaa1"]
)
def test_words_do_not_look_random(value: str) -> None:
    assert not looks_random(value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("hunTer2!x", True),
        ("q7dBm5tw", True),
        ("src/main.py", False),
        ("https://host", False),
        ("2024-01-31", False),
        ("user-name", False),
        ("12345678", False),
        ("ConfigParser", False),
    ],
)
def test_passwords_are_made_of_several_kinds_of_characters(value: str, expected: bool) -> None:
    assert looks_made_up(value) is expected
