"""A person at an editor: types, asks after each key, withdraws some of it, and knows what the document must be."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import random
import re
from collections.abc import Iterator

from tests.faults.host import MARK, FaultyHost
from tests.lsp.raw_client import RawClient
from tests.rate_limit.fakes import until

URI = "file:///workspace/faults.py"
_BEFORE, _AFTER = "import sys\n\n# é 😀 \u2028\n", "\n\n# the end 😀\n"
_SEEN = 20  # characters before the cursor that are sent at least
_TAKEN = 0.3  # the share of suggestions that is accepted
_PAUSE, _LONG_PAUSE = (
    0.25,
    1.2,
)  # seconds for which a person looks at most at what has come, and waits for something to come
_MARKED = re.compile(rf"{MARK}(\d+)\(\)")


class Typist:
    """``before`` and ``after`` are the text around the cursor. ``asked`` are the ids of the requests so far."""

    def __init__(self, client: RawClient, seed: int) -> None:
        self._client = client
        self._random = random.Random(seed)
        self._keys = self._endless_code()
        self._version = 0
        self.before, self.after = _BEFORE, _AFTER
        self.asked: list[int] = []
        self.slowest_ping = 0.0
        client.open(self.before + self.after, uri=URI)

    def key(self, *, explicit: bool = False) -> int:
        """Type a character and ask; the id of the request."""
        self._insert(next(self._keys))
        self.asked.append(self._client.ask(*self._cursor, uri=URI, kind=1 if explicit else 2))
        return self.asked[-1]

    async def types(self, count: int, *, gap: float) -> None:
        """Type in bursts, ``gap`` seconds from key to key, and look after each for a moment whether something has come."""
        while count > 0:
            burst = min(count, self._random.randint(1, 5))
            for _ in range(burst):
                number = self.key()
                await asyncio.sleep(gap)
                if self._random.random() < 0.2:
                    self._client.notify("$/cancelRequest", {"id": number})
            await self._look(number, self._random.uniform(0.02, _PAUSE))
            if self._random.random() < _TAKEN:
                self._take(number)
            await self._ping()
            count -= burst

    async def is_answered(self, host: FaultyHost, *, after: int) -> bool:
        """Type one more key. Returns whether an answer to a request after number ``after`` has been shown by then.

        The number in a suggestion may be larger than that of any request: the embedded model repeats what was typed after one.
        """
        number = self.key()
        await self._look(number, _LONG_PAUSE)
        self._take(number)
        marks = (int(mark) for reply in self._client.replies for mark in _MARKED.findall(str(reply.get("result"))))
        return any(after < mark <= len(host.requests) for mark in marks)

    async def document_is_known(self, host: FaultyHost) -> bool:
        """Whether the host is sent what the document is, around the cursor, when something is asked for."""
        count = len(host.requests)

        async def is_sent() -> bool:  # not during a pause
            await self._client.reply(self.key(explicit=True))
            return len(host.requests) > count

        await until(is_sent)
        texts = [(body["prompt"], body.get("suffix") or "") for body in (one.body for one in host.requests[count:])]
        return any(
            len(prefix) > _SEEN and self.before.endswith(prefix) and suffix and self.after.startswith(suffix)
            for prefix, suffix in texts
        )

    def replies_to(self, number: int) -> int:
        """How often a request was answered."""
        return sum(reply["id"] == number for reply in self._client.replies)

    def _take(self, number: int) -> None:
        """Accept the suggestion: whoever never does is made fewer calls for."""
        result = next((reply.get("result") for reply in self._client.replies if reply["id"] == number), None)
        for item in result["items"][:1] if result else []:
            self._insert(item["insertText"][self._cursor[1] - item["range"]["start"]["character"] :])

    async def _look(self, number: int, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._client.reply(number)

    async def _ping(self) -> None:
        """How long the server takes for what needs nothing."""
        loop = asyncio.get_running_loop()
        started = loop.time()
        await self._client.reply(self._client.request("no/such/method", {}))
        self.slowest_ping = max(self.slowest_ping, loop.time() - started)

    def _insert(self, text: str) -> None:
        line, column = self._cursor
        self._version += 1
        self._client.insert(line, column, text, uri=URI, version=self._version)
        self.before += text

    @property
    def _cursor(self) -> tuple[int, int]:
        """The line, and the column in UTF-16 units. U+2028 ends no line in LSP."""
        line = self.before.rpartition("\n")[2]
        return self.before.count("\n"), len(line.encode("utf-16-le")) // 2

    def _endless_code(self) -> Iterator[str]:
        for number in itertools.count():
            yield from f"value_{number} = combine(value_{self._random.randint(0, number)}, 'é😀')\n"
