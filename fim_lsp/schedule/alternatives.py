"""Other suggestions for the place where a user asks again.

The first explicit request at a place makes one call, as any request does. Only who asks again at the very same place, where
a suggestion has been shown, wants to see others: then up to two more calls are made, at the same time, with other seeds
and higher temperatures. Nobody pays for alternatives that are not looked at, so it remains true that one edit costs one
call at most.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace

from fim_lsp.errors import BackendError
from fim_lsp.schedule.backend_client import BackendClient
from fim_lsp.schedule.call import MAX_CHARACTERS, StreamedText
from fim_lsp.schedule.fallback_chain import FallbackChain
from fim_lsp.schedule.request import CompletionResult, Outcome, Request, Snapshot
from fim_lsp.suggest.suggestion import Suggestion
from fim_lsp.text.cursor import Split
from fim_lsp.text.typed import paired_closers, typed_since

log = logging.getLogger(__name__)

MAX_SUGGESTIONS = 3
"""For one place, the first one included."""

_GRACE = 0.3  # seconds that a look outlives a cancelled request


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reply:
    """All the ``text`` of another reply, the finish reason if there is one, and what is shown of it, if anything.

    ``variation`` is the prompt's; 0 for the embedded model, which has one reply to a text.
    """

    text: str
    finish: str | None
    suggestion: Suggestion | None
    author: str
    variation: int

    def after(self, typed: str, snapshot: Snapshot, chain: FallbackChain) -> Suggestion | None:
        """What is left of it at ``snapshot``, where ``typed`` has been typed since; None if that differs."""
        if not typed or self.suggestion is None:
            return self.suggestion
        rest = self.suggestion.after(typed)
        if rest is None or not paired_closers(typed):
            return rest
        # the editor has closed brackets that the rest closes too
        return chain.postprocessor.shaped(snapshot, self.text[len(typed) :], self.finish).suggestion


@dataclass(frozen=True, slots=True)
class _Look:
    """A look for alternatives to ``first``, the suggestion that has been shown at ``snapshot``."""

    snapshot: Snapshot
    chain: FallbackChain
    first: CompletionResult


class Alternatives:
    """The alternatives of one document, for the last place where somebody asked again. One look at a time.

    While it looks, up to one request waits; it is answered in any case.
    """

    def __init__(self, answer: Callable[[Request, CompletionResult], None]) -> None:
        """``answer`` answers a request."""
        self._answer = answer
        self._shown_at: Split | None = None
        self._look: _Look | None = None  # the last one
        self._replies: tuple[_Reply, ...] = ()
        self._is_complete = False  # another look would find the same
        self._failure = ""  # why the last look got less than it wanted
        self._task: asyncio.Task[None] | None = None
        self._waiting: Request | None = None

    # -- what the user does

    def shown(self, split: Split) -> None:
        """A suggestion is shown here."""
        self._shown_at = split

    def is_wanted(self, snapshot: Snapshot) -> bool:
        """Whether a request asks for alternatives that are not known: explicitly, where a suggestion is shown."""
        if not snapshot.explicit or not (snapshot.wants_others or self._shown_at == snapshot.split):
            return False
        return not (self._is_complete and self._typed_at(snapshot) == "")

    def superseded(self, snapshot: Snapshot) -> None:
        """A newer request is made: answer the older one, and stop looking unless this is the same place."""
        if self._task is not None:
            self._end_waiting()
            if self._typed_at(snapshot) != "":
                self.stop()

    def edited(self) -> None:
        """The document was changed: what was shown is not on the screen any more, until it is requested again."""
        self._shown_at = None
        if self._task is not None:
            self.stop()

    def stop(self) -> None:
        """Hang up on the calls in flight."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            self._end_waiting()

    def is_outdated(self, chain: FallbackChain) -> bool:
        """Whether what was found is of no use any more and must be forgotten, because other settings are in force."""
        return self._look is not None and self._look.chain.identity != chain.identity

    def forget(self) -> None:
        """Stop, and forget what was found and shown."""
        self.stop()
        self._look, self._replies, self._is_complete, self._shown_at = None, (), False, None

    # -- what was found

    def add_to(
        self, first: CompletionResult | None, snapshot: Snapshot, chain: FallbackChain
    ) -> CompletionResult | None:
        """``first``, the cached result, with the alternatives that begin with what was typed since they were found.

        If it has no suggestion, the first alternative takes its place: it is the one that the user types.
        """
        if not self._replies or (typed := self._typed_at(snapshot)) is None:
            return first
        rests = [(reply, reply.after(typed, snapshot, chain)) for reply in self._replies]
        others = [
            CompletionResult(outcome=Outcome.CACHE, suggestion=rest, backend=reply.author)
            for reply, rest in rests
            if rest is not None
        ]
        if others and (first is None or first.suggestion is None):
            first = others.pop(0)
        return first and replace(first, others=_distinct(first, others))

    def takes_over(self, request: Request, result: CompletionResult, chain: FallbackChain) -> bool:
        """Whether a request that has its result is answered here, because it wants alternatives at once."""
        takes = request.snapshot.wants_others and result.suggestion is not None
        if takes and self.is_wanted(request.snapshot):
            self.look(result, request, chain)
            return True
        return False

    def look(self, first: CompletionResult, request: Request, chain: FallbackChain) -> None:
        """Answer a request with ``first`` and alternatives to it, as many as the quota allows.

        A look that is in progress at the same place goes on.
        """
        self._waiting = request
        request.result.add_done_callback(self._withdrawn)
        if self._task is not None:
            return
        if self._typed_at(request.snapshot) != "":
            self._replies, self._is_complete = (), False
        self._look = look = _Look(request.snapshot, chain, first)
        self._task = task = asyncio.get_running_loop().create_task(self._find(look))
        task.add_done_callback(lambda task: self._found(look, task))

    async def _find(self, look: _Look) -> None:
        """Get the replies that are missing: all of them, or those that an earlier look at this place did not get."""
        clients = await look.chain.clients_now(look.snapshot.uri)
        had = {reply.variation for reply in self._replies}
        embedded = next((client for client in clients if not client.backend.host), None)
        if embedded is not None and 0 not in had and embedded.backend.name != look.first.backend:
            self._replies += tuple(reply for reply in [await _reply(embedded, 0, look)] if isinstance(reply, _Reply))
        missing = MAX_SUGGESTIONS - 1 - len(self._result(look).others)
        asked = [number for number in range(1, MAX_SUGGESTIONS) if number not in had][:missing]
        if not clients or not clients[0].backend.host:
            asked = []
        replies = await asyncio.gather(*(_reply(clients[0], number, look) for number in asked))
        made = tuple(reply for reply in replies if isinstance(reply, _Reply))
        self._failure = next((str(reply) for reply in replies if isinstance(reply, BackendError)), "")
        self._replies = tuple(sorted((*self._replies, *made), key=_order))
        self._is_complete = len(made) == len(asked)

    def _found(self, look: _Look, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:  # a bug of ours: the first one is left
            log.error("%s while looking for alternatives", type(error).__name__)
        if self._task is task:
            self._task = None
            self._end_waiting(self._result(look))

    def _result(self, look: _Look) -> CompletionResult:
        result = self.add_to(look.first, look.snapshot, look.chain) or look.first
        return replace(result, others_failed=self._failure)

    # -- the request that waits

    def _end_waiting(self, result: CompletionResult | None = None) -> None:
        request, self._waiting = self._waiting, None
        if request is not None:
            self._answer(request, result or CompletionResult(outcome=Outcome.SUPERSEDED))

    def _withdrawn(self, result: asyncio.Future[CompletionResult]) -> None:
        """The editor cancelled: stop looking, unless a newer request soon wants the same. VS Code cancels before that."""
        if result.cancelled() and self._waiting is not None and self._waiting.result is result:
            self._waiting = None
            asyncio.get_running_loop().call_later(_GRACE, self._stop_if_unwanted)

    def _stop_if_unwanted(self) -> None:
        if self._waiting is None:
            self.stop()

    def _typed_at(self, snapshot: Snapshot) -> str | None:
        """What was typed since the last look; None if this is another place, or other cells changed."""
        look = self._look
        if look is None or look.snapshot.cache_scope != snapshot.cache_scope:
            return None
        return typed_since(look.snapshot.split, snapshot.split)


async def _reply(client: BackendClient, variation: int, look: _Look) -> _Reply | BackendError:
    """One more reply, read until it is enough, or why it can't be had."""
    text, finish = StreamedText(), None
    snapshot, chain = look.snapshot, look.chain
    try:
        async with aclosing(client.vary(snapshot, chain.settings, variation)) as chunks:
            async for chunk in chunks:
                text.add(chunk.text, snapshot.split.line_end)
                finish = chunk.finish or finish
                enough = text.take_examination() and chain.postprocessor.is_complete(snapshot, str(text))
                if enough or text.size >= MAX_CHARACTERS:
                    break
    except BackendError as error:
        return error  # nobody waits for this reply alone
    suggestion = chain.postprocessor.shaped(snapshot, str(text), finish).suggestion
    return _Reply(text=str(text), finish=finish, suggestion=suggestion, author=client.backend.name, variation=variation)


def _order(reply: _Reply) -> int:
    """The embedded model's reply comes last."""
    return reply.variation or MAX_SUGGESTIONS


def _distinct(first: CompletionResult, others: Sequence[CompletionResult]) -> tuple[CompletionResult, ...]:
    """The others that differ from the first one and from each other, not only in white space at their end."""
    seen = {_key(first)}
    distinct: list[CompletionResult] = []
    for other in others:
        if other.suggestion is not None and _key(other) not in seen:
            seen.add(_key(other))
            distinct.append(other)
    return tuple(distinct[: MAX_SUGGESTIONS - 1])


def _key(result: CompletionResult) -> tuple[str, int]:
    suggestion = result.suggestion
    return (suggestion.text.rstrip(), suggestion.replace) if suggestion else ("", 0)
