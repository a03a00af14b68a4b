"""LSP language ids by file name, for where no editor says one. Editors' own ids win."""

from __future__ import annotations

from pathlib import Path
from types import MappingProxyType
from typing import Final

_BY_SUFFIX: Final = MappingProxyType({
    "bash": "sh bash", "c": "c h", "clojure": "clj cljs", "cpp": "cc cpp cxx hpp hh hxx", "csharp": "cs", "css": "css",
    "dart": "dart", "elixir": "ex exs", "emacs-lisp": "el", "erlang": "erl", "fsharp": "fs", "go": "go",
    "haskell": "hs", "html": "html htm", "java": "java", "javascript": "js mjs cjs", "javascriptreact": "jsx",
    "json": "json", "julia": "jl", "kotlin": "kt kts", "lua": "lua", "markdown": "md markdown", "nix": "nix",
    "ocaml": "ml mli", "perl": "pl pm", "php": "php", "python": "py pyi pyw", "r": "r", "ruby": "rb", "rust": "rs",
    "scala": "scala", "sql": "sql", "svelte": "svelte", "swift": "swift", "toml": "toml", "typescript": "ts mts cts",
    "typescriptreact": "tsx", "vim": "vim", "vue": "vue", "xml": "xml", "yaml": "yml yaml", "zig": "zig",
})  # fmt: skip
_IDS: Final = MappingProxyType(
    {suffix: language for language, suffixes in _BY_SUFFIX.items() for suffix in suffixes.split()}
)


def language_of(path: Path) -> str:
    """The language id that editors give such a file, ``"plaintext"`` if unknown."""
    return _IDS.get(path.suffix.lower().lstrip("."), "plaintext")
