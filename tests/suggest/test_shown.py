"""What users of other tools were wronged by: each case of ``shown.jsonl`` holds the text round ``‸``, a reply, and what is right.

``right`` has every result that is fine, as the text that is inserted and the characters behind the cursor that give way,
or ``null`` for nothing at all.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from fim_lsp.prompt.fim_templates import CONTROL_TOKENS
from fim_lsp.suggest.cursor_context import CursorContext, cursor_context_at
from fim_lsp.suggest.postprocess import is_complete, suggestion_from
from fim_lsp.suggest.suggestion import Suggestion
from fim_lsp.suggest.wrappers import control_tokens
from fim_lsp.text.positions import Encoding, to_units
from tests.marked import split
from tests.suggest.drawing import at, drawn

TOKENS = control_tokens(CONTROL_TOKENS)

Right = list[tuple[str, int] | None]


@dataclass(frozen=True, slots=True)
class Shown:
    """One case: the marked ``text`` in a ``language``, the ``reply`` and the results that are ``right``."""

    kind: str
    language: str
    text: str
    reply: str
    right: Right

    @property
    def results(self) -> set[str]:
        """The documents that accepting may make."""
        before, _, after = self.text.partition("‸")
        return {before + (one[0] + after[one[1] :] if one else after) for one in self.right}

    def result(self, suggestion: Suggestion | None) -> str:
        """The document that accepting a suggestion makes."""
        before, _, after = self.text.partition("‸")
        return before + (suggestion.text + after[suggestion.replace :] if suggestion else after)

    def shown(self) -> Suggestion | None:
        """What is shown of the whole reply."""
        return suggestion_from(self.context(), self.reply, finished="stop", multiline="auto")

    def context(self) -> CursorContext:
        """The context of the marked cursor."""
        return cursor_context_at(split(self.text), self.language, TOKENS)


def cases() -> list[Shown]:
    rows = map(json.loads, (Path(__file__).parent / "shown.jsonl").read_text("utf-8").splitlines())
    return [
        Shown(
            row["kind"], row["language"], row["text"], row["reply"], [one and (one[0], one[1]) for one in row["right"]]
        )
        for row in rows
    ]


CASES = cases()
each = pytest.mark.parametrize("case", CASES, ids=[f"{case.kind} {number}" for number, case in enumerate(CASES)])


@each
def test_what_is_shown(case: Shown) -> None:
    assert case.result(case.shown()) in case.results


@each
def test_a_stream_comes_to_the_same(case: Shown) -> None:
    context = case.context()
    for end in range(1, len(case.reply)):
        if is_complete(context, case.reply[:end], "auto"):
            suggestion = suggestion_from(context, case.reply[:end], finished=None, multiline="auto")
            assert case.result(suggestion) in case.results
            return


@each
def test_a_line_end_behind_the_reply_changes_nothing(case: Shown) -> None:
    ended = Shown(case.kind, case.language, case.text, case.reply + "\n", case.right)
    assert ended.result(ended.shown()) in case.results


@each
def test_the_documents_last_line_end_changes_nothing(case: Shown) -> None:
    if case.text.endswith("\n") and not case.text.endswith(("\n\n", "‸\n")):
        open_ended = Shown(case.kind, case.language, case.text[:-1], case.reply, case.right)
        assert open_ended.result(open_ended.shown()) in open_ended.results


@each
def test_it_is_the_same_in_documents_with_crlf(case: Shown) -> None:
    text = case.text.replace("\n", "\r\n")
    if text != case.text:
        right: Right = [one and (one[0].replace("\n", "\r\n"), one[1]) for one in case.right]
        other = Shown(case.kind, case.language, text, case.reply, right)
        assert other.result(other.shown()) in other.results


@each
def test_it_is_drawn(case: Shown) -> None:
    suggestion = case.shown()
    if suggestion is not None:
        cut, document = split(case.text), case.text.replace("‸", "")
        line = cut.line_prefix + cut.line_suffix
        column = to_units(line, cut.column, Encoding.UTF16)
        end = to_units(line, cut.column + suggestion.replace, Encoding.UTF16)
        assert drawn(document, cut.line, column, at(cut.line, column, end), suggestion.text)


@pytest.mark.parametrize("token", CONTROL_TOKENS)
def test_every_control_token_of_the_templates_ends_the_text(token: str) -> None:
    for rest in ("", "\n", " x", "def f(): pass\n"):
        case = Shown("", "python", "def f(a, b):\n    return ‸\n", f"a + b{token}{rest}", [("a + b", 0)])
        assert case.result(case.shown()) in case.results
    written = Shown("", "python", f"# {token}\nx = ‸\n", f'"{token}"', [(f'"{token}"', 0)])
    assert written.result(written.shown()) in written.results
