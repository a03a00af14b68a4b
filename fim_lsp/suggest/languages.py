"""What a language id reveals about a document. Those in none of the sets are judged by the document's text alone."""

from __future__ import annotations

from typing import Final

MARKUP: Final = frozenset(
    "html xml svg vue svelte astro javascriptreact typescriptreact handlebars erb eruby heex php blade razor htmldjango".split()
)
"""Documents with tags."""

TEXT: Final = frozenset(
    "markdown mdx quarto rmd restructuredtext asciidoc org latex tex plaintex context latex-expl3 rsweave rnoweb doctex text "
    "plaintext gitcommit git-commit scminput vimwiki mediawiki dokuwiki pandoc".split()
)
"""Documents that are made of sentences: brackets and quotes don't reveal where a passage ends."""

WITH_HASHES: Final = frozenset(
    "python ruby shellscript bash sh zsh fish perl r yaml toml dockerfile makefile make cmake elixir julia nix coffeescript "
    "powershell gdscript crystal nim".split()
)
"""Comments begin with ``#``."""

WITH_SLASHES: Final = frozenset(
    "javascript javascriptreact typescript typescriptreact c cpp csharp go java kotlin rust swift scala dart php css scss "
    "less zig groovy objective-c json jsonc solidity proto3 glsl".split()
)
"""Comments begin with ``//`` or ``/*``."""

LISPS: Final = frozenset("lisp commonlisp emacs-lisp elisp scheme racket clojure fennel hy".split())
"""A bracket that is open means that more belongs to the line."""

WITH_END_WORDS: Final = frozenset("ruby lua elixir julia shellscript bash sh zsh fish crystal vb vhdl matlab".split())
"""Blocks end with a word."""

SHELLS: Final = frozenset("shellscript bash sh zsh ksh".split())
"""A pattern of ``case`` ends in a bracket that nothing opens."""

ALLMAN: Final = frozenset("c cpp csharp java php objective-c objective-cpp cuda-cpp glsl hlsl d".split())
"""The brace of a body may be on the line below its head."""
