"""The languages of files and documents, and the families of languages that learn from each other."""

from __future__ import annotations

from pathlib import Path
from types import MappingProxyType
from typing import Final

# Documents learn from files of their own family only.
_FAMILIES: Final[tuple[tuple[str, frozenset[str], frozenset[str]], ...]] = (
    ("python", frozenset({"python"}), frozenset({".py", ".pyi"})),
    ("javascript", frozenset({"javascript", "javascriptreact", "typescript", "typescriptreact"}),
     frozenset({".js", ".jsx", ".mjs", ".cjs", ".ts", ".tsx", ".mts", ".cts"})),
    ("c", frozenset({"c", "cpp"}), frozenset({".c", ".h", ".cc", ".hh", ".cpp", ".hpp", ".cxx", ".hxx"})),
    ("rust", frozenset({"rust"}), frozenset({".rs"})),
    ("go", frozenset({"go"}), frozenset({".go"})),
    ("java", frozenset({"java"}), frozenset({".java"})),
    ("shell", frozenset({"shellscript", "sh", "bash"}), frozenset({".sh", ".bash"})),
)  # fmt: skip
"""Name, language ids and file suffixes. Any other file is in the family of its suffix or language id."""


def family(language: str, path: Path | None) -> str:
    """The family of a document. The suffix of its path takes precedence over its language id."""
    suffix = path.suffix.lower() if path is not None else ""
    for name, _, suffixes in _FAMILIES:
        if suffix in suffixes:
            return name
    for name, languages, _ in _FAMILIES:
        if language in languages:
            return name
    return suffix or language


def suffixes_of(name: str) -> frozenset[str]:
    """The suffixes of a family's files; none for a family that is only known by its language id."""
    for known, _, suffixes in _FAMILIES:
        if name == known:
            return suffixes
    return frozenset({name}) if name.startswith(".") else frozenset()


_SUFFIXES: Final = MappingProxyType({
    "bash": "sh bash", "c": "c h", "clojure": "clj cljs", "cpp": "cc cpp cxx hpp hh hxx", "csharp": "cs", "css": "css",
    "dart": "dart", "elixir": "ex exs", "emacs-lisp": "el", "erlang": "erl", "fsharp": "fs", "go": "go",
    "haskell": "hs", "html": "html htm", "java": "java", "javascript": "js mjs cjs", "javascriptreact": "jsx",
    "json": "json", "julia": "jl", "kotlin": "kt kts", "lua": "lua", "markdown": "md markdown", "nix": "nix",
    "ocaml": "ml mli", "perl": "pl pm", "php": "php", "python": "py pyi pyw", "r": "r", "ruby": "rb", "rust": "rs",
    "scala": "scala", "sql": "sql", "svelte": "svelte", "swift": "swift", "toml": "toml", "typescript": "ts mts cts",
    "typescriptreact": "tsx", "vim": "vim", "vue": "vue", "xml": "xml", "yaml": "yml yaml", "zig": "zig",
})  # fmt: skip
_LANGUAGE_IDS: Final = MappingProxyType(
    {f".{ending}": language for language, endings in _SUFFIXES.items() for ending in endings.split()}
)


SOURCE_SUFFIXES: Final = frozenset(_LANGUAGE_IDS).union(*(suffixes for _, _, suffixes in _FAMILIES))
"""The suffixes of all known languages."""


def language_of(path: Path) -> str:
    """The LSP language id of a file, ``"plaintext"`` if it is unknown; for documents whose editor sends none."""
    return _LANGUAGE_IDS.get(path.suffix.lower(), "plaintext")


_SAME_LANGUAGE: Final = MappingProxyType({
    "c++": "cpp", "c#": "csharp", "cs": "csharp", "sh": "shellscript", "bash": "shellscript", "zsh": "shellscript",
    "md": "markdown", "py": "python", "js": "javascript", "jsx": "javascriptreact", "ts": "typescript",
    "tsx": "typescriptreact", "rb": "ruby", "rs": "rust", "golang": "go", "yml": "yaml", "tex": "latex",
    "make": "makefile", "elisp": "emacs-lisp", "text": "plaintext", "txt": "plaintext", "objc": "objective-c",
    "objcpp": "objective-cpp", "gitcommit": "git-commit", "gitrebase": "git-rebase",
})  # fmt: skip


def canonical_language(language: str) -> str:
    """One id for a language that editors or people name differently: ``shellscript`` (VS Code) for ``sh`` (Vim)."""
    name = language.casefold().removeprefix(".")
    return _SAME_LANGUAGE.get(name, name)
