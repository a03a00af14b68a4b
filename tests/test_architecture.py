"""The order of the package: imports run downwards, state stays where it is guarded, files and functions are short."""

from __future__ import annotations

import ast
import dataclasses
import graphlib
import importlib
import inspect
import pkgutil
import statistics
from collections.abc import Iterator
from pathlib import Path

import pytest

import fim_lsp

PACKAGE = Path(fim_lsp.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))

FLOORS = (
    {"__main__"},
    {"cli"},
    {"lsp"},
    {"doctor"},
    {"session"},
    {"stats", "migrate"},
    {"schedule"},
    {"backends"},
    {"rate_limit", "settings", "context"},
    {"http", "suggest", "prompt", "ngram"},
    {"redaction", "workspace", "text", "secret", "errors"},
)
"""From the top down. A module imports from floors below its own, or from its own room."""

PURE = {"text", "prompt", "suggest", "redaction"}
IMPURE_MODULES = {"asyncio", "time", "os", "socket", "threading", "pathlib", "subprocess", "random"}


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def imports(path: Path) -> Iterator[str]:
    """Every import of a file: those inside functions and under ``TYPE_CHECKING`` too."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name} has a relative import"
            assert node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def floor_of(room: str) -> int:
    return next(number for number, rooms in enumerate(FLOORS) if room in rooms)


def by_name(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


@pytest.mark.parametrize("path", [path for path in FILES if room_of(path) != "__init__"], ids=by_name)
def test_imports_run_strictly_downwards(path: Path) -> None:
    room = room_of(path)
    for name in imports(path):
        parts = name.split(".")
        if parts[0] == "fim_lsp" and parts[1:2] not in ([], ["__version__"]) and parts[1] != room:
            assert floor_of(parts[1]) > floor_of(room), f"{by_name(path)} must not import {name}"


def modules_imported_by(path: Path) -> set[str]:
    """The modules of the package that a file imports, by their dotted names."""
    found = set()
    for name in imports(path):
        module = name if name in MODULE_NAMES else name.rpartition(".")[0]
        if module in MODULE_NAMES:
            found.add(module)
    return found


def dotted(path: Path) -> str:
    return ".".join(("fim_lsp", *path.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(".__init__")


MODULE_NAMES = {dotted(path) for path in FILES}


def test_no_modules_import_each_other_in_a_circle() -> None:
    """Imports inside functions and under ``TYPE_CHECKING`` count."""
    graph = {dotted(path): modules_imported_by(path) - {"fim_lsp"} for path in FILES}
    try:
        tuple(graphlib.TopologicalSorter(graph).static_order())
    except graphlib.CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def test_nothing_is_loose_at_the_top() -> None:
    assert {path.stem for path in PACKAGE.glob("*.py")} == {"__init__", "__main__", "errors", "secret"}
    folders = {path.parent.relative_to(PACKAGE) for path in FILES if path.parent != PACKAGE}
    assert all(len(folder.parts) == 1 for folder in folders)


@pytest.mark.parametrize("path", FILES, ids=by_name)
def test_libraries_stay_in_their_rooms(path: Path) -> None:
    for name in imports(path):
        top = name.split(".")[0]
        if top in {"pygls", "lsprotocol"}:
            assert room_of(path) == "lsp", f"{by_name(path)} imports {name}: only lsp/ may"
        if top == "httpx":
            assert by_name(path) == "http/client.py", f"only http/client.py may import {name}"
        if room_of(path) in PURE:
            assert top not in IMPURE_MODULES, f"{by_name(path)} imports {name}: {room_of(path)}/ is pure"


MODULES = [
    module.name
    for module in pkgutil.walk_packages(fim_lsp.__path__, "fim_lsp.")
    if not module.name.endswith("__main__")
]


@pytest.mark.parametrize("name", MODULES)
def test_no_module_has_mutable_state(name: str) -> None:
    """Constants are immutable; a cache is allowed where it holds one lazily made constant, not what depends on a call."""
    module = importlib.import_module(name)
    for attribute, value in vars(module).items():
        if attribute.startswith("__"):
            continue
        assert not isinstance(value, list | set | dict | bytearray), f"{name}.{attribute} can be changed"
        if hasattr(value, "cache_info") and value.__module__ == name:
            assert not inspect.signature(value).parameters, f"{name}.{attribute} remembers its arguments"


STATE = {
    "Call",
    "Document",
    "LastEdit",
    "OpenDocument",
    "Scope",
    "IndexedDocument",
    "Offer",
}  # they hold what changes, and have methods that guard it


@pytest.mark.parametrize("name", MODULES)
def test_what_crosses_rooms_is_frozen(name: str) -> None:
    for attribute, value in vars(importlib.import_module(name)).items():
        if inspect.isclass(value) and dataclasses.is_dataclass(value) and value.__module__ == name:
            frozen = value.__dataclass_params__.frozen  # type: ignore[attr-defined]
            inside = attribute.startswith("_") or attribute in STATE
            assert frozen or inside, f"{name}.{attribute} crosses rooms and can change"


def test_a_file_is_one_concept() -> None:
    assert {by_name(path): lines for path in FILES if (lines := len(path.read_text("utf-8").splitlines())) > 400} == {}


def functions_of(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of the body, without the docstring."""
    first, last = function.body[0], function.body[-1]
    assert first.end_lineno
    assert last.end_lineno
    documented = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    return last.end_lineno - (first.end_lineno if documented else first.lineno - 1)


def test_a_function_fits_on_a_screen() -> None:
    long = [(by_name(path), one.name) for path in FILES for one in functions_of(path) if length(one) > 40]
    assert long == []


def test_most_functions_are_short() -> None:
    assert statistics.median(length(function) for path in FILES for function in functions_of(path)) <= 8


TESTED_TOGETHER = {
    "backends/backend.py": "backends/test_http_backend.py",
    "doctor/examination.py": "cli/test_doctor.py",
    "doctor/host_findings.py": "cli/test_doctor.py",
    "doctor/key_check.py": "cli/test_key_test.py",
    "doctor/subject.py": "cli/test_doctor.py",
    "lsp/requests.py": "lsp/test_handlers.py",
    "lsp/server.py": "lsp/test_protocol.py",
    "ngram/candidates.py": "ngram/test_predict.py",
    "ngram/cursor.py": "ngram/test_predict.py",
    "ngram/generate.py": "ngram/test_predict.py",
    "ngram/held_files.py": "ngram/test_index_keeper.py",
    "ngram/mixture.py": "ngram/test_predict.py",
    "ngram/scope.py": "ngram/test_predict.py",
    "ngram/token_store.py": "ngram/test_model.py",
    "ngram/vocabulary.py": "ngram/test_model.py",
    "prompt/prompt.py": "prompt/test_build.py",
    "redaction/assignments.py": "redaction/test_mask.py",
    "schedule/call_progress.py": "schedule/test_call_record.py",
    "session/model_switch.py": "lsp/test_choice_commands.py",
    "session/request_tracking.py": "session/test_session.py",
    "session/usage_counter.py": "lsp/test_choice_commands.py",
    "settings/schema.py": "settings/test_loader.py",
    "settings/validators.py": "settings/test_merge.py",
    "stats/batch_writer.py": "stats/test_store.py",
    "workspace/glob_automaton.py": "workspace/test_globs.py",
    "workspace/glob_parser.py": "workspace/test_globs.py",
}
"""Modules without a test file of their own, and the file that tests them with their neighbours."""


def has_logic(path: Path) -> bool:
    """Whether a module has a function of more than one statement."""
    return any(len(function.body) > 1 or length(function) > 1 for function in functions_of(path))


@pytest.mark.parametrize("path", [path for path in FILES if path.parent != PACKAGE and has_logic(path)], ids=by_name)
def test_every_module_has_its_tests(path: Path) -> None:
    own = f"{path.parent.name}/test_{path.stem}.py"
    tests = Path(__file__).parent
    if not (tests / own).exists():
        assert by_name(path) in TESTED_TOGETHER, f"{by_name(path)} has no tests/{own}"
        assert (tests / TESTED_TOGETHER[by_name(path)]).exists()


def test_nothing_else_is_visible_at_the_top() -> None:
    top = {entry.name for entry in PACKAGE.parent.iterdir() if not entry.name.startswith(".")}
    if "pyproject.toml" in top:  # not for an installed package
        assert top - {"dist", "build"} <= {"pyproject.toml", "README.md", "fim_lsp", "tests", "editors", "LICENSE"}
