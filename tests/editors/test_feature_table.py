"""The README's table of keys and commands names what each editor has; the editors' own tests press them."""

from __future__ import annotations

import json
import re
import tomllib
from functools import partial

import pytest

from tests.editors.programs import ROOT

_EDITORS = ROOT / "editors"
_CODE = re.compile(r"`([^`]+)`")


def _rows() -> list[list[str]]:
    table = (ROOT / "README.md").read_text("utf-8").partition("| | Neovim ")[2].partition("\n\n")[0]
    return [line.strip("| ").split(" | ") for line in table.splitlines()[2:]]


def _cells(editor: int) -> list[str]:
    return [row[editor] for row in _rows()]


def _sources(folder: str, pattern: str) -> str:
    return "\n".join(file.read_text("utf-8") for file in sorted((_EDITORS / folder).rglob(pattern)))


def _neovim_has(name: str, source: str) -> bool:
    command, _, argument = name.partition(" ")
    known = re.search(rf"^  {command} = {{", source, re.MULTILINE) or re.search(
        rf"^---@field {command}\?", source, re.MULTILINE
    )
    return bool(known) and (not argument or argument.isdigit() or f"'{argument}'" in source)


def _emacs_has(name: str, source: str) -> bool:
    name = "fim-lsp-" + name.removeprefix("fim-lsp-")
    return name == "fim-lsp-C-u" or re.search(rf"\(def(?:un|custom|alias) '?{re.escape(name)}[\s)]", source) is not None


def _helix_has(name: str, source: str) -> bool:
    return name in tomllib.loads(source)["keys"]["normal"]["space"]["i"]


@pytest.mark.parametrize(
    ("editor", "has"),
    [
        pytest.param(1, partial(_neovim_has, source=_sources("neovim/lua/fim_lsp", "*.lua")), id="Neovim"),
        pytest.param(2, partial(_emacs_has, source=_sources("emacs", "*.el")), id="Emacs"),
        pytest.param(4, partial(_helix_has, source=_sources("helix", "config.toml")), id="Helix"),
    ],
)
def test_each_command_of_the_table_exists(editor: int, has: partial[bool]) -> None:
    names = [name for cell in _cells(editor) for name in _CODE.findall(cell)]
    assert len(names) > 8
    assert [name for name in names if not has(name)] == []


def test_each_command_of_vs_code_in_the_table_exists() -> None:
    contributes = json.loads((_EDITORS / "vscode/package.json").read_text("utf-8"))["contributes"]
    titles = [command["title"] for command in contributes["commands"]]
    named = [name for cell in _cells(3) for name in re.findall(r"\*([^*]+)\*", cell)]
    assert len(named) > 8
    for name in named:
        beginning, shortened, end = name.partition("…")
        matching = [title for title in titles if title.startswith(beginning.strip()) and title.endswith(end)]
        assert name in titles or (shortened and matching), name


def test_the_keys_of_the_table_are_bound() -> None:
    neovim, emacs = _sources("neovim/lua/fim_lsp", "keys.lua"), _sources("emacs", "fim-lsp-ghost.el")
    bound = json.loads((_EDITORS / "vscode/package.json").read_text("utf-8"))["contributes"]["keybindings"]
    accept, others = _rows()[0], _rows()[1]
    for key in re.findall(r"Alt-(\S+?)[,;]?(?= |$)", f"{accept[1]} {others[1]}"):
        assert f"<M-{key}>" in neovim, key  # Markdown and Lua write a backslash alike
    for key in re.findall(r"M-\w", f"{accept[2]} {others[2]}"):
        assert f'"{key}" ' in emacs, key
    assert {"alt+\\", "ctrl+alt+right"} <= {binding["key"] for binding in bound}
