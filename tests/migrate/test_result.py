"""What is collected: valid settings, reasons, and a key with its host."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fim_lsp.migrate.result import Collector
from fim_lsp.secret import Secret
from tests.migrate.checks import loaded, reasons, settings_of


@pytest.mark.parametrize(
    ("setting", "value"),
    [("debounce", "soon"), ("max_tokens", 10**9), ("exclude", []), ("exclude", [1]), ("model", "\ud800")],
)
def test_a_value_that_is_not_allowed_becomes_a_reason_without_the_value(setting: str, value: object) -> None:
    found = Collector("X")
    assert not found.take(setting, value, "theirs")
    (reason,) = reasons(found.result()).values()
    assert reason.startswith(f"`{setting}` must be ")
    assert "soon" not in reason
    assert settings_of(found.result()) == {}


def test_a_key_needs_a_host() -> None:
    found = Collector("X")
    found.found_key(Secret("k"))
    assert found.result().key is None
    found.origin = ("https", "llm.example")
    key = found.result().key
    assert key
    assert key.command == "fim-lsp key set llm.example"


def test_settings_are_in_the_order_of_the_table() -> None:
    found = Collector("X")
    for setting, value in (("debounce", 1), ("backend", "ngram"), ("debounce", 2)):
        assert found.take(setting, value, "theirs")
    assert list(settings_of(found.result()).items()) == [("backend", "ngram"), ("debounce", 2)]


@given(st.text(), st.text())
def test_any_name_and_variable_fit_into_a_comment(name: str, variable: str) -> None:
    found = Collector("X")
    found.leave(name, "no counterpart")
    found.take("model", "m", name)
    found.origin = ("https", "llm.example")
    found.found_key(variable=variable)
    loaded(found.result())
