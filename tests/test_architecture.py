"""The walls of the house: who may import what, and what may cross."""

from __future__ import annotations

import ast
import dataclasses
import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import fim_lsp

HOUSE = Path(fim_lsp.__file__).parent
FILES = sorted(HOUSE.rglob("*.py"))
PURE = ("text", "prompt", "suggest")


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def room(path: Path) -> str:
    return path.relative_to(HOUSE).parts[0] if path.parent != HOUSE else ""


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(HOUSE)))
def test_imports_stay_in_their_rooms(path: Path) -> None:
    for name in imports(path):
        top = name.split(".")[0]
        if top in {"pygls", "lsprotocol"}:
            assert room(path) == "lsp", f"{path.name} imports {name}: only lsp/ may"
        if top == "httpx":
            assert path.relative_to(HOUSE).as_posix() == "backends/http.py", f"only backends/http.py may import {name}"
        if room(path) in PURE:
            assert top not in {"asyncio", "time", "os", "socket", "threading", "pathlib", "subprocess", "random"}


DIRECTION = {
    "text": set(),
    "prompt": {"text"},
    "suggest": {"text"},
    "backends": {"prompt", "text"},
    "limits": {"backends"},  # for the value that a server's rate headers make
    "schedule": {"text", "prompt", "suggest", "backends", "limits"},
}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(HOUSE)))
def test_a_keystroke_walks_in_one_direction(path: Path) -> None:
    allowed = DIRECTION.get(room(path))
    if allowed is None:
        return
    for name in imports(path):
        parts = name.split(".")
        if parts[0] == "fim_lsp" and len(parts) > 1 and (HOUSE / parts[1]).is_dir():
            assert parts[1] in allowed | {room(path)}, f"{path.name} must not know {name}"


MODULES = [
    module.name
    for module in pkgutil.walk_packages(fim_lsp.__path__, "fim_lsp.")
    if not module.name.endswith("__main__")
]


@pytest.mark.parametrize("name", MODULES)
def test_no_module_has_mutable_state(name: str) -> None:
    for attribute, value in vars(importlib.import_module(name)).items():
        if not attribute.startswith("__"):
            assert not isinstance(value, list | set | bytearray) or attribute.isupper() or attribute[1:].isupper()


STATE = {
    "Call",
    "Document",
    "Lane",
    "LastEdit",
    "OpenDocument",
    "Scope",
    "Shelf",
    "Taste",
}  # they hold what changes, and have methods that guard it


@pytest.mark.parametrize("name", MODULES)
def test_what_crosses_rooms_is_frozen(name: str) -> None:
    for attribute, value in vars(importlib.import_module(name)).items():
        if inspect.isclass(value) and dataclasses.is_dataclass(value) and value.__module__ == name:
            frozen = value.__dataclass_params__.frozen  # type: ignore[attr-defined]
            inside = attribute.startswith("_") or attribute in STATE
            assert frozen or inside, f"{name}.{attribute} crosses rooms and can change"


def test_files_are_read_in_one_sitting() -> None:
    assert {path.name: lines for path in FILES if (lines := len(path.read_text("utf-8").splitlines())) > 300} == {}


def test_nothing_else_is_visible_at_the_top() -> None:
    top = {entry.name for entry in HOUSE.parent.iterdir() if not entry.name.startswith(".")}
    if "pyproject.toml" in top:  # not for an installed package
        assert top - {"dist", "build"} <= {"pyproject.toml", "README.md", "fim_lsp", "tests", "editors", "LICENSE"}
