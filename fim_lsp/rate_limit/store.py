"""The interface of a store in which several processes count one quota together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from fim_lsp.errors import FimError
from fim_lsp.rate_limit.sliding_window import FOREIGN_PREFIX, PAUSE, PROCESS_END, Entry, Limits, UsageWindow


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


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedUsage:
    """What all processes together used in the last minute.

    ``processes`` are those that made calls. ``foreign_requests`` and ``foreign_tokens`` are part of the sums: according to
    the server's headers, they were used by others, on other machines. No call may be made for ``paused`` seconds.
    """

    requests: int
    tokens: int
    processes: int
    foreign_requests: int
    foreign_tokens: int
    paused: float


def summarize(entries: Iterable[Entry]) -> SharedUsage:
    """Sum up the entries of a store."""
    live = [entry for entry in entries if entry.expires_in > 0]
    calls = [entry for entry in live if not entry.name.startswith(FOREIGN_PREFIX)]
    foreign = [entry for entry in live if entry.name.startswith(FOREIGN_PREFIX) and entry.name != PAUSE]
    return SharedUsage(
        requests=sum(entry.requests for entry in (*calls, *foreign)),
        tokens=sum(entry.tokens for entry in (*calls, *foreign)),
        processes=len({entry.name.rpartition(PROCESS_END)[0] for entry in calls}),
        foreign_requests=sum(entry.requests for entry in foreign),
        foreign_tokens=sum(entry.tokens for entry in foreign),
        paused=max((entry.expires_in for entry in live if entry.name == PAUSE), default=0.0),
    )


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

    async def look(self, identity: str) -> tuple[Entry, ...]:
        """All entries one by one, for a person who asks what they are. Changes nothing."""

    async def close(self) -> None:
        """Release connections, files and threads. Raises nothing."""
