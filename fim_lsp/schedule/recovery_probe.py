"""Calls that try whether a back end is back. They go on when nobody waits for them any more."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Protocol

from fim_lsp.backends.backend import Chunk
from fim_lsp.errors import BackendError, Paused, RateLimited

_AT_ONCE = 2  # probes in flight
_PROGRESS = 0.5  # seconds since its last chunk for which a probe counts as one that is being answered


class Heard(Protocol):
    """What a call has brought so far."""

    heard: bool
    """Whether a word of the answer, or its end, has come."""
    first: float
    """Seconds until then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeResult:
    """Who hears what became of a probe.

    ``succeeded`` is told the seconds to the first word, ``failed`` the error, each as soon as it is known; ``ended`` is
    called once, last. ``report`` gets the error, or None for success, if nobody was listening who could be told.
    """

    succeeded: Callable[[float], None]
    failed: Callable[[BackendError], None]
    ended: Callable[[], None]
    report: Callable[[BackendError | None], None]


class Probe:
    """One call. ``chunks`` is the call, ``charge`` what it has brought; ``whole``: only the end of the answer proves anything."""

    def __init__(
        self, chunks: AsyncGenerator[Chunk, None], charge: Heard, outcome: ProbeResult, *, whole: bool, probes: Probes
    ) -> None:
        self._chunks = chunks
        self._charge = charge
        self._outcome = outcome
        self._whole = whole
        self._probes = probes
        self._listened = False
        self._succeeded = False
        self._over = False
        self._last_chunk = float("-inf")
        self._items: asyncio.Queue[Chunk | BackendError | None] = asyncio.Queue()
        self.task = asyncio.get_running_loop().create_task(self._run())

    @property
    def progressing(self) -> bool:
        """Whether the answer is coming in."""
        return asyncio.get_running_loop().time() - self._last_chunk < _PROGRESS

    async def listen(self, patience: float) -> AsyncGenerator[Chunk, None]:
        """The answer. Raises Paused if it does not begin within ``patience`` seconds, or stops; the call then goes on unheard.

        Closing the generator while the answer comes in hangs up, unless only its end proves something.
        """
        self._listened = True
        try:
            loop = asyncio.get_running_loop()
            deadline = loop.time() + patience
            while True:
                async with asyncio.timeout_at(loop.time() + _PROGRESS if self._charge.heard else deadline):
                    item = await self._items.get()
                if item is None:
                    return
                if isinstance(item, BackendError):
                    raise item
                yield item
        except TimeoutError:
            raise Paused("a call is trying whether it is back") from None
        finally:
            self._listened = False
            if self.progressing and not self._over and not self._whole:
                self._succeed()
                self.task.cancel()

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        last: BackendError | None = None
        try:
            async with aclosing(self._chunks) as chunks:
                async for chunk in chunks:
                    self._items.put_nowait(chunk)
                    self._last_chunk = loop.time() if self._charge.heard else self._last_chunk
                    if self._charge.heard and (chunk.finish is not None or not self._whole):
                        self._succeed()
                        if not self._listened:
                            return  # that was all there was to know
            if self._charge.heard:
                self._succeed()
        except BackendError as error:
            last = error
            if not isinstance(error, Paused | RateLimited):
                self._outcome.failed(error)
                if not self._listened:
                    self._outcome.report(error)
        finally:
            self._over = True
            self._items.put_nowait(last)
            self._outcome.ended()

    def _succeed(self) -> None:
        if self._succeeded:
            return
        self._succeeded = True
        self._outcome.succeeded(self._charge.first)
        self._probes.cancel(but=self)
        if not self._listened:
            self._outcome.report(None)


class Probes:
    """Those of one back end that are in flight: two at the most.

    The older one may take its time, as servers do that load a model. The younger one is made again and again, because a
    server that comes back may never answer what it was asked before.
    """

    def __init__(self) -> None:
        self._running: list[Probe] = []

    @property
    def progressing(self) -> bool:
        """Whether one of them is being answered, so that there is no need of another."""
        return any(probe.progressing for probe in self._running)

    def start(self, chunks: AsyncGenerator[Chunk, None], charge: Heard, outcome: ProbeResult, *, whole: bool) -> Probe:
        """Make a call."""
        if len(self._running) >= _AT_ONCE:
            self._running[-1].task.cancel()
        probe = Probe(chunks, charge, outcome, whole=whole, probes=self)
        self._running.append(probe)
        probe.task.add_done_callback(lambda _: self._running.remove(probe))
        return probe

    def cancel(self, *, but: Probe | None = None) -> None:
        """Hang up."""
        for probe in self._running:
            if probe is not but:
                probe.task.cancel()

    async def close(self) -> None:
        """Hang up, and wait until it is done."""
        self.cancel()
        if self._running:
            await asyncio.wait([probe.task for probe in self._running])
