"""One document's completions: the newest request wins, and at most one call is in flight.

A request is served from the cache if possible. Otherwise it reuses the call in flight, provided everything typed since
matches its output. Otherwise that call is aborted and, after the debounce, a new one is made, unless ``triggers`` says to
skip. Every request is answered exactly once, an older one before a newer one.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import replace

from fim_lsp.errors import BackendError
from fim_lsp.schedule.acceptance import AcceptanceTracker
from fim_lsp.schedule.alternatives import Alternatives
from fim_lsp.schedule.cache import SuggestionCache
from fim_lsp.schedule.call import Call, CallState
from fim_lsp.schedule.call_output import HEAD_WAIT, CallOutput
from fim_lsp.schedule.debounce import AdaptiveDebounce
from fim_lsp.schedule.decision import Reuse, Serve, Skip, Start, Vary, decide
from fim_lsp.schedule.empty_answers import EmptyAnswers
from fim_lsp.schedule.fallback_chain import FallbackChain
from fim_lsp.schedule.learning import AcceptanceRates
from fim_lsp.schedule.request import CompletionResult, Outcome, Request, Snapshot
from fim_lsp.schedule.selected_entry import fitting
from fim_lsp.schedule.triggers import LastEdit
from fim_lsp.text.document import Edit
from fim_lsp.text.typed import typed_since

log = logging.getLogger(__name__)

LINGER = 2.0  # seconds that a call outlives a cancelled request: the prompt is paid for, and who returns has the answer
MAX_LATE = 10.0  # the same if the editor is told that the answer is there: after that, nobody looks at it
MAX_BLOCK_TIME = 3.0  # seconds that a call continues for the rest of a block after a part of it was last shown
RUN_ON_TIME = 0.5  # seconds that a complete call continues: most end by themselves, and keep their connection


class DocumentScheduler:
    """One document. At any time at most one request waits for its answer, and at most one call has not ended."""

    def __init__(
        self,
        *,
        chain: Callable[[], FallbackChain],
        cache: SuggestionCache,
        clock: Callable[[], float],
        debounce: AdaptiveDebounce,
        acceptance: AcceptanceTracker,
        rates: AcceptanceRates,
    ) -> None:
        """``chain`` returns the one for the settings in force; ``clock`` returns seconds."""
        self.debounce = debounce
        self._chain = chain
        self._cache = cache
        self._clock = clock
        self._acceptance = acceptance
        self._rates = rates
        self._last_edit = LastEdit()
        self._waiting: Request | None = None
        self._call: Call | None = None
        self._alternatives = Alternatives(self._deliver)
        self._empty = EmptyAnswers()
        self._output = CallOutput(cache=cache, debounce=debounce, clock=clock)

    # -- what the editor does

    def request(self, snapshot: Snapshot, silence: Outcome | None = None) -> asyncio.Future[CompletionResult]:
        """Request a completion. Cancelling the future withdraws the request; it never raises anything else.

        ``silence`` as in :func:`~fim_lsp.schedule.decision.decide`.
        """
        self._answer(CompletionResult(outcome=Outcome.SUPERSEDED))
        result: asyncio.Future[CompletionResult] = asyncio.get_running_loop().create_future()
        result.add_done_callback(self._cancelled)
        self._waiting = request = Request(snapshot=snapshot, result=result, made_at=self._clock(), silence=silence)
        self._acceptance.observe(snapshot.split)
        chain = self._chain()
        self._alternatives.superseded(snapshot)
        self._hang_up_if_outdated(snapshot, chain)
        call = self._call
        if call is not None and call.part_shown_at is not None:
            self._cache.update_parts(call)
        in_flight = call if call is not None and call.in_flight else None
        cached = self._alternatives.add_to(self._cache.lookup(snapshot, chain), snapshot, chain)
        if cached is None and in_flight is None:
            cached = self._known_empty(snapshot, chain)
        decision = decide(
            snapshot,
            cached=cached,
            in_flight=in_flight,
            edit_kind=self._last_edit.kind_at(snapshot.split.line, snapshot.split.column),
            silence=silence,
            is_offered=bool(self._acceptance.offered),
            wants_others=self._alternatives.is_wanted(snapshot),
        )
        match decision:
            case Serve(cached):
                self._answer_without_call(cached)
            case Vary(first):
                self._waiting = None
                self._alternatives.look(first, request, chain)
            case Skip(outcome):
                self._answer_without_call(CompletionResult(outcome=outcome))
            case Reuse(in_flight):
                self._reuse(in_flight)
            case Start():  # pragma: no branch - there are no others
                self._start(snapshot, chain)
        return result

    def withdraw(self, result: asyncio.Future[CompletionResult]) -> None:
        """The editor does not wait any more for this result, but asks again if it is told that it is there.

        The result comes nevertheless, unless the text at the cursor changes before, or it takes too long.
        """
        if self._waiting is None or self._waiting.result is not result or self._call is None:
            result.cancel()
            return
        self._waiting = replace(self._waiting, withdrawn=True)
        self._call.hang_up_in(MAX_LATE, self._on_hang_up_timer)

    def edited(self, edits: Sequence[Edit]) -> None:
        """The document was changed by the edits of one notification."""
        self.debounce.edited(self._clock())
        self._last_edit.add(edits, self._acceptance.offered_for(edits[0].inserted) if edits else "")
        self._acceptance.edited(edits)
        self._alternatives.edited()
        if self._waiting is not None and self._waiting.withdrawn:
            self._answer(CompletionResult(outcome=Outcome.SUPERSEDED))
            self._leave_call()
        for edit in edits:
            self._check_call(edit)

    def accepted(self, suggestion: int, units: int | None) -> None:
        """The editor reports that a suggestion was taken, as in :meth:`AcceptanceTracker.accepted`."""
        if self._acceptance.accepted(suggestion, units):
            self._last_edit.was_accepted()

    def _check_call(self, edit: Edit) -> None:
        """Hang up on the call in flight if an edit contradicts its output."""
        call = self._call
        if call is None or not call.in_flight:
            return
        if not call.apply_edit(edit):
            self._hang_up()
            self._answer(CompletionResult(outcome=Outcome.SUPERSEDED))
        elif call.hang_up_timer is not None:
            self._leave_call()

    def _cancelled(self, result: asyncio.Future[CompletionResult]) -> None:
        """The editor does not want this result any more."""
        if result.cancelled() and self._waiting is not None and self._waiting.result is result:
            self._waiting = None
            self._leave_call()

    def _leave_call(self) -> None:
        """Nobody waits for the call: let it go on for a while, for the next request, unless it has not been made yet."""
        call = self._call
        if call is None or call.state is CallState.DEBOUNCING:
            self._hang_up()
        else:
            call.hang_up_in(LINGER, self._on_hang_up_timer)

    def apply_settings(self, *, excluded: bool) -> None:
        """The settings changed: replace a call that they would not make by one that they would."""
        chain, call = self._chain(), self._call
        if excluded or self._alternatives.is_outdated(chain):
            self._alternatives.forget()
        if excluded:
            self._answer(CompletionResult(outcome=Outcome.EXCLUDED))
            self._hang_up()
        elif call is not None and (call.chain.identity != chain.identity or call.overdue):  # checks were cancelled
            self._hang_up()
            if self._waiting is not None:
                self._start_again(self._waiting)
        elif call is not None and call.state is CallState.DEBOUNCING:
            call.chain = chain

    def apply_silence(self, silence: Callable[[str], Outcome | None]) -> None:
        """Suggestions were turned off or on: answer an automatic request that is not wanted, and hang up on its call."""
        call = self._call
        snapshot = self._waiting.snapshot if self._waiting else call.snapshot if call else None
        if snapshot is None or snapshot.explicit or (call is not None and call.snapshot.explicit):
            return
        if (outcome := silence(snapshot.language)) is not None:
            self._answer(CompletionResult(outcome=outcome))
            self._hang_up()

    def close(self) -> None:
        """The document was closed: answer the waiting request, and hang up."""
        self._answer(CompletionResult(outcome=Outcome.CLOSED))
        self._alternatives.forget()
        self._hang_up()
        self._acceptance.close()

    def clear_cache(self) -> None:
        """Forget this document's alternatives, and where there was nothing to suggest."""
        self._alternatives.forget()
        self._empty.forget()

    # -- answers

    def _answer(self, result: CompletionResult) -> None:
        request, self._waiting = self._waiting, None
        if request is not None and not self._alternatives.takes_over(request, result, self._chain()):
            self._deliver(request, result)

    def _deliver(self, request: Request, result: CompletionResult) -> None:
        if not request.result.done():
            result = fitting(request.snapshot, result)
            if result.suggestion is not None and not request.withdrawn:
                self._alternatives.shown(request.snapshot.split)
                result = self._acceptance.numbered(request.snapshot, result)
            request.result.set_result(result)

    def _answer_without_call(self, result: CompletionResult) -> None:
        """Answer, and drop a call that has not been made yet. One in flight continues: its output goes to the cache."""
        if self._call is not None and self._call.state is CallState.DEBOUNCING:
            self._hang_up()
        self._answer(result)

    def _serve(self, call: Call) -> None:
        """Answer the waiting request with the call's output so far, if that is enough for it."""
        if self._waiting is not None and (result := self._output.result(self._waiting, call)) is not None:
            self._answer(result)

    def _answer_from(self, call: Call, outcome: Outcome) -> None:
        """Answer the waiting request with nothing, after a call."""
        if self._waiting is not None:
            self._answer(call.result_for(self._waiting, outcome))

    # -- the call

    def _start(self, snapshot: Snapshot, chain: FallbackChain) -> None:
        """Make a call after the debounce; a call that is already being debounced gets this snapshot."""
        call = self._call
        if call is not None and not snapshot.explicit:
            call.keep()
            call.snapshot = snapshot
            return
        self._hang_up()
        self._call = call = Call(snapshot, chain)
        call.task = asyncio.get_running_loop().create_task(self._run(call))
        call.task.add_done_callback(lambda task: self._on_task_done(call, task))

    def _known_empty(self, snapshot: Snapshot, chain: FallbackChain) -> CompletionResult | None:
        return self._empty.result(snapshot, chain.scope, self._clock())

    def _start_again(self, request: Request) -> None:
        """The call that a request reused is of no use to it: make another, if one may be made without being asked for."""
        if request.silence is None and not request.withdrawn:
            self._start(request.snapshot, self._chain())
        else:
            self._answer(CompletionResult(outcome=request.silence or Outcome.SUPERSEDED))

    def _reuse(self, call: Call) -> None:
        call.reopen()
        call.keep()
        self._examine(call)

    async def _run(self, call: Call) -> None:
        """Debounce, then make the call and read its answer."""
        try:
            await self._wait_for_pause(call)
            call.start(self._clock())
            async with aclosing(call.chain.stream(call.snapshot, self._is_awaited)) as chunks:
                async for chunk in chunks:
                    if chunk.replaces_previous and call.state is CallState.COMPLETE:
                        break  # what has been shown is kept
                    call.add(chunk)
                    if chunk.text and not self._on_text(call):
                        break
        except BackendError as error:
            call.because = str(error)
            self._on_failure(call)
        else:
            self._on_end(call)

    async def _wait_for_pause(self, call: Call) -> None:
        """Debounce. Meanwhile the call may get another snapshot and other settings."""
        while not (call.chain.costs_nothing or call.snapshot.explicit):
            factor = call.chain.debounce_factor * self._acceptance.debounce_factor
            taking = self._rates.of(call.snapshot.language)
            left = self.debounce.due(self._clock(), call.snapshot.split, factor, taking) - self._clock()
            if left <= 0:
                return
            await asyncio.sleep(left)

    def _on_text(self, call: Call) -> bool:
        """Text has arrived: answer with it if it is enough. Returns whether to read on."""
        if not self._is_wanted(call):
            return False
        if call.state is CallState.STREAMING and call.take_examination():
            self._examine(call)
        now = self._clock()
        run_on = call.state is CallState.COMPLETE and now - call.complete_at > RUN_ON_TIME
        block = call.part_shown_at is not None and now - call.part_shown_at > MAX_BLOCK_TIME
        return not (run_on or block or call.is_full)

    def _examine(self, call: Call) -> None:
        """Check whether the text so far is enough, or at least contains the first line of a block."""
        postprocessor = call.chain.postprocessor
        if postprocessor.is_complete(call.snapshot, call.text):
            self._complete(call)
        elif call.head_at is None and postprocessor.has_head(call.snapshot, call.text):
            call.head_at = self._clock()
            asyncio.get_running_loop().call_later(HEAD_WAIT, self._on_head_timer, call)
        self._serve(call)

    def _on_head_timer(self, call: Call) -> None:
        if call.state is not CallState.ENDED:
            self._serve(call)

    def _complete(self, call: Call) -> None:
        if call.state is CallState.STREAMING and call.part_shown_at is None:
            self.debounce.answered(self._clock() - call.started_at)
        call.complete(self._clock())
        self._cache.store(call)
        self._empty.add(call, self._clock())

    def _on_end(self, call: Call) -> None:
        """The answer has ended, or no more is wanted: serve the waiting request, or make another call for it."""
        if call.state is CallState.ENDED:
            return
        matched = self._is_wanted(call)
        if matched:
            self._complete(call)
            self._serve(call)
        self._end(call)
        if self._waiting is None:
            return
        snapshot = self._waiting.snapshot
        holds = typed_since(call.snapshot.split, snapshot.split) == "" or self._known_empty(snapshot, call.chain)
        if matched and holds:
            self._answer_from(call, Outcome.EMPTY)  # asking again would have the same result
        else:
            self._start_again(self._waiting)

    def _on_failure(self, call: Call) -> None:
        """No back end answered."""
        if call.state is not CallState.ENDED:
            self._end(call)
            self._answer_from(call, Outcome.NO_BACKEND)

    def _on_task_done(self, call: Call, task: asyncio.Task[None]) -> None:
        """A bug in this program must not leave a request without its answer."""
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("%s in a call", type(error).__name__)
            self._on_failure(call)

    def _is_wanted(self, call: Call) -> bool:
        """Whether the output so far matches what was typed up to the waiting request, if there is one."""
        return self._waiting is None or call.matches(self._waiting.snapshot)

    def _is_awaited(self) -> bool:
        return self._waiting is not None

    # -- hanging up

    def _hang_up_if_outdated(self, snapshot: Snapshot, chain: FallbackChain) -> None:
        """Hang up if the settings have changed, or if something was typed that does not match the call's output."""
        call = self._call
        if call is None:
            return
        if call.chain.identity != chain.identity or (call.in_flight and call.is_outdated(snapshot)):
            self._hang_up()

    def _hang_up(self) -> None:
        call = self._call
        if call is not None and call.task is not None:
            self._end(call)
            call.task.cancel()

    def _end(self, call: Call) -> None:
        call.keep()
        call.state, self._call = CallState.ENDED, None

    def _on_hang_up_timer(self) -> None:
        """Nobody has wanted the call's output for long; an end of the call or a new request would have stopped the timer."""
        self._hang_up()
        self._answer(CompletionResult(outcome=Outcome.SUPERSEDED))
