"""The tests and commands that the documentation names exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
NAMED = re.compile(r"`(tests/[\w/]+(?:\.py)?)(?:::(\w+))?`")


@pytest.mark.parametrize("page", [".github/SECURITY.md", "fim_lsp/ARCHITECTURE.md", "README.md"])
def test_every_test_that_a_page_names_exists(page: str) -> None:
    named = NAMED.findall((ROOT / page).read_text("utf-8"))
    for path, name in named:
        assert (ROOT / path).exists() or (ROOT / f"{path}.py").exists(), f"{page} names {path}"
        if name:
            assert f"def {name}(" in (ROOT / path).read_text("utf-8"), f"{page} names {path}::{name}"
    assert named or page == "README.md"


@pytest.mark.parametrize("page", [".github/CONTRIBUTING.md", "fim_lsp/ARCHITECTURE.md", "README.md"])
def test_every_command_that_a_page_names_exists(page: str) -> None:
    commands = re.findall(r"python -m (tests(?:\.\w+)+)", (ROOT / page).read_text("utf-8"))
    for module in commands:
        path = ROOT / module.replace(".", "/")
        assert path.with_suffix(".py").exists() or (path / "__main__.py").exists(), f"{page} names {module}"
