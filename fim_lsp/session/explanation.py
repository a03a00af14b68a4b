"""Everything that ``why`` answers: what keeps suggestions away now, and what became of the latest requests."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from fim_lsp.schedule.events import CallEnded, RequestAnswered
from fim_lsp.session.request_log import entries, lines_of, to_json

NOTHING_YET = "Nothing has been requested yet."


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """``document`` are sentences on the document that was asked about, and ``is_silent`` whether nothing appears in it.

    ``status`` is the server's in one line, ``problems`` are those of its settings, ``learning`` what it has learnt of this
    user; requests and calls are the latest, the newest first.
    """

    status: str
    document: tuple[str, ...] = ()
    is_silent: bool = False
    problems: tuple[str, ...] = ()
    learning: tuple[str, ...] = ()
    answered: Sequence[RequestAnswered] = ()
    calls: Sequence[CallEnded] = ()

    def lines(self, *, verbose: bool = False) -> Iterator[str]:
        """For a person, the present first."""
        yield from self.document
        yield self.status
        yield from self.problems
        yield from self.learning
        found = entries(self.answered, self.calls)
        yield from lines_of(found, verbose=verbose) if found else (NOTHING_YET,)

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "document": list(self.document),
            "is_silent": self.is_silent,
            "status": self.status,
            "problems": list(self.problems),
            "learning": list(self.learning),
            "requests": [to_json(entry) for entry in entries(self.answered, self.calls)],
        }
