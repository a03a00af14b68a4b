"""Tables of cases, by rule: a document with ``‸`` at the cursor, a model's reply, and the text that is shown of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import pytest

from fim_lsp.suggest.postprocess import Multiline, is_complete, suggestion_from
from tests.marked import context

BODY = "def f(a):\n    ‸\n"
NESTED = "def f(a):\n    if a:\n        ‸\n    return a\n"
TOP = "import os\n\n‸\n"

Cases = Mapping[str, Sequence[tuple[str, str, str | None]]]


def shown_as_wanted(cases: Cases) -> Callable[[str, str, str | None], None]:
    """A test of every case in a table, both as a whole reply and as a stream."""
    rows = [
        pytest.param(*case, id=f"{rule} {number}") for rule, table in cases.items() for number, case in enumerate(table)
    ]

    @pytest.mark.parametrize(("marked", "reply", "want"), rows)
    def test(marked: str, reply: str, want: str | None) -> None:
        assert shown(marked, reply) == want
        assert streamed(marked, reply) == want

    return test


def shown(
    marked: str, reply: str, *, language: str = "", finished: str | None = "stop", multiline: Multiline = "auto"
) -> str | None:
    """What is shown of a complete reply."""
    suggestion = suggestion_from(context(marked, language), reply, finished=finished, multiline=multiline)
    return suggestion.text if suggestion else None


def streamed(marked: str, reply: str, *, language: str = "") -> str | None:
    """What is shown of a reply that arrives one character after the other, as soon as no more of it is waited for."""
    place = context(marked, language)
    enough = (reply[:end] for end in range(len(reply)) if is_complete(place, reply[:end], "auto"))
    if (part := next(enough, None)) is None:
        return shown(marked, reply, language=language)
    return shown(marked, part, language=language, finished=None)
