"""A process that makes calls as fast as it can on a shared store: ``hammer.py LOCATION CALLS``; prints the tokens it got.

Started by tests; ``LOCATION`` is a file or a Redis address. Its timeout is long, so that a slow machine does not
make it fall back to its own count.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from fim_lsp.rate_limit.limiter import LimiterRegistry, Permit
from fim_lsp.rate_limit.redis_store import RedisStore
from fim_lsp.rate_limit.sliding_window import Limits
from fim_lsp.rate_limit.sqlite_store import SqliteStore
from fim_lsp.secret import Secret


def patient(location: str) -> RedisStore | SqliteStore:
    store = (
        RedisStore(Secret(location))
        if location.startswith("redis://")
        else SqliteStore(Path(location), busy_timeout=20)
    )
    store.timeout = 20
    return store


async def main(location: str, calls: int) -> None:
    limiters = LimiterRegistry(patient(location), report=lambda sentence: sys.exit(sentence))
    limiter = limiters.get("api.example.com", "codestral", Limits(requests=500, tokens=60_000))
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
