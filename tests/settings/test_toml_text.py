"""TOML as text: values can be read back, names are found on their lines, and common mistakes are explained."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fim_lsp.settings.toml_text import explain, line_of_error, lines_of, write_value

VALUES = st.recursive(
    st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda values: (
        st.lists(values, max_size=3)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), values, max_size=3)
    ),
    max_leaves=6,
)

MISTAKES = {
    "backend = codestral": "a string is written between quotes",
    "model = ~/x": "a string is written between quotes",
    "stream = True": "true and false are written in small letters",
    "model = null": "TOML has no null",
    'model = "abc': "the string has no quote at its end",
    "model = 'abc": "the string has no quote at its end",
    'model = "C:\\Users"': "use single quotes",
    "model =": "there is no value after the =",
    "model = # later": "there is no value after the =",
    'backend: "ngram"': "separated by =",
    "max_tokens = 5,": "there is no comma after a value",
    "// a comment": "a comment begins with #",
    '{ "backend": "ngram" }': "without braces",
    "backend": "written as name = value",
    "[languages": "between brackets",
    "top_p = 0.9\ntop_p = 0.8": "a name can be set only once",
    "a = 5 6": "Expected newline",
}


def error_in(text: str) -> tomllib.TOMLDecodeError:
    with pytest.raises(tomllib.TOMLDecodeError) as caught:
        tomllib.loads(text)
    return caught.value


@pytest.mark.parametrize("end", ["", "\n", "\r\n"], ids=["cut", "lf", "crlf"])
@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_common_mistake_is_explained_with_its_place(mistake: str, end: str) -> None:
    text = f"stream = true{end or chr(10)}{mistake}{end}"
    error = error_in(text)
    assert MISTAKES[mistake] in explain(error, text)
    assert line_of_error(error, text) == 2 + mistake.count("\n")


def test_what_has_no_end_begins_on_the_line_that_is_named() -> None:
    text = 'stream = true\n\nexclude = [\n"a",\n\n'
    assert line_of_error(error_in(text), text) == 3


def test_an_explanation_contains_nothing_of_the_file() -> None:
    for text in ("api_key = hunter2", 'api_key = "hunter2', "hunter2", 'a = "hunter2\\U"'):
        assert "hunter2" not in explain(error_in(text), text)


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("a = 1\nb = 2\n", {("a",): 1, ("b",): 2}),
        ("# a = 1\n\n  a = 1 # b = 2", {("a",): 3}),
        ("\ufeffa = 1\r\nb = [\r\n'x', # y\r\n\r\n]\r\nc = 3\r\n", {("a",): 1, ("b",): 2, ("c",): 6}),
        ('a = """\nb = 1\n"""\nb = 2\n', {("a",): 1, ("b",): 4}),
        ("[t]\na = 1\n[u.v]\na = 2\n", {("t",): 1, ("t", "a"): 2, ("u",): 3, ("u", "v"): 3, ("u", "v", "a"): 4}),
        ('t = { a = 1, "b c" = 2 }\nu.v = 3', {("t",): 1, ("t", "a"): 1, ("t", "b c"): 1, ("u",): 2, ("u", "v"): 2}),
        ("a = 'x\u2028y\x85z'\nb = 1", {("a",): 1, ("b",): 2}),
        ("a = 1\n" * 3_000, {}),
        ('a = 1\nb = """\n' + "]\n" * 1_000 + '"""\nc = 1\n', {("a",): 1}),  # no line rather than a wrong one
    ],
)
def test_a_name_is_found_on_its_line(text: str, lines: dict[tuple[str, ...], int]) -> None:
    assert lines_of(text) == lines


LAYOUT = st.lists(st.tuples(st.sampled_from(["", "# x = 1\n", "\n\n"]), VALUES), max_size=6)


@given(LAYOUT)
def test_whatever_is_set_is_found(layout: list[tuple[str, object]]) -> None:
    text = "".join(f"{above}name{number} = {write_value(value)}\n" for number, (above, value) in enumerate(layout))
    lines = text.split("\n")
    for path, line in lines_of(text).items():
        assert path[0] in lines[line - 1]
    assert {path[0] for path in lines_of(text)} == {f"name{number}" for number in range(len(layout))}


@given(VALUES)
def test_a_written_value_is_read_back(value: object) -> None:
    assert tomllib.loads(f"name = {write_value(value)}") == {"name": value}
