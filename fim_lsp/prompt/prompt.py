"""The value that a back end is asked with."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """One fill-in-the-middle question.

    ``prefix`` and ``suffix`` are the window's text before and after the cursor; ``language`` is the editor's language
    id; ``path`` is the document's, relative to the workspace, or ``""``; ``uri`` names the document to
    back ends that live in this process. ``max_tokens`` bounds the answer, ``stop`` are strings that end it.
    """

    prefix: str
    suffix: str
    language: str = ""
    path: str = ""
    uri: str = ""
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
