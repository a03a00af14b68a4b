"""Where a quota is counted for several processes: what the limiter needs of such a place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from fim_lsp.errors import FimError
from fim_lsp.rate_limit.sliding_window import Entry, Limits, Standing


class StoreLost(FimError):
    """A ledger can't be used now: gone, locked, damaged, slow. The sentence names it without user name and password.

    ``for_good``: trying again is of no use.
    """

    def __init__(self, sentence: str, *, for_good: bool = False) -> None:
        super().__init__(sentence)
        self.for_good = for_good


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Whether an entry was taken, and the window after that."""

    granted: bool
    window: Standing


class Store(Protocol):
    """A ledger of entries by identity. Every method raises :class:`StoreLost`, and may be slow: see ``ledger.py``."""

    @property
    def where(self) -> str:
        """What a person calls it, without secrets."""

    @property
    def patience(self) -> float:
        """Seconds after which one operation is given up, so that no completion waits for it."""

    async def open(self) -> None:
        """Make it usable, again if need be."""

    async def reserve(self, identity: str, entry: Entry, ceiling: Limits) -> Verdict:
        """Take ``entry`` if it fits under ``ceiling`` and nobody pauses; at once for all processes.

        An older one of the same name does not count: it may lie there already, put by a ledger that came back.
        """

    async def put(self, identity: str, entries: Sequence[Entry]) -> None:
        """Write or overwrite entries by id; one that no longer lasts is removed."""

    async def close(self) -> None:
        """Let go of connections, files and threads. Raises nothing."""
