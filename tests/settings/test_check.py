"""A file of settings is checked without being used: each problem has its line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fim_lsp.settings.check import check_text


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", []),
        ('backend = "ngram"\nexclude = ["*.sql"]\n', []),
        ("\ufeffbackend = 'ngram'\r\ntop_p = 9\r\n", [(2, '"top_p" is 9')]),
        ("max_tokens = 5\n\nmodle = 'x'\n", [(3, 'did you mean "model"?')]),
        ("\nexcludes = ['x']\n", [(2, 'looks like "exclude"')]),
        ("exclude = [\n'a',\n5]\ntop_p = 9", [(1, '"exclude[2]" is 5'), (4, '"top_p" is 9')]),
        ("[languages]\ngo = false\nmarkdown = 'no'\n", [(3, "\"languages.markdown\" is 'no'")]),
        ("[languages]\ngo = false\nexclude = ['x']\n", [(3, "move it above the line [languages]")]),
        ("prices = { 'a.b' = 3 }", [(1, '"prices.a.b" is 3')]),
        ("[fim-lsp]\ntop_p = 9\nlanguages.go = 1\n", [(2, '"top_p" is 9'), (3, '"languages.go" is 1')]),
        ("a = 1\nfim-lsp = 5", [(2, '"fim-lsp" is not a table')]),
        ("model = 'x'\nbackend = codestral", [(2, "a string is written between quotes")]),
        ("a = 9" + "9" * 5_000, [(0, "too many digits")]),
        ("a = " + "[" * 9_000, [(0, "nested too deep")]),
    ],
)
def test_each_problem_has_its_line(text: str, found: list[tuple[int, str]]) -> None:
    problems = check_text(text, trusted=True)
    assert [problem.line for problem in problems] == [line for line, _ in found]
    for problem, (_, message) in zip(problems, found, strict=True):
        assert message in problem.message
        assert not problem.message.startswith(":")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("max_tokens = 64\nlanguages.go = false\n", []),
        ("trigger = 'manual'\nbackend = 'mistral'\n", [(2, "not taken from a project")]),
        ("max_tokens = 500\n", [(1, "a project may only lower it")]),
        ("x = 1\n" * 5_000, [(0, "more than 16 KiB")]),
    ],
)
def test_a_projects_file_is_checked_by_a_projects_rules(text: str, found: list[tuple[int, str]]) -> None:
    problems = check_text(text, trusted=False)
    assert [
        (problem.line, message in problem.message) for problem, (_, message) in zip(problems, found, strict=True)
    ] == [(line, True) for line, _ in found]


PIECES = st.sampled_from(
    [
        "a",
        "exclude",
        " = ",
        "[",
        "]",
        "{",
        "}",
        "\n",
        "\r\n",
        '"',
        "'''",
        '"""',
        "#",
        ",",
        ".",
        "5",
        "true",
        "fim-lsp",
        "é",
    ]
)


@given(st.lists(PIECES, max_size=30).map("".join) | st.text(), st.booleans())
def test_whatever_a_file_contains_each_problem_is_in_it(text: str, trusted: bool) -> None:
    for problem in check_text(text, trusted=trusted):
        assert 0 <= problem.line <= text.count("\n") + 1
        assert problem.message


def test_a_long_list_is_checked_at_once() -> None:
    """Each of its lines could be the last one."""
    text = "exclude = [\n" + '"a]",\n' * 200 + "]\ntop_p = 9\n"
    assert [problem.line for problem in check_text(text, trusted=True)] == [203]


def test_no_secret_is_shown() -> None:
    text = 'api_key = ["hunter2"]\nbase_url = "https://me:hunter2@h"\napi_key_command = "echo hunter2"\n'
    assert [problem.line for problem in check_text(text, trusted=True)] == [1, 2, 3]
    assert "hunter2" not in str(check_text(text, trusted=True))
