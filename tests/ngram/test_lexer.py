"""Lexing loses nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fim_lsp.ngram.lexer import columns, lex, lex_line, split_lead

SOURCE = st.text(alphabet=st.sampled_from("ab_1.é=<>!+-*/\"'()[]{}:,#@ \t\\\u2028\x0c"), max_size=60)


@given(st.one_of(st.text(), SOURCE))
def test_joined_tokens_are_the_text(text: str) -> None:
    assert "".join(lex(text)) == text


@given(SOURCE, st.sampled_from(["", "\n", "\r\n", "\r"]))
def test_a_line_is_its_pieces(text: str, end: str) -> None:
    lexed = lex_line(text + end)
    assert lexed.indent + "".join(lexed.tokens) + lexed.end == text + end
    assert lexed.indent.isspace() or not lexed.indent


@given(SOURCE)
def test_a_token_is_its_spaces_and_its_core(text: str) -> None:
    for token in lex(text):
        spaces, core = split_lead(token)
        assert " " * spaces + core == token
        assert 0 <= spaces <= 2


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("self.x = None", ["self", ".", "x", " =", " None"]),
        ("return  # why", ["return", "  #", " why"]),
        ("a   == 1.5e3", ["a", "   ", "==", " 1.5e3"]),
        ("größe->x", ["größe", "->", "x"]),
    ],
)
def test_tokens(text: str, tokens: list[str]) -> None:
    assert lex(text) == tokens


def test_a_tab_is_four_columns() -> None:
    assert columns("\t  ") == 6
