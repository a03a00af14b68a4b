"""Sends one prompt to one back end, once: within the quota, without its secrets, and with a record of what it cost.

Nothing is redacted for a back end on this machine.
"""

from __future__ import annotations

import math
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

from fim_lsp.backends.backend import Backend, Chunk
from fim_lsp.errors import BackendError, Paused, RateLimited, Withheld
from fim_lsp.http.urls import is_local
from fim_lsp.prompt.prompt import Prompt
from fim_lsp.rate_limit.limiter import Limiter, Permit
from fim_lsp.rate_limit.local_counter import Wait
from fim_lsp.rate_limit.token_estimate import Estimator
from fim_lsp.schedule.call_progress import CallProgress
from fim_lsp.schedule.call_record import CallRecord
from fim_lsp.schedule.events import CallPurpose, CallStarted, Publish
from fim_lsp.schedule.request import Snapshot

if TYPE_CHECKING:
    from fim_lsp.prompt.redact import RedactedPrompt

Wanted: TypeAlias = Callable[[], bool]
"""Whether anybody waits for the answer."""

MaySend: TypeAlias = Callable[[str, bool], bool]
"""Whether a document's text may be sent now, by its URI, to a back end that is or is not on this machine."""


def always_wanted() -> bool:
    """Somebody waits for the answer in any case."""
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptSender:
    """Sends prompts to one back end.

    ``limiter`` counts calls and tokens; it is None for a back end in this process. ``redaction_key`` makes the placeholders of
    secrets. ``may_send`` is asked right before a document's text is sent: it may have waited, for the quota or a retry, while
    settings or ignore files were changed. ``publish`` gets an event when a call to a server begins and when it ends.
    """

    backend: Backend
    limiter: Limiter | None
    estimator: Estimator
    redaction_key: bytes
    may_send: MaySend
    publish: Publish

    @property
    def is_local(self) -> bool:
        """Whether the text does not leave this machine."""
        return is_local(self.backend.host)

    async def prepare(self, prompt: Prompt, snapshot: Snapshot) -> bool:
        """Have a server on this machine evaluate the start of a prompt early. Does nothing for other back ends.

        Returns whether the server was asked.
        """
        if not self.is_local:
            return False
        record = CallRecord(snapshot, purpose=CallPurpose.PRELOAD, backend=self.backend, prompt=prompt)
        try:
            return await self.backend.prepare(prompt, on_sent=record.on_sent)
        finally:
            if record.has_sent:
                record.end(sys.exception(), self.estimator, self.publish)

    async def send(
        self,
        prompt: Prompt,
        snapshot: Snapshot,
        progress: CallProgress,
        wanted: Wanted = always_wanted,
        purpose: CallPurpose = CallPurpose.COMPLETION,
    ) -> AsyncGenerator[Chunk, None]:
        """Send the prompt once, within the quota, and count what it cost. Raises :class:`~fim_lsp.errors.BackendError`."""
        permit = await self._reserve(prompt, snapshot)
        try:
            if self.backend.host and not self.may_send(snapshot.uri, self.is_local):
                raise Withheld("the settings or ignore rules have changed since this was requested")
            if not wanted():
                raise Withheld("nobody waits for the answer any more")
            progress.asked()
            async with aclosing(self._recorded(prompt, snapshot, purpose)) as chunks:
                async for chunk in chunks:
                    progress.add(chunk)
                    if chunk.quota is not None and self.limiter is not None:
                        self.limiter.observe(chunk.quota)
                    yield chunk
            if (usage := progress.usage) is not None and usage.prompt_tokens:
                self.estimator.learn(
                    prompt.size, self.backend.model, prompt.language, usage.prompt_tokens, usage.completion_tokens
                )
        except RateLimited as error:
            if permit is not None:
                permit.rate_limited(error.retry_after)
            raise
        except BackendError as error:
            if permit is not None and not error.sent:
                permit.release()
            raise
        finally:
            if permit is not None:
                progress.settle(permit)

    async def _reserve(self, prompt: Prompt, snapshot: Snapshot) -> Permit | None:
        if self.limiter is None:
            return None
        model, language = self.backend.model, prompt.language
        permit = await self.limiter.reserve(
            prompt=self.estimator.tokens(prompt.size, model, language),
            output=self.estimator.output(prompt.max_tokens, model, language),
            explicit=snapshot.explicit,
        )
        if not isinstance(permit, Wait):
            return permit
        if math.isfinite(permit.seconds):
            used_up = f"the quota of {self.backend.host} is used up"
            raise Paused(used_up, host=self.backend.host, retry_after=permit.seconds)
        too_small = (
            "the quota is too small for one request: check requests_per_minute, tokens_per_minute and prompt_tokens"
        )
        raise Paused(too_small, host=self.backend.host)

    async def _recorded(self, prompt: Prompt, snapshot: Snapshot, purpose: CallPurpose) -> AsyncGenerator[Chunk, None]:
        """Ask the back end, and publish what that cost. No recognized secret leaves this machine."""
        if not self.backend.host:
            async with aclosing(self.backend.stream(prompt)) as chunks:
                async for chunk in chunks:
                    yield chunk
            return
        redacted = None if self.is_local else _redact(prompt, self.redaction_key)
        record = CallRecord(
            snapshot,
            purpose=purpose,
            backend=self.backend,
            prompt=redacted.prompt if redacted else prompt,
            masked=redacted.secrets if redacted else 0,
        )
        self.publish(CallStarted(request=snapshot.number, purpose=purpose, backend=self.backend.name))
        chunks = self.backend.stream(record.prompt, on_sent=record.on_sent)
        try:
            async with aclosing(_restored(chunks, redacted) if redacted else chunks) as restored:
                async for chunk in restored:
                    record.add(chunk)
                    yield chunk
        finally:
            record.end(sys.exception(), self.estimator, self.publish)


def _redact(prompt: Prompt, key: bytes) -> RedactedPrompt:
    from fim_lsp.prompt.redact import redact  # not for the start

    return redact(prompt, key)


async def _restored(chunks: AsyncGenerator[Chunk, None], redacted: RedactedPrompt) -> AsyncGenerator[Chunk, None]:
    """The answer to a redacted prompt, with the secrets that were replaced in it."""
    restorer = redacted.restorer()
    async with aclosing(chunks):
        async for chunk in chunks:
            text = restorer.feed(chunk.text)
            yield replace(chunk, text=text + restorer.flush() if chunk.finish is not None else text)
    if text := restorer.flush():
        yield Chunk(text=text)
