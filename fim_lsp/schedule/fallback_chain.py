"""The settings in force, as a lane sees them: which back ends, in which order, and what is shown.

``suggest.shape`` is imported where it is used: its patterns take 10 ms to compile, and the start need not wait for them.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Hashable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace

from fim_lsp.backends.backend import Backend, Chunk
from fim_lsp.errors import BackendError, Paused, Withheld
from fim_lsp.prompt.fim_templates import CONTROL_TOKENS
from fim_lsp.schedule.backend_client import BackendClient
from fim_lsp.schedule.request import Snapshot
from fim_lsp.settings.schema import Settings
from fim_lsp.suggest.suggestion import Suggestion


async def _known() -> bool:
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class FallbackChain:
    """``askers`` are tried in their order. ``trouble``, ``paused`` and ``fine`` hear how a back end does, ``say`` what it says.

    ``stays`` tells of a document's URI whether its text may only go to back ends on this machine. It is asked anew for
    each call: a request may have waited while the settings changed. ``rules`` are those by which prompts are made.
    ``ready`` waits until all sources of settings are known, and is false if one isn't: then no text leaves this process.
    """

    settings: Settings
    askers: Sequence[BackendClient]
    trouble: Callable[[Backend, BackendError], None]
    fine: Callable[[Backend], None]
    paused: Callable[[Backend, BackendError], None] = lambda _backend, _error: None
    say: Callable[[str], None] = lambda _sentence: None
    stays: Callable[[str], bool] = lambda _uri: False
    ready: Callable[[], Awaitable[bool]] = _known
    rules: object = None

    @property
    def scope(self) -> Hashable:
        """See :class:`~fim_lsp.schedule.call.Source`."""
        settings = self.settings
        return (
            tuple((asker.backend.name, asker.backend.host, asker.backend.model) for asker in self.askers),
            settings.temperature, settings.top_p, settings.max_tokens, settings.min_tokens, settings.stop,
            settings.random_seed, settings.multiline, settings.base_url, settings.region,
        )  # fmt: skip

    @property
    def identity(self) -> Hashable:
        """See :class:`~fim_lsp.schedule.call.Source`."""
        askers = tuple(id(asker.backend) for asker in self.askers)
        return self.scope, self.settings.local_only, self.settings.context_tokens, id(self.rules), askers

    @property
    def waits(self) -> bool:
        """See :class:`~fim_lsp.schedule.call.Source`: a back end in this process costs nothing."""
        return bool(self.askers) and self.askers[0].backend.host != ""

    @property
    def patience(self) -> float:
        """See :class:`~fim_lsp.schedule.call.Source`."""
        return self.askers[0].patience(self.settings) if self.askers else 1.0

    def allowed(self, uri: str) -> Sequence[BackendClient]:
        """Who may be asked about a document."""
        return [asker for asker in self.askers if asker.here] if self.stays(uri) else self.askers

    def prepares(self, uri: str) -> bool:
        """Whether :meth:`prepare` may do something."""
        first = next(iter(self.allowed(uri)), None)
        return first is not None and first.here and first.backend.host != ""

    async def prepare(self, snapshot: Snapshot) -> None:
        """Let the first back end read ahead, if it is a server of this machine."""
        for asker in self.allowed(snapshot.uri)[:1]:
            await asker.prepare(snapshot, self.settings)

    async def stream(self, snapshot: Snapshot) -> AsyncGenerator[Chunk, None]:
        """The first back end that can answer does. If it breaks off, the next one begins from scratch.

        If nobody else has text, half an answer remains what it is, without an end; not so if its server took it back.
        """
        askers = self.allowed(snapshot.uri)
        if any(asker.backend.host for asker in askers) and not await self.ready():
            askers = [asker for asker in askers if not asker.backend.host]
        half = remains = False
        for asker in askers:
            if asker not in self.allowed(snapshot.uri):
                continue
            written = False
            try:
                async with aclosing(asker.stream(snapshot, self.settings, self._report(asker.backend))) as chunks:
                    async for chunk in chunks:
                        written = written or bool(chunk.text)
                        if chunk.notice:
                            self.say(chunk.notice)
                        if asker is not askers[0]:
                            replaces_previous = half and (bool(chunk.text) or not remains)
                            half = half and not replaces_previous
                            chunk = replace(
                                chunk,
                                from_fallback=True,
                                replaces_previous=replaces_previous,
                                finish=None if half else chunk.finish,
                            )
                        yield chunk
                self.fine(asker.backend)
                return
            except Withheld:
                continue
            except Paused as error:
                self.paused(asker.backend, error)
                if written:
                    half = remains = True
            except (GeneratorExit, asyncio.CancelledError):  # hung up on
                if written:
                    self.fine(asker.backend)
                raise
            except BackendError as error:
                self.trouble(asker.backend, error)
                if written:
                    half, remains = True, not error.invalidates_output
        if half and remains:
            return
        raise BackendError("no back end answered")

    def _report(self, backend: Backend) -> Callable[[BackendError | None], None]:
        """Who hears what became of a call that nobody waits for any more."""

        def report(error: BackendError | None) -> None:
            if error is None:
                self.fine(backend)
            else:
                self.trouble(backend, error)

        return report

    def is_complete(self, snapshot: Snapshot, text: str) -> bool:
        """See :class:`~fim_lsp.schedule.call.Source`."""
        from fim_lsp.suggest.postprocess import is_complete

        return is_complete(
            snapshot.split, text, self.settings.multiline, language=snapshot.language, control=CONTROL_TOKENS
        )

    def has_head(self, snapshot: Snapshot, text: str) -> bool:
        """See :class:`~fim_lsp.schedule.call.Source`."""
        from fim_lsp.suggest.postprocess import has_head

        return has_head(
            snapshot.split, text, self.settings.multiline, language=snapshot.language, control=CONTROL_TOKENS
        )

    def shape(self, snapshot: Snapshot, text: str, finished: str | None) -> Suggestion | None:
        """See :class:`~fim_lsp.schedule.call.Source`."""
        from fim_lsp.suggest.postprocess import shape

        return shape(
            snapshot.split,
            text,
            finished=finished,
            multiline=self.settings.multiline,
            language=snapshot.language,
            control=CONTROL_TOKENS,
        )
