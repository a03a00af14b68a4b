"""The value that a back end is asked with."""

from __future__ import annotations

from dataclasses import dataclass

_HEAD = "+++++ "

HEADING = 12  # characters that set off a piece of context besides its path and text, in the longest of the usual forms


@dataclass(frozen=True, slots=True, kw_only=True)
class Snippet:
    """A piece of another place in the project: its ``path`` relative to the workspace, and whole lines of it."""

    path: str
    text: str

    @property
    def size(self) -> int:
        """Characters that it takes in a prompt, its heading included."""
        return len(self.path) + len(self.text) + HEADING


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """One fill-in-the-middle question.

    ``prefix`` and ``suffix`` are the window's text before and after the cursor, ``context`` what is known from elsewhere,
    in an order that changes as little as can be from one question to the next. ``language`` is the editor's language
    id; ``path`` is the document's, relative to the workspace, or ``""``; ``uri`` names the document to
    back ends that live in this process. ``max_tokens`` bounds the answer, ``stop`` are strings that end it;
    ``single_line`` says that no more than the rest of the line will be shown.
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

    @property
    def size(self) -> int:
        """Characters that are sent, headings included: with context, the document's own text gets one too."""
        own = len(self.path) + HEADING if self.context else 0
        return len(self.prefix) + len(self.suffix) + own + sum(snippet.size for snippet in self.context)


def has_headings(text: str) -> bool:
    """Whether a text has lines like those that set off context for Codestral, where a model would take it for another's."""
    return _HEAD in text and (text.startswith(_HEAD) or f"\n{_HEAD}" in text or f"\r{_HEAD}" in text)
