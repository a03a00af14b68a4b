"""Which documents learn from each other, and which files of a workspace they learn from."""

from __future__ import annotations

from pathlib import Path

_FAMILIES: tuple[tuple[str, frozenset[str], frozenset[str]], ...] = (
    ("python", frozenset({"python"}), frozenset({".py", ".pyi"})),
    (
        "javascript",
        frozenset({"javascript", "javascriptreact", "typescript", "typescriptreact"}),
        frozenset({".js", ".jsx", ".mjs", ".cjs", ".ts", ".tsx", ".mts", ".cts"}),
    ),
    ("c", frozenset({"c", "cpp"}), frozenset({".c", ".h", ".cc", ".hh", ".cpp", ".hpp", ".cxx", ".hxx"})),
    ("rust", frozenset({"rust"}), frozenset({".rs"})),
    ("go", frozenset({"go"}), frozenset({".go"})),
    ("java", frozenset({"java"}), frozenset({".java"})),
    ("shell", frozenset({"shellscript", "sh", "bash"}), frozenset({".sh", ".bash"})),
)
"""(name, editors' language ids, file suffixes). What isn't here is a family by its suffix, or by its language id."""


def family(language: str, path: Path | None) -> str:
    """The name of the family that a document belongs to; its path's suffix is believed before its language id."""
    suffix = path.suffix.lower() if path is not None else ""
    for name, _, suffixes in _FAMILIES:
        if suffix in suffixes:
            return name
    for name, languages, _ in _FAMILIES:
        if language in languages:
            return name
    return suffix or language


def suffixes_of(name: str) -> frozenset[str]:
    """The suffixes of a family's files; none for one that is known by its language id only."""
    for known, _, suffixes in _FAMILIES:
        if name == known:
            return suffixes
    return frozenset({name}) if name.startswith(".") else frozenset()
