"""Language ids by file name."""

from __future__ import annotations

from pathlib import Path

import pytest

from fim_lsp.workspace.language_ids import language_of


@pytest.mark.parametrize(
    ("name", "language"),
    [
        ("a.py", "python"),
        ("a.PYI", "python"),
        ("a.test.tsx", "typescriptreact"),
        ("a.unknown", "plaintext"),
        ("a", "plaintext"),
    ],
)
def test_the_suffix_decides(name: str, language: str) -> None:
    assert language_of(Path(name)) == language
