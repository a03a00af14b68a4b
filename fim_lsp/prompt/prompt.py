"""A prompt as a value, and the headings under which other files appear in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

HEADING: Final = "+++++ "
"""Begins the line with a file's path above its text in a prompt of several files, as Continue does for Codestral."""

UNTITLED: Final = "untitled"
"""The path of a document that has no path."""

_HEADING_SIZE = 12  # characters of a file's heading besides its path, in the longest of the usual forms


@dataclass(frozen=True, slots=True, kw_only=True)
class Snippet:
    """Whole lines of another file; ``path`` is relative to the workspace."""

    path: str
    text: str

    @property
    def size(self) -> int:
        """Characters in a prompt, including the heading."""
        return len(self.path) + len(self.text) + _HEADING_SIZE


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """One fill-in-the-middle prompt.

    ``prefix`` and ``suffix`` are the text before and after the cursor, ``context`` is from other files, in an order that
    changes as little as possible from one prompt to the next. ``language`` is the editor's language id; ``path`` is
    relative to the workspace, or ``""``; ``uri`` names the document to the back end in this process. ``max_tokens``
    bounds the reply, ``stop`` are strings that end it; ``single_line`` means that only the rest of the line will be shown.
    ``variation`` is 0 for the reply that the settings ask for, 1, 2 … for other replies to the same text.
    """

    prefix: str
    suffix: str
    context: tuple[Snippet, ...] = ()
    language: str = ""
    path: str = ""
    uri: str = ""
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    single_line: bool = False
    variation: int = 0

    @property
    def size(self) -> int:
        """Characters that are sent, including headings: with context, the document itself has one too."""
        own_heading = len(self.path) + _HEADING_SIZE if self.context else 0
        return len(self.prefix) + len(self.suffix) + own_heading + sum(snippet.size for snippet in self.context)


def prefix_with_context(prompt: Prompt) -> str:
    """The context, each file under a heading, followed by the prefix, for models that have no tokens for files.

    Without context there is no heading: models are trained on bare prefixes.
    """
    if not prompt.context:
        return prompt.prefix
    files = [f"{HEADING}{snippet.path}\n{snippet.text.rstrip()}" for snippet in prompt.context]
    return "\n\n".join([*files, f"{HEADING}{prompt.path or UNTITLED}\n{prompt.prefix}"])


def has_heading(text: str) -> bool:
    """Whether a line of ``text`` would be mistaken for a heading, as may happen in a diff."""
    return HEADING in text and (text.startswith(HEADING) or f"\n{HEADING}" in text or f"\r{HEADING}" in text)
