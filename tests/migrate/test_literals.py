"""Tables of Lua and Vimscript, read without running anything."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fim_lsp.errors import UsageError
from fim_lsp.migrate.literals import LUA, MAX_DEPTH, UNKNOWN, VIM, Dialect, listed, read_table
from tests.interpreter_steps import steps

LUA_TABLES: dict[str, dict[str, object]] = {
    "{}": {},
    "{ a = 1, b = -2.5; c = 'x', d = \"y\", }": {"a": 1, "b": -2.5, "c": "x", "d": "y"},
    "{ a = true, b = false, c = nil }": {"a": True, "b": False, "c": None},
    "{ ['a'] = 1, [\"b c\"] = 2 }": {"a": 1, "b c": 2},
    "{ 'x', 'y', { 1 } }": {"1": "x", "2": "y", "3": {"1": 1}},
    "{ a = 'it\\'s', b = \"a\\nb\\\\\", c = [[\nx\"]] }": {"a": "it's", "b": "a\nb\\", "c": 'x"'},
    "{ -- a comment, with = 1\n a = 1, --[[ b = 2,\n ]] c = 3 }": {"a": 1, "c": 3},
    "{ a = f(1, { 2 }), b = 2 }": {"a": UNKNOWN, "b": 2},
    "{ a = function(x, y) local p, q = 1, 2; if x then return end end, b = 2 }": {"a": UNKNOWN, "b": 2},
    "{ a = function() for i = 1, 2 do while x do end end repeat y() until z end, b = 2 }": {"a": UNKNOWN, "b": 2},
    "{ a = os.getenv('HOME') .. '/x', b = 2 }": {"a": UNKNOWN, "b": 2},
    "{ a = 'x' .. 'y', b = 1 + 2, c = not true, d = #x, e = x and 1 or 2 }": dict.fromkeys("abcde", UNKNOWN),
    "{ a = 0x10, b = 1e3, c = 10 }": {"a": UNKNOWN, "b": 1000.0, "c": 10},
    "{ a = { b = { c = 'deep' } } }": {"a": {"b": {"c": "deep"}}},
    "{ a == 1, b = 2 }": {"1": UNKNOWN, "b": 2},
    "{ ], b = 2 }": {"1": UNKNOWN, "b": 2},
}

VIM_TABLES: dict[str, dict[str, object]] = {
    "{'a': 1, \"b\": 'it''s', 'c': v:true, 'd': v:null}": {"a": 1, "b": "it's", "c": True, "d": None},
    "{\n  \\ 'a': 1,\n  \"\\ 'b': 2,\n  \\ 'c': [1, 'x'],\n  \\ }": {"a": 1, "c": [1, "x"]},
    "{'a': get(g:, 'b', {'c': 1}), 'd': 2}": {"a": UNKNOWN, "d": 2},
    "{'a': $HOME . '/x', 'b': \"<Tab>\"}": {"a": UNKNOWN, "b": "<Tab>"},
    "{a: 1, 'b': {x -> x + 1}}": {"a": 1, "b": {"1": UNKNOWN}},
    "{'a': [1, [2, f(3)]], 'b': {'c': []}}": {"a": [1, [2, UNKNOWN]], "b": {"c": []}},
}


@pytest.mark.parametrize(
    ("text", "expected", "dialect"),
    [*((text, values, LUA) for text, values in LUA_TABLES.items()), *((t, v, VIM) for t, v in VIM_TABLES.items())],
)
def test_tables(text: str, expected: dict[str, object], dialect: Dialect) -> None:
    assert read_table(text, 0, dialect) == (expected, len(text))
    assert read_table(f"x = {text} rest }}", 4, dialect) == (expected, len(text) + 4)


@pytest.mark.parametrize("dialect", [LUA, VIM])
@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("\n\n{ a", "begins on line 3 has no end"),
        ("{ 'a", "begins on line 1 has no end"),
        ("{" * (MAX_DEPTH + 1), "nested too deeply"),
    ],
)
def test_a_table_that_cannot_be_read_names_its_line(text: str, words: str, dialect: Dialect) -> None:
    with pytest.raises(UsageError, match=words):
        read_table(text, text.index("{"), dialect)


@pytest.mark.parametrize(
    ("value", "expected"), [({}, []), ({"1": "a", "2": "b"}, ["a", "b"]), ([1], [1]), ({"a": 1}, None), ("x", None)]
)
def test_lists(value: object, expected: list[object] | None) -> None:
    assert listed(value) == expected


scalars = st.booleans() | st.integers(-(10**15), 10**15) | st.text(st.characters(min_codepoint=32, max_codepoint=126))
values = st.recursive(
    scalars, lambda inner: st.dictionaries(st.from_regex(r"[a-z]{1,8}", fullmatch=True), inner), max_leaves=8
)
tables = st.dictionaries(st.from_regex(r"[a-z]{1,8}", fullmatch=True).filter(lambda name: name not in WORDS), values)
WORDS = frozenset({"end", "do", "if", "function", "repeat", "until", "true", "false", "nil"})


def lua(value: object) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"['{name}'] = {lua(inner)}" for name, inner in value.items()) + " }"
    return json.dumps(value)


def vim(value: object) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"'{name}': {vim(inner)}" for name, inner in value.items()) + " }"
    if isinstance(value, bool):
        return "v:true" if value else "v:false"
    return "'" + value.replace("'", "''") + "'" if isinstance(value, str) else str(value)


@given(tables)
def test_what_is_written_is_read(table: dict[str, object]) -> None:
    assert read_table(lua(table), 0, LUA)[0] == table
    assert read_table(vim(table), 0, VIM)[0] == table


@given(st.text(alphabet="{}[]()'\"=,:;\\-\n aef1|") | st.text(), st.sampled_from([LUA, VIM]))
def test_any_text_ends_in_a_table_or_one_sentence(text: str, dialect: Dialect) -> None:
    try:
        values, end = read_table("{" + text, 0, dialect)
    except UsageError as error:
        reason = str(error)
    else:
        reason = "" if isinstance(values, dict) and end <= len(text) + 1 else "wrong"
    assert reason != "wrong"


@pytest.mark.parametrize("dialect", [LUA, VIM])
@pytest.mark.parametrize(
    "unit", ["--[[", "'", '"', "a=", "'a':", "(", "{", "] ", "function ", "\n\\", '"\\', "-- \n", ","]
)
def test_the_work_grows_with_the_text(unit: str, dialect: Dialect) -> None:
    """The regular expressions themselves are examined in tests/test_linear.py."""

    def read(size: int) -> None:
        with contextlib.suppress(UsageError):
            read_table("{" + unit * (size // len(unit)), 0, dialect)

    assert steps(lambda: read(4_000)) < 4.5 * steps(lambda: read(1_000)) + 500
