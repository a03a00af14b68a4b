"""A process that makes calls as fast as it can on a shared ledger: ``hammer.py WHERE CALLS``; prints the tokens it got.

Started by tests; ``WHERE`` is a file or a redis address. It waits long for the ledger, so that a slow machine does not
make it fall back to its own count.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from fim_lsp.rate_limit.limiter import Permit
from fim_lsp.rate_limit.limiters import LimiterRegistry
from fim_lsp.rate_limit.redis_store import RedisStore
from fim_lsp.rate_limit.sliding_window import Limits
from fim_lsp.rate_limit.sqlite_store import SqliteStore
from fim_lsp.secret import Secret


def patient(where: str) -> RedisStore | SqliteStore:
    store = RedisStore(Secret(where)) if where.startswith("redis://") else SqliteStore(Path(where), busy=20)
    store.patience = 20
    return store


async def main(where: str, calls: int) -> None:
    limiters = LimiterRegistry(patient(where), say=lambda sentence: sys.exit(sentence))
    limiter = limiters.of("api.example.com", "codestral", Limits(requests=500, tokens=60_000))
    got = 0
    for _ in range(calls):
        outcome = await limiter.reserve(prompt=500, output=20, explicit=True)
        if isinstance(outcome, Permit):
            outcome.settle(540)
            got += 540
    await limiters.close()
    sys.stdout.write(f"{got}\n")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
