"""Blocks of configuration: valid in their language, with any path."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

from fim_lsp.doctor.editor_blocks import EDITORS, Paths

ODD = '/home/o\'brien/a "b" ü/fim-lsp'


@pytest.mark.parametrize("command", ["/usr/bin/fim-lsp", ODD])
def test_helix(command: str) -> None:
    block = tomllib.loads(EDITORS["helix"].block(Paths(command=command, plugins=None)))
    assert block["language-server"]["fim-lsp"]["command"] == command
    assert block["language"][0]["language-servers"][-1] == "fim-lsp"


@pytest.mark.parametrize("command", ["/usr/bin/fim-lsp", ODD])
@pytest.mark.parametrize("plugins", [None, Path("/src/fim-lsp/editors")])
def test_vscode(command: str, plugins: Path | None) -> None:
    comment, setting = EDITORS["code"].block(Paths(command=command, plugins=plugins)).split("\n")
    assert comment.startswith("// ")
    assert json.loads(f"{{{setting}}}") == {"fim-lsp.command": [command]}


@pytest.mark.parametrize("name", EDITORS)
def test_a_clone_is_used_where_it_helps(name: str) -> None:
    with_clone = EDITORS[name].block(Paths(command=ODD, plugins=Path("/src/editors")))
    without = EDITORS[name].block(Paths(command=ODD, plugins=None))
    assert ("/src/editors" in with_clone) == (name in ("nvim", "emacs", "code"))
    assert "/src/editors" not in without
    assert not without.endswith("\n")


def test_the_plugins_that_blocks_refer_to_exist() -> None:
    root = Path(__file__).parents[2] / "editors"
    assert "cmd" in (root / "neovim" / "doc" / "fim-lsp.txt").read_text()
    assert "(defcustom fim-lsp-command" in (root / "emacs" / "fim-lsp-server.el").read_text()
    assert "fim-lsp.command" in (root / "vscode" / "package.json").read_text()


def test_the_block_for_vim_is_the_file_in_the_repository() -> None:
    """Its first lines; the file has more keys."""
    shipped = (Path(__file__).parents[2] / "editors" / "vim" / "vimrc").read_text()
    _, *lines = EDITORS["vim"].block(Paths(command="fim-lsp", plugins=None)).splitlines()
    assert all(line in shipped.splitlines() for line in lines)


def test_the_block_for_helix_is_in_the_file_in_the_repository() -> None:
    shipped = tomllib.loads((Path(__file__).parents[2] / "editors" / "helix" / "languages.toml").read_text())
    block = tomllib.loads(EDITORS["helix"].block(Paths(command="fim-lsp", plugins=None)))
    assert block["language-server"] == shipped["language-server"]
    assert all(language in shipped["language"] for language in block["language"])


def test_the_block_for_kakoune_is_that_of_the_page() -> None:
    page = (Path(__file__).parents[2] / "editors" / "OTHERS.md").read_text()
    _, *lines = EDITORS["kak"].block(Paths(command="fim-lsp", plugins=None)).splitlines()
    assert "\n".join(lines) in page
