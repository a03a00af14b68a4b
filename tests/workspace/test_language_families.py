"""Languages of files, and which languages learn from each other."""

from __future__ import annotations

from pathlib import Path

import pytest

from fim_lsp.workspace.language_families import canonical_language, family, language_of, suffixes_of


@pytest.mark.parametrize(
    ("language", "name", "expected"),
    [
        ("typescriptreact", None, "javascript"),
        ("shellscript", None, "shell"),
        ("plaintext", "a.mjs", "javascript"),
        ("python", "a.rs", "rust"),  # the suffix takes precedence over the language id
        ("python", "a.unknown", "python"),
        ("kotlin", "a.kt", ".kt"),
        ("kotlin", "kt", "kotlin"),
    ],
)
def test_a_family_is_known_by_its_suffix_or_its_language_id(language: str, name: str | None, expected: str) -> None:
    assert family(language, Path(name) if name else None) == expected


def test_a_family_has_the_suffixes_of_all_its_languages() -> None:
    assert {".c", ".hpp"} <= suffixes_of("c")
    assert suffixes_of(".kt") == {".kt"}
    assert suffixes_of("kotlin") == set()


@pytest.mark.parametrize(
    ("name", "language"),
    [
        ("a.py", "python"),
        ("a.PYI", "python"),
        ("a.test.tsx", "typescriptreact"),
        ("a.h", "c"),
        ("a.unknown", "plaintext"),
        ("a", "plaintext"),
        ("a.", "plaintext"),
    ],
)
def test_the_suffix_decides_the_language_id(name: str, language: str) -> None:
    assert language_of(Path(name)) == language


@pytest.mark.parametrize(
    ("name", "canonical"),
    [
        ("sh", "shellscript"),
        ("Bash", "shellscript"),
        (".md", "markdown"),
        ("C++", "cpp"),
        ("cs", "csharp"),
        ("go", "go"),
    ],
)
def test_a_language_has_one_name_whatever_editors_call_it(name: str, canonical: str) -> None:
    assert canonical_language(name) == canonical
    assert canonical_language(canonical) == canonical
