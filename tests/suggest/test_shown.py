"""What is shown at places that other tools got wrong: a case of ``shown.jsonl`` is a document, a reply, and what is right.

``right`` lists every acceptable result: the inserted text and the number of characters after the cursor that it replaces,
or ``null`` for no suggestion.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
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

    def is_right(self, suggestion: Suggestion | None) -> bool:
        """Whether accepting a suggestion makes one of the right documents."""
        return self.result(suggestion) in self.results

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


def whole_reply(case: Shown) -> bool:
    """What is shown of the whole reply is right."""
    return case.is_right(case.shown())


def stream(case: Shown) -> bool:
    """What is shown of a stream, once no more text is waited for, is right."""
    context = case.context()
    for end in range(1, len(case.reply)):
        if is_complete(context, case.reply[:end], "auto"):
            return case.is_right(suggestion_from(context, case.reply[:end], finished=None, multiline="auto"))
    return True


def line_end_after_reply(case: Shown) -> bool:
    """A line end after the reply changes nothing."""
    ended = replace(case, reply=case.reply + "\n")
    return case.is_right(ended.shown())


def document_without_last_line_end(case: Shown) -> bool:
    """The document's last line end changes nothing."""
    if not case.text.endswith("\n") or case.text.endswith(("\n\n", "‸\n")):
        return True
    open_ended = replace(case, text=case.text[:-1])
    return open_ended.is_right(open_ended.shown())


def document_with_crlf(case: Shown) -> bool:
    """It is the same in a document whose lines end with CRLF."""
    text = case.text.replace("\n", "\r\n")
    right: Right = [one and (one[0].replace("\n", "\r\n"), one[1]) for one in case.right]
    with_crlf = replace(case, text=text, right=right)
    return text == case.text or with_crlf.is_right(with_crlf.shown())


def drawn_by_editor(case: Shown) -> bool:
    """VS Code draws it."""
    suggestion = case.shown()
    if suggestion is None:
        return True
    cut, document = split(case.text), case.text.replace("‸", "")
    line = cut.line_prefix + cut.line_suffix
    column = to_units(line, cut.column, Encoding.UTF16)
    end = to_units(line, cut.column + suggestion.replace, Encoding.UTF16)
    return bool(drawn(document, cut.line, column, at(cut.line, column, end), suggestion.text))


CHECKS = (
    whole_reply,
    stream,
    line_end_after_reply,
    document_without_last_line_end,
    document_with_crlf,
    drawn_by_editor,
)


@pytest.mark.parametrize("case", CASES, ids=[f"{case.kind} {number}" for number, case in enumerate(CASES)])
def test_what_is_shown(case: Shown) -> None:
    failed = [check.__name__ for check in CHECKS if not check(case)]
    assert failed == [], f"shown: {case.shown()}, right: {case.right}"


@pytest.mark.parametrize("token", CONTROL_TOKENS)
def test_every_control_token_of_the_templates_ends_the_text(token: str) -> None:
    for rest in ("", "\n", " x", "def f(): pass\n"):
        case = Shown("", "python", "def f(a, b):\n    return ‸\n", f"a + b{token}{rest}", [("a + b", 0)])
        assert case.is_right(case.shown())
    written = Shown("", "python", f"# {token}\nx = ‸\n", f'"{token}"', [(f'"{token}"', 0)])
    assert written.is_right(written.shown())
