"""Results as lines of text and as JSON."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fim_lsp.doctor.check import (
    ASCII,
    UNICODE,
    Check,
    State,
    Style,
    error,
    info,
    is_ok,
    lines_of,
    ok,
    summary,
    to_json,
    warning,
)

KEY = error("key", "h refuses the key (401)", "keep another: fim-lsp key set h")


def test_a_check_is_a_line_and_its_remedy_another() -> None:
    assert lines_of(KEY) == [
        "✗ key           h refuses the key (401)",
        "                → keep another: fim-lsp key set h",
    ]
    assert lines_of(ok("host", "reached"), Style(symbols=ASCII, arrow="->")) == ["ok host          reached"]


def test_lines_are_wrapped_to_the_terminal() -> None:
    narrow = Style(symbols=UNICODE, arrow="→", width=60)
    assert lines_of(info("model", "word " * 12, "then " * 10), narrow) == [
        "· model         word word word word word word word word word",
        "                word word word",
        "                → then then then then then then then then",
        "                  then then",
    ]
    tiny = Style(symbols=UNICODE, arrow="→", width=20)
    assert lines_of(KEY, tiny) == lines_of(KEY)


def test_a_command_is_not_cut_in_two() -> None:
    narrow = Style(symbols=UNICODE, arrow="→", width=60)
    lines = lines_of(
        error("key", "no key", "make a key there and keep it with: fim-lsp key set codestral.mistral.ai"), narrow
    )
    assert lines[-1].strip() == "fim-lsp key set codestral.mistral.ai"


def test_only_the_sign_is_colored() -> None:
    (line, _) = lines_of(KEY, Style(symbols=UNICODE, arrow="→", color=True))
    assert line == "\x1b[31m✗\x1b[0m key           h refuses the key (401)"


@given(st.text(), st.text(), st.sampled_from(State))
def test_no_control_character_reaches_the_terminal(message: str, remedy: str, state: State) -> None:
    check = Check(name="x", state=state, message=message, remedy=remedy)
    for line in (*lines_of(check), *to_json([check])["lines"], to_json([check])["checks"][0]["message"]):
        assert "\n" not in line
        assert "\x1b" not in line


@pytest.mark.parametrize(
    ("checks", "expected", "fine"),
    [
        ([ok("a", "b"), info("a", "b")], "No problems were found", True),
        ([warning("a", "b", "c")], "1 warning", True),
        ([KEY, KEY, warning("a", "b", "c")], "2 errors and 1 warning", False),
    ],
)
def test_the_summary(checks: list[Check], expected: str, fine: bool) -> None:
    assert summary(checks) == expected
    assert is_ok(checks) is fine
    assert to_json(checks)["ok"] is fine
    assert to_json(checks)["lines"][-1] == expected
