"""The value that a back end is asked with."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Snippet:
    """A piece of another place in the project: its ``path`` relative to the workspace, and whole lines of it."""

    path: str
    text: str


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
