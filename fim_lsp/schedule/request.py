"""The scheduler's input and output values."""

from __future__ import annotations

import asyncio
import enum
from collections.abc import Hashable
from dataclasses import dataclass

from fim_lsp.suggest.suggestion import Suggestion
from fim_lsp.text.cursor import Split

_CELL_CHARACTERS = 256  # of each neighbouring cell that an answer depends on


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A request, and the text around the cursor when it arrived. Later edits don't change it.

    ``number`` identifies the request in its session, from 1.
    ``path`` is relative to the workspace, or ``""``; ``size`` is the document's, in characters. ``explicit``: the request
    was triggered manually. ``wants_others``: it is for alternatives too. For a cell of a ``notebook``, ``whole`` is the
    window that extends into the other cells. ``selected`` is the rest, after the cursor, of the entry that is highlighted in
    the editor's menu; None if there is no menu.
    """

    uri: str
    language: str
    path: str
    split: Split
    explicit: bool = False
    size: int = 0
    notebook: str = ""
    number: int = 0
    whole: Split | None = None
    wants_others: bool = False
    selected: str | None = None

    @property
    def window(self) -> Split:
        """The text that a prompt is made of."""
        return self.whole or self.split

    @property
    def cache_scope(self) -> Hashable:
        """What an answer depends on besides the text around the cursor: the document, and the text next to a cell."""
        if self.whole is None:
            return self.uri
        above = self.whole.prefix.removesuffix(self.split.prefix)
        below = self.whole.suffix.removeprefix(self.split.suffix)
        return self.uri, above[-_CELL_CHARACTERS:], below[:_CELL_CHARACTERS]


class Outcome(enum.StrEnum):
    """Where a result's text comes from, or why there is none."""

    CALL = "call"  # a back end was asked for it
    REUSED_CALL = "reused call"  # it came from a call that was already in flight
    CACHE = "cache"  # it was cached
    FALLBACK = "fallback"  # the first back end could not answer, another one did
    SUPERSEDED = "superseded"  # a newer request or edit took its place
    EXCLUDED = "excluded"  # the file is never sent
    LOCAL_ONLY = "local only"  # the text must not leave this machine, and no back end runs on it
    TOO_LARGE = "too large"  # the file is over the limit
    TURNED_OFF = "turned off"  # the user turned suggestions off in the whole editor; an explicit request is answered
    SNOOZED = "snoozed"  # the same, for a while
    LANGUAGE_OFF = "language off"  # the same, in documents of this language
    MANUAL = "manual"  # suggestions appear only when they are asked for
    DELETION = "deletion"  # the last edit only removed text
    PASTE = "paste"  # the last edit was a paste, or a program's
    IN_WORD = "in word"  # the cursor is inside a word
    EMPTY = "empty"  # the back end had nothing to suggest, or nothing that could be shown
    MENU = "menu"  # the suggestion does not continue the entry that is highlighted in the editor's menu
    NO_BACKEND = "no back end"  # no back end answered
    CLOSED = "closed"  # the document or the server was closed


@dataclass(frozen=True, slots=True, kw_only=True)
class CompletionResult:
    """What a request is answered with: a suggestion, or none, and why.

    ``backend`` is the name of the back end that wrote it, or had none, ``""`` if none was asked. ``reason`` is a sentence
    on what ``outcome`` alone does not say: which rule excludes the file, why the first back end did not answer.
    ``call`` is the number of the request for which the call was made, and ``waited`` the seconds until it was made.
    ``suggestion_number`` identifies the suggestion in its session, from 1: the rest of one that was typed keeps it.
    ``cut_by`` is as in :class:`~fim_lsp.suggest.suggestion.Shaped`.
    ``others`` are alternatives at the same place, each with a suggestion. ``others_failed`` is why more could not be had,
    ``""`` if nothing failed.
    """

    outcome: Outcome
    suggestion: Suggestion | None = None
    backend: str = ""
    reason: str = ""
    call: int = 0
    waited: float = 0.0
    suggestion_number: int = 0
    cut_by: tuple[str, ...] = ()
    others: tuple[CompletionResult, ...] = ()
    others_failed: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request that waits for its result. ``made_at`` is in seconds.

    ``silence`` is why no suggestion appears here without being asked for, if that is so. ``withdrawn``: the editor does not
    wait any more, but asks again if it is told that the result is there.
    """

    snapshot: Snapshot
    result: asyncio.Future[CompletionResult]
    made_at: float
    silence: Outcome | None = None
    withdrawn: bool = False
