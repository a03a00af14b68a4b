"""All quotas of a process: one limiter for each host and model, and one ledger for them all."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from fim_lsp.rate_limit.limiter import Limiter
from fim_lsp.rate_limit.shared_counter import SharedCounter
from fim_lsp.rate_limit.sliding_window import Clock, Limits
from fim_lsp.rate_limit.store import Store
from fim_lsp.secret import Secret

FILE = "limits.sqlite3"


def choose_store(where: Secret, state: Path) -> Store | None:
    """``"machine"`` is a file in ``state``, the user's state directory; ``redis://…`` a team's server; ``"process"`` none.

    Raises :class:`ValueError` with a sentence for anything else.
    """
    name = where.reveal()
    if name.startswith(("redis://", "rediss://")):
        from fim_lsp.rate_limit.redis_store import RedisStore

        return RedisStore(where)
    match name:
        case "machine":
            from fim_lsp.rate_limit.sqlite_store import SqliteStore  # not on the start path of those who need no file

            return SqliteStore(state / FILE)
        case "process":
            return None
    raise ValueError("must be machine, process, or an address that begins with redis:// or rediss://")


class LimiterRegistry:
    """Sessions of one process that ask the same host for the same model get the same limiter.

    ``say`` is told once an episode that ``store`` is away.
    """

    def __init__(self, store: Store | None, *, say: Callable[[str], None], clock: Clock = time.monotonic) -> None:
        self._ledger = None if store is None else SharedCounter(store, say=say, clock=clock)
        self._clock = clock
        self._limiters: dict[str, Limiter] = {}

    def of(self, host: str, model: str, limits: Limits) -> Limiter:
        """The limiter of a model at a host (with the region, if that has its own quota); ``limits`` are in force from now."""
        identity = f"{host} {model}"
        limiter = self._limiters.get(identity)
        if limiter is None:
            limiter = Limiter(limits, identity=identity, ledger=self._ledger, clock=self._clock)
            self._limiters[identity] = limiter
        limiter.budget.limits = limits
        return limiter

    async def close(self) -> None:
        """Write what is not yet written, and let go."""
        if self._ledger is not None:
            await self._ledger.close()
