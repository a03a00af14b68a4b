"""The interface of a store in which several processes count one quota together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from fim_lsp.errors import FimError
from fim_lsp.rate_limit.sliding_window import Entry, Limits, UsageWindow


class StoreUnavailable(FimError):
    """A store can't be used now: it is unreachable, locked, damaged or slow. The message contains no credentials.

    ``permanent``: trying again is useless.
    """

    def __init__(self, message: str, *, permanent: bool = False) -> None:
        super().__init__(message)
        self.permanent = permanent


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Whether an entry was accepted, and the window afterwards."""

    granted: bool
    window: UsageWindow


class Store(Protocol):
    """Entries by identity. Every method raises :class:`StoreUnavailable`, and may be slow or hang."""

    @property
    def label(self) -> str:
        """The store's name in messages, without credentials."""

    @property
    def timeout(self) -> float:
        """Seconds until an operation is abandoned, so that no completion waits for it."""

    async def open(self) -> None:
        """Make the store usable. May be called again after a failure."""

    async def reserve(self, identity: str, entry: Entry, ceiling: Limits) -> Verdict:
        """Add ``entry`` if it fits under ``ceiling`` and no pause is in force; atomic across processes.

        An older entry of the same name does not count: it may have been written when the store was last reopened.
        """

    async def put(self, identity: str, entries: Sequence[Entry]) -> None:
        """Add or overwrite entries by name; an expired one is removed."""

    async def close(self) -> None:
        """Release connections, files and threads. Raises nothing."""
