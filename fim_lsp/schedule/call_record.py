"""What one call costs and what it sends, written down while it happens, and how a request is answered, for observers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from urllib.parse import unquote

from fim_lsp.backends.backend import Backend, Chunk
from fim_lsp.errors import BackendError, Paused, RateLimited
from fim_lsp.http.urls import is_local
from fim_lsp.prompt.prompt import Prompt
from fim_lsp.rate_limit.token_estimate import Estimator
from fim_lsp.schedule.call_progress import CallProgress
from fim_lsp.schedule.events import CallEnded, CallOutcome, CallPurpose, Place, Publish, RequestAnswered, SentFile
from fim_lsp.schedule.request import CompletionResult, Outcome, Snapshot

_MAX_NAME = 200  # characters of a document's name


class CallRecord:
    """One call to a back end outside this process.

    Feed it with what is sent and what arrives, and :meth:`end` it once. ``prompt`` is what the server is sent, with
    ``masked`` secrets replaced. ``wall_clock`` is in seconds since the epoch.
    """

    def __init__(
        self,
        snapshot: Snapshot,
        *,
        purpose: CallPurpose,
        backend: Backend,
        prompt: Prompt,
        masked: int = 0,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self.prompt = prompt
        self._snapshot = snapshot
        self._purpose = purpose
        self._backend = backend
        self._masked = masked
        self._wall_clock = wall_clock
        self._progress = CallProgress(clock=asyncio.get_running_loop().time)
        self._requests = 0
        self._sent = 0

    @property
    def has_sent(self) -> bool:
        """Whether anything has been sent."""
        return self._requests > 0

    def on_sent(self, size: int) -> None:
        """A request with a body of ``size`` bytes has been sent."""
        self._requests += 1
        self._sent += size

    def add(self, chunk: Chunk) -> None:
        """A chunk has arrived."""
        self._progress.add(chunk)

    def end(self, error: BaseException | None, estimator: Estimator, publish: Publish) -> None:
        """The call has ended, with an error or without. Nothing is published if the back end was not asked after all."""
        if isinstance(error, Paused) and not self._requests:
            return
        outcome = self._outcome(error)
        failed = outcome in (CallOutcome.FAILED, CallOutcome.RATE_LIMITED)
        prompt_tokens, completion_tokens, cached_tokens = self._tokens(estimator, failed=failed)
        publish(
            CallEnded(
                request=self._snapshot.number,
                at=self._wall_clock(),
                purpose=self._purpose,
                backend=self._backend.name,
                model=self._backend.model,
                host=self._backend.host,
                local=is_local(self._backend.host),
                place=place_of(self._snapshot),
                outcome=outcome,
                error=type(error).__name__ if failed else "",
                requests=self._requests,
                sent=self._sent,
                files=_files(self.prompt) if self._requests else (),
                masked=self._masked if self._requests else 0,
                first_text=self._progress.first_text,
                seconds=self._progress.elapsed,
                prompt_tokens=prompt_tokens,
                completion_tokens=completion_tokens,
                cached_tokens=cached_tokens,
                estimated=self._progress.usage is None and prompt_tokens > 0,
            )
        )

    def _outcome(self, error: BaseException | None) -> CallOutcome:
        if isinstance(error, RateLimited):
            return CallOutcome.RATE_LIMITED
        if isinstance(error, BackendError):
            return CallOutcome.FAILED
        return CallOutcome.ANSWERED if error is None or self._progress.is_finished else CallOutcome.HUNG_UP

    def _tokens(self, estimator: Estimator, *, failed: bool) -> tuple[int, int, int]:
        """Prompt, completion and cached tokens: as the server counted them, else estimated; a refused call has none."""
        if usage := self._progress.usage:
            return usage.prompt_tokens, usage.completion_tokens, usage.cached_tokens
        if not self._requests or (failed and not self._progress.characters):
            return 0, 0, 0
        model, language = self._backend.model, self.prompt.language
        return estimator.tokens(self.prompt.size, model, language), self._progress.written, 0


def place_of(snapshot: Snapshot) -> Place:
    """Where a request was made."""
    split = snapshot.split
    name = "" if snapshot.path else _name_of(snapshot.uri)
    return Place(path=snapshot.path, language=snapshot.language, line=split.line, column=split.column, name=name)


def _name_of(uri: str) -> str:
    """The last part of a document's URI, as a person reads it: ``notes.md``, ``Untitled-1``."""
    path = uri.partition("#")[0].partition("?")[0].rstrip("/")
    return unquote(path.rpartition("/")[2].rpartition(":")[2])[:_MAX_NAME]


def answered(snapshot: Snapshot, result: CompletionResult, *, seconds: float, at: float) -> RequestAnswered:
    """The event for a request that is answered after ``seconds``; ``at`` is in seconds since the epoch."""
    text = result.suggestion.text if result.suggestion else ""
    place = place_of(snapshot)
    if result.outcome is Outcome.EXCLUDED:  # where somebody types in it is nobody's business
        place = replace(place, line=0, column=0)
    return RequestAnswered(
        request=snapshot.number,
        at=at,
        place=place,
        explicit=snapshot.explicit,
        outcome=result.outcome,
        backend=result.backend,
        call=result.call,
        reason=result.reason,
        waited=result.waited,
        seconds=seconds,
        lines=text.count("\n") + 1 if text else 0,
        characters=len(text),
        cut_by=result.cut_by,
    )


def _files(prompt: Prompt) -> tuple[SentFile, ...]:
    """The files in a prompt, the document first, and the bytes of each."""
    sizes = {prompt.path: _size(prompt.prefix) + _size(prompt.suffix)}
    for snippet in prompt.context:
        sizes[snippet.path] = sizes.get(snippet.path, 0) + _size(snippet.text)
    return tuple(SentFile(path=path, size=size) for path, size in sizes.items())


def _size(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode(errors="replace"))
