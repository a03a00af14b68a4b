"""Positions and words of a cursor, in the editor's units."""

from __future__ import annotations

from typing import Any

import pytest
from lsprotocol import types

from fim_lsp.lsp.to_protocol import Cursor, accepted, inline_list
from fim_lsp.schedule.request import CompletionResult, Outcome
from fim_lsp.suggest.suggestion import Suggestion
from fim_lsp.text.positions import Encoding


def result(text: str, *, replace: int = 0, number: int = 0, **more: Any) -> CompletionResult:
    suggestion = Suggestion(text=text, replace=replace)
    return CompletionResult(outcome=Outcome.CALL, suggestion=suggestion, suggestion_number=number, **more)


@pytest.mark.parametrize(("encoding", "start", "end"), [("utf-8", 5, 7), ("utf-16", 3, 5), ("utf-32", 2, 4)])
def test_a_range_is_counted_in_the_encoding_of_the_editor(encoding: str, start: int, end: int) -> None:
    cursor = Cursor(3, 3, "😀 ab)\n", Encoding(encoding))
    assert cursor.range(1, 1) == types.Range(types.Position(3, start), types.Position(3, end))


@pytest.mark.parametrize(
    ("text", "column", "word"),
    [("total = add", 11, "add"), ("total = ", 8, ""), ("größe2_x(", 8, "größe2_x"), ("word", 2, "wo"), ("", 0, "")],
)
def test_the_word_before_the_cursor(text: str, column: int, word: str) -> None:
    assert Cursor(0, column, text, Encoding.UTF16).word == word


def test_a_longer_run_of_letters_is_not_searched_for_its_start() -> None:
    assert len(Cursor(0, 9999, "x" * 9999, Encoding.UTF16).word) == 256


def test_ghost_text_has_a_range_and_nothing_to_suggest_is_an_empty_list() -> None:
    cursor = Cursor(0, 4, "f(a,)", Encoding.UTF16)
    assert inline_list(CompletionResult(outcome=Outcome.EMPTY), cursor).items == []
    [item] = inline_list(result(" b)", replace=1), cursor).items
    assert item.insert_text == " b)"
    assert item.range == types.Range(types.Position(0, 4), types.Position(0, 5))
    assert item.command is None


def test_alternatives_are_items_of_their_own() -> None:
    others = (result("y", replace=1, number=8), result("z", number=9))
    items = inline_list(result("x", number=7, others=others), Cursor(0, 0, ")", Encoding.UTF16)).items
    assert [item.insert_text for item in items] == ["x", "y", "z"]
    assert [item.range.end.character for item in items if item.range] == [0, 1, 0]
    assert [item.command.arguments for item in items if item.command] == [[7], [8], [9]]


def test_the_command_of_an_item_has_its_number_and_the_length_of_the_part() -> None:
    cursor = Cursor(0, 0, "", Encoding.UTF16)
    [item] = inline_list(result("x", number=7), cursor).items
    assert item.command == types.Command(title="Accepted", command="fim-lsp.accepted", arguments=[7])
    part = types.Command(title="Accepted", command="fim-lsp.acceptedPart", arguments=[7, 3])
    assert accepted(7, "a😀") == part
    assert accepted(0) is accepted(0, "a") is None
