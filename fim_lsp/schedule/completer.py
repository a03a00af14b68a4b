"""All documents' completions for one editor: gates, lanes, and the back ends in the order they are tried."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Callable, Hashable, Sequence
from contextlib import aclosing
from dataclasses import replace

from fim_lsp.backends.base import Backend, Chunk
from fim_lsp.config import Settings
from fim_lsp.errors import BackendError
from fim_lsp.prompt.build import build
from fim_lsp.schedule.cache import Cache
from fim_lsp.schedule.lane import Lane
from fim_lsp.schedule.rhythm import Rhythm
from fim_lsp.schedule.snapshot import Answer, Reason, Snapshot
from fim_lsp.suggest.shape import enough, shape
from fim_lsp.suggest.suggestion import Suggestion
from fim_lsp.text.document import Edit

log = logging.getLogger(__name__)


class Plan:
    """The settings in force, as a lane sees them: which back ends, in which order, with what prompt."""

    def __init__(self, settings: Settings, backends: Sequence[Backend], trouble: Callable[[Backend, BackendError], None],
                 fine: Callable[[Backend], None]) -> None:  # fmt: skip
        self._settings = settings
        self._backends = tuple(backends)
        self._trouble = trouble
        self._fine = fine
        self.scope: Hashable = (
            tuple((backend.name, backend.host, backend.model) for backend in backends),
            settings.temperature, settings.top_p, settings.max_tokens, settings.min_tokens, settings.stop,
            settings.random_seed, settings.multiline,
        )  # fmt: skip
        self.patience = 1.0
        self.waits = bool(self._backends) and self._backends[0].host != ""

    async def stream(self, snapshot: Snapshot) -> AsyncGenerator[Chunk, None]:
        """The first back end that can answer does; the one after it is asked only if no text has come."""
        prompt = build(
            snapshot.split,
            uri=snapshot.uri,
            path=snapshot.path,
            language=snapshot.language,
            prompt_tokens=self._settings.prompt_tokens,
            suffix_share=self._settings.suffix_share,
            max_tokens=self._settings.max_tokens,
        )
        for backend in self._backends:
            written = False
            try:
                async with aclosing(backend.stream(prompt)) as chunks:
                    async for chunk in chunks:
                        written = written or bool(chunk.text)
                        yield chunk if backend is self._backends[0] else replace(chunk, stand_in=True)
                self._fine(backend)
                return
            except BackendError as error:
                self._trouble(backend, error)
                if written:
                    return
        raise BackendError("no back end answered")

    def enough(self, snapshot: Snapshot, text: str) -> bool:
        """Whether ``text`` is all that would be shown."""
        return enough(snapshot.split, text, self._settings.multiline)

    def shape(self, snapshot: Snapshot, text: str, finished: str | None) -> Suggestion | None:
        """What is shown of ``text``."""
        return shape(snapshot.split, text, finished=finished, multiline=self._settings.multiline)


class Completer:
    """One editor's. ``plan`` may be exchanged at any time; requests from then on follow the new one."""

    def __init__(self, plan: Plan, *, debounce: float | None, excluded: Callable[[str], bool],
                 clock: Callable[[], float] = time.monotonic) -> None:  # fmt: skip
        """``debounce`` is in seconds, ``None`` to learn it; ``excluded`` tells of a document's URI."""
        self._clock = clock
        self._cache = Cache(clock)
        self._lanes: dict[str, Lane] = {}
        self.follow(plan, debounce=debounce, excluded=excluded)

    def follow(self, plan: Plan, *, debounce: float | None, excluded: Callable[[str], bool]) -> None:
        """Take new settings."""
        self._plan, self._debounce, self._excluded = plan, debounce, excluded
        for lane in self._lanes.values():
            lane.rhythm.fixed = debounce

    def edited(self, uri: str, edit: Edit) -> None:
        """A document changed."""
        self._lane(uri).edited(edit)

    def ask(self, snapshot: Snapshot) -> asyncio.Future[Answer]:
        """Request a completion. The future is answered exactly once; cancelling it takes the request back."""
        if self._excluded(snapshot.uri):
            future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
            future.set_result(Answer(reason=Reason.EXCLUDED))
            return future
        return self._lane(snapshot.uri).ask(snapshot)

    def closed(self, uri: str) -> None:
        """A document was closed."""
        if lane := self._lanes.pop(uri, None):
            lane.close()

    def close(self) -> None:
        """Answer everything that waits, and hang up everywhere."""
        for uri in tuple(self._lanes):
            self.closed(uri)

    def _lane(self, uri: str) -> Lane:
        lane = self._lanes.get(uri)
        if lane is None:
            lane = Lane(source=lambda: self._plan, cache=self._cache, clock=self._clock, rhythm=Rhythm(self._debounce))
            self._lanes[uri] = lane
        return lane
