"""Calls that find out whether a back end has recovered. They continue when no request waits for them any more."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Protocol

from fim_lsp.backends.backend import Chunk
from fim_lsp.errors import BackendError, Paused, RateLimited

_MAX_PROBES = 2  # in flight
_REPLACED = "another call was made instead"
_MAX_GAP = 0.5  # seconds since its last chunk for which a probe counts as being answered


class Progress(Protocol):
    """The progress of a call."""

    has_begun: bool
    """Whether text, or the end of the answer, has arrived."""
    latency: float
    """Seconds until then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeListener:
    """Receives the result of a probe as soon as it is known.

    ``succeeded`` gets the seconds to the first text, ``failed`` the error; ``ended`` is called once, last. ``report`` gets
    the error, or None for success, if no request was waiting that could have received it.
    """

    succeeded: Callable[[float], None]
    failed: Callable[[BackendError], None]
    ended: Callable[[], None]
    report: Callable[[BackendError | None], None]


class Probe:
    """One call. ``needs_whole_answer``: only the end of the answer proves that the back end has recovered."""

    def __init__(
        self,
        chunks: AsyncGenerator[Chunk, None],
        progress: Progress,
        listener: ProbeListener,
        *,
        needs_whole_answer: bool,
        probes: Probes,
    ) -> None:
        self._chunks = chunks
        self._progress = progress
        self._listener = listener
        self._needs_whole_answer = needs_whole_answer
        self._probes = probes
        self.has_reader = False
        """Whether a request waits for it, so that it gets the result."""
        self.known: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Is done when the answer begins, or when there will be none."""
        self._succeeded = False
        self.has_ended = False
        """Whether the call is over, in whatever way."""
        self._last_chunk_at = float("-inf")
        self._items: asyncio.Queue[Chunk | BackendError | None] = asyncio.Queue()
        self.task = asyncio.get_running_loop().create_task(self._run())
        self.task.add_done_callback(self._on_task_done)

    @property
    def progressing(self) -> bool:
        """Whether an answer is arriving."""
        return asyncio.get_running_loop().time() - self._last_chunk_at < _MAX_GAP

    @property
    def has_begun(self) -> bool:
        """Whether its answer has begun."""
        return self._progress.has_begun

    async def read(
        self, max_wait: float, silence: str = "it does not answer", *, gap: float = _MAX_GAP
    ) -> AsyncGenerator[Chunk, None]:
        """Yield the answer. Raises Paused if it does not begin within ``max_wait`` seconds, or stalls; the probe continues.

        ``silence`` is the sentence of that error. ``gap``: seconds without a chunk after which it has stalled.
        Closing the generator while the answer arrives hangs up, unless only its end proves something.
        """
        self.has_reader = True
        try:
            loop = asyncio.get_running_loop()
            deadline = loop.time() + max_wait
            while True:
                async with asyncio.timeout_at(self._time_limit(deadline, gap)):
                    item = await self._items.get()
                if item is None:
                    return
                if isinstance(item, BackendError):
                    raise item
                yield item
        except TimeoutError:
            raise Paused(silence) from None
        finally:
            self.leave()

    def leave(self) -> None:
        """Nobody reads it any more."""
        self.has_reader = False
        if self.progressing and not self.has_ended and not self._needs_whole_answer:
            self._succeed()
            self.task.cancel()

    def _time_limit(self, deadline: float, gap: float) -> float:
        """When its reader has waited long enough for the next chunk."""
        if self.has_ended or not self._items.empty():
            return float("inf")
        return asyncio.get_running_loop().time() + gap if self._progress.has_begun else deadline

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        last: BackendError | None = None
        try:
            async with aclosing(self._chunks) as chunks:
                async for chunk in chunks:
                    self._items.put_nowait(chunk)
                    if not self._progress.has_begun:
                        continue
                    self._last_chunk_at = loop.time()
                    self._settle()
                    if chunk.finish is not None or not self._needs_whole_answer:
                        self._succeed()
                        if not self.has_reader:
                            return  # nothing more to find out
            if self._progress.has_begun:
                self._succeed()
        except BackendError as error:
            last = error
            if not isinstance(error, Paused | RateLimited):
                self._listener.failed(error)
                if not self.has_reader:
                    self._listener.report(error)
        except asyncio.CancelledError:
            last = None if self._progress.has_begun else Paused(_REPLACED)
            raise
        finally:
            self._end(last)

    def _on_task_done(self, _task: asyncio.Task[None]) -> None:
        """A task that is cancelled before it has begun does nothing, not even at its end."""
        if not self.has_ended:
            self._end(Paused(_REPLACED))

    def _end(self, last: BackendError | None) -> None:
        """Give the reader the error, or None for the answer's end, and tell the listener that this is over."""
        self.has_ended = True
        self._items.put_nowait(last)
        self._settle()
        self._listener.ended()

    def _settle(self) -> None:
        if not self.known.done():
            self.known.set_result(None)

    def _succeed(self) -> None:
        if self._succeeded:
            return
        self._succeeded = True
        self._listener.succeeded(self._progress.latency)
        self._probes.cancel_others(self)
        if not self.has_reader:
            self._listener.report(None)


class Probes:
    """The probes of one back end that are in flight, at most two.

    The older one may take long, as when a server loads a model. The younger one is replaced again and again, because a
    server that has recovered may never answer earlier requests.
    """

    def __init__(self) -> None:
        self._in_flight: list[Probe] = []

    @property
    def progressing(self) -> bool:
        """Whether one of them is being answered, so that another is not needed."""
        return any(probe.progressing for probe in self._in_flight)

    @property
    def is_idle(self) -> bool:
        """Whether none is in flight."""
        return not self._in_flight

    def start(
        self,
        chunks: AsyncGenerator[Chunk, None],
        progress: Progress,
        listener: ProbeListener,
        *,
        needs_whole_answer: bool,
    ) -> Probe:
        """Make a call, whose answer is ``chunks``."""
        if len(self._in_flight) >= _MAX_PROBES:
            self._in_flight[-1].task.cancel()
        probe = Probe(chunks, progress, listener, needs_whole_answer=needs_whole_answer, probes=self)
        self._in_flight.append(probe)
        probe.task.add_done_callback(lambda _: self._in_flight.remove(probe))
        return probe

    def cancel(self) -> None:
        """Hang up."""
        for probe in self._in_flight:
            probe.task.cancel()

    def cancel_others(self, than: Probe) -> None:
        """Hang up on those that have nothing more to find out, and that no request waits for."""
        for probe in self._in_flight:
            if probe is not than and not probe.has_reader:
                probe.task.cancel()

    async def close(self) -> None:
        """Hang up, and wait until that is done."""
        self.cancel()
        if self._in_flight:
            await asyncio.wait([probe.task for probe in self._in_flight])
