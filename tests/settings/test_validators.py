"""Each validator accepts the same values as its JSON Schema, and describes them."""

from __future__ import annotations

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fim_lsp.settings.validators import (
    Validator,
    any_of,
    boolean,
    globs,
    integer,
    list_of,
    number,
    one_of,
    optional,
    pattern,
    table_of,
    text,
)

VALIDATORS = {
    "one of": (one_of("on", "off"), '"on" or "off"'),
    "number": (number(0, 1.5), "a number from 0 to 1.5"),
    "number above": (number(0, 600, above=True), "a number greater than 0 and up to 600"),
    "integer": (integer(0, 100_000), "a whole number from 0 to 100,000"),
    "text": (text(3), "a string of up to 3 characters"),
    "pattern": (pattern("letters", "^[ab]+$", lambda value: value and set(value) <= {"a", "b"}, 3), "letters"),
    "boolean": (boolean(), "true or false"),
    "list": (list_of(one_of("on"), "a list of words", 2, min_items=1), "a list of words"),
    "globs": (globs(3, 2), "a list of globs in gitignore syntax"),
    "any": (any_of(one_of("auto"), number(0, 5)), '"auto" or a number from 0 to 5'),
    "table": (table_of(boolean(), "a table of words", 2, max_name=3), "a table of words"),
    "optional": (optional(boolean()), "true or false, or null"),
}
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-2, 7)
    | st.floats(-1, 7)
    | st.sampled_from(["", "on", "auto", "ab", "xxxx"])
)
VALUES = SCALARS | st.lists(SCALARS, max_size=3) | st.dictionaries(st.text("abcd", max_size=4), SCALARS, max_size=3)


def accepts(validator: Validator, value: object) -> bool:
    try:
        validator.accept(value)
    except ValueError:
        return False
    return True


@pytest.mark.parametrize("name", VALIDATORS)
def test_what_is_allowed_is_described(name: str) -> None:
    validator, allowed = VALIDATORS[name]
    assert validator.allowed == allowed


@pytest.mark.parametrize("name", VALIDATORS)
@given(value=VALUES)
def test_a_validator_accepts_what_its_schema_accepts(name: str, value: object) -> None:
    validator, _ = VALIDATORS[name]
    if isinstance(value, float) and value.is_integer():
        return  # to JSON Schema 1.0 is an integer
    judge = jsonschema.Draft202012Validator({**validator.schema})
    assert accepts(validator, value) == judge.is_valid(value)


def test_lists_become_tuples_and_a_single_glob_is_a_list_of_one() -> None:
    assert list_of(integer(0, 9), "numbers", 3).accept([1, 2]) == (1, 2)
    assert globs(10, 3).accept("*.py") == ("*.py",)


def test_a_list_of_globs_reports_its_invalid_entries_by_position() -> None:
    accept_items = globs(5, 3).accept_items
    assert accept_items is not None
    assert accept_items(["*.py", 5, "too long"]) == (("*.py",), [(2, 5), (3, "too long")])
    assert accept_items(5) == ((), ((0, 5),))
    assert accept_items(["a"] * 4) == ((), ((0, ["a"] * 4),))


def test_a_table_reports_its_invalid_entries_by_name() -> None:
    validator = table_of(boolean(), "a table", 3, max_name=5, canonical=str.lower)
    assert validator.table is not None
    assert validator.table.accept_entries({"Go": True, "go": False, "c": 1}) == ({"go": False}, [("c", 1)])
    assert validator.table.accept_entries(5) == ({}, (("", 5),))


def test_a_table_is_a_value() -> None:
    table = table_of(boolean(), "a table", 3, max_name=5)
    one, same, other = (
        table.accept(value) for value in ({"a": True, "b": False}, {"b": False, "a": True}, {"a": True})
    )
    assert one == same != other
    assert hash(one) == hash(same)
    assert (repr(other), list(one), len(one), one["b"]) == ("{'a': True}", ["a", "b"], 2, False)


def test_half_a_surrogate_pair_is_not_text() -> None:
    assert not accepts(text(5), "\ud800")
