"""Trigger kinds as clients mean them: LSP's 1 and 2, or VS Code's own 0 and 1."""

from __future__ import annotations

import pytest

from fim_lsp.lsp.lenient import AUTOMATIC, INVOKED, Lenient


def kinds(client: str, *sent: object) -> list[int]:
    lenient = Lenient()
    lenient.introduce({"clientInfo": {"name": client}})
    return [lenient.readable({"context": {"triggerKind": kind}})["context"]["triggerKind"] for kind in sent]


@pytest.mark.parametrize(
    ("client", "sent", "meant"),
    [
        ("Neovim", [2, 2, 1], [AUTOMATIC, AUTOMATIC, INVOKED]),
        ("some client", [1, 1], [INVOKED, INVOKED]),
        ("Visual Studio Code", [1, 1, 0, 1], [AUTOMATIC, AUTOMATIC, INVOKED, AUTOMATIC]),
        ("Visual Studio Code", [2, 1, 2], [AUTOMATIC, INVOKED, AUTOMATIC]),
        ("an old client", [0, 1, 1], [INVOKED, AUTOMATIC, AUTOMATIC]),
        ("any", [7, None, True, "1", [1]], [AUTOMATIC] * 5),
    ],
)
def test_kinds(client: str, sent: list[object], meant: list[int]) -> None:
    assert kinds(client, *sent) == meant


@pytest.mark.parametrize("params", [None, [], "text", {}, {"clientInfo": None}, {"clientInfo": {"name": 5}}])
def test_any_introduction_is_heard(params: object) -> None:
    Lenient().introduce(params)
