"""One document's completions: the newest request wins, and there is one call under way at the most.

A request is answered from memory if that can be; else it joins the call under way if the user has only typed what the
call is saying; else it hangs up on that call and, once the user pauses, makes its own. Every request is answered
exactly once, an older one before a newer one.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field

from fim_lsp.errors import BackendError
from fim_lsp.schedule.acceptance import AcceptanceTracker
from fim_lsp.schedule.call import LONGEST, Call
from fim_lsp.schedule.debounce import AdaptiveDebounce
from fim_lsp.schedule.fallback_chain import FallbackChain
from fim_lsp.schedule.memory import Memory
from fim_lsp.schedule.request import CompletionResult, Outcome, Snapshot
from fim_lsp.schedule.triggers import LastEdit, skip_reason
from fim_lsp.text.document import Edit
from fim_lsp.text.typed import typed_since

log = logging.getLogger(__name__)

GRACE = 0.025  # seconds a call outlives a cancelled request: VS Code cancels just before it sends the edit
RETURN = 0.3  # seconds it outlives it if that edit agrees: VS Code asks again 50 ms later, Neovim 200 ms
PATIENCE = 0.2  # seconds that the first line of a block waits for the others: 10 to 60 tokens of today's servers
WHOLE = 3.0  # seconds that a call may go on for the rest of a block of which the beginning is shown
RUN_ON = 0.5  # seconds it may go on once it was answered: most end by themselves, and keep their connection


_CLOSE = 0.001  # seconds: a timer may be early by the clock's resolution


@dataclass(slots=True, eq=False)
class DocumentScheduler:
    """One document. ``source`` gives the settings in force, asked again for every request; ``clock`` gives seconds."""

    source: Callable[[], FallbackChain]
    memory: Memory
    clock: Callable[[], float]
    rhythm: AdaptiveDebounce = field(default_factory=AdaptiveDebounce)
    _taste: AcceptanceTracker = field(default_factory=AcceptanceTracker)
    _last_edit: LastEdit = field(default_factory=LastEdit)
    _pending: tuple[Snapshot, asyncio.Future[CompletionResult]] | None = None
    _call: Call | None = None

    # -- what happens outside

    def edited(self, edits: Sequence[Edit]) -> None:
        """The document was changed by the edits of one notification."""
        self.rhythm.edited(self.clock())
        self._last_edit.add(edits, self._taste.offered)
        for edit in edits:
            self._follow_edit(edit)

    def _follow_edit(self, edit: Edit) -> None:
        """Abort the call in flight if it can't be right after an edit."""
        call = self._call
        if call is None or not call.started:
            return
        if not call.apply_edit(edit):
            self._hang_up()
            self._answer(CompletionResult(outcome=Outcome.SUPERSEDED))
        elif call.hang_up_timer is not None:
            self._schedule_hang_up(call, RETURN)

    def ask(self, snapshot: Snapshot) -> asyncio.Future[CompletionResult]:
        """Request a completion. Cancelling the future takes the request back; it never raises anything else."""
        self._answer(CompletionResult(outcome=Outcome.SUPERSEDED))
        future: asyncio.Future[CompletionResult] = asyncio.get_running_loop().create_future()
        future.add_done_callback(self._taken_back)
        self._pending = snapshot, future
        self._taste.look(snapshot.split)
        source, call = self.source(), self._call
        if call is not None and (
            call.source.identity != source.identity or (call.started and not call.matches(snapshot))
        ):
            self._hang_up()
        if self._call is not None and self._call.begun_at is not None:
            self.memory.lengthen(self._call)
        answer = self.memory.recall(snapshot, source)
        if answer and not (snapshot.explicit and (answer.suggestion is None or answer.outcome is Outcome.FALLBACK)):
            self._stop_waiting()
            self._answer(answer)
        elif self._call is not None and self._call.started:
            self._join(self._call)
        elif reason := skip_reason(snapshot, self._last_edit.at(snapshot.split.line, snapshot.split.column)):
            self._stop_waiting()
            self._answer(CompletionResult(outcome=reason))
        else:
            self._want(snapshot, source)
        return future

    def apply_settings(self, *, excluded: bool) -> None:
        """The settings changed: a call that they would not make is ended, and made anew for whoever waits."""
        source, call = self.source(), self._call
        if excluded:
            self._answer(CompletionResult(outcome=Outcome.EXCLUDED))
            self._hang_up()
        elif call is not None and call.source.identity != source.identity:
            self._hang_up()
            if self._pending is not None:
                self._want(self._pending[0], source)
        elif call is not None and not call.started:
            call.source = source

    def close(self) -> None:
        """The document is gone: answer what waits, hang up."""
        self._answer(CompletionResult(outcome=Outcome.CLOSED))
        self._hang_up()

    def _taken_back(self, future: asyncio.Future[CompletionResult]) -> None:
        """The editor cancelled. Hang up, unless a newer request joins in a moment."""
        if future.cancelled() and self._pending is not None and self._pending[1] is future:
            self._pending = None
            if self._call is not None:
                self._schedule_hang_up(self._call, RETURN if self._call.followed else GRACE)

    # -- answers

    def _answer(self, answer: CompletionResult) -> None:
        if self._pending is None:
            return
        snapshot, future = self._pending
        self._pending = None
        if not future.done():
            self._taste.offer(snapshot.split, answer.suggestion)
            future.set_result(answer)

    # -- the call

    def _want(self, snapshot: Snapshot, source: FallbackChain) -> None:
        """Wait with the call that waits for its moment, or make one."""
        call = self._call
        if call is None or (snapshot.explicit and not call.started):
            self._hang_up()
            self._call = call = Call(snapshot, source)
            call.task = asyncio.get_running_loop().create_task(self._run(call))
            call.task.add_done_callback(lambda task: self._broke(call, task))
        else:
            self._cancel_hang_up(call)
            call.snapshot = snapshot

    def _join(self, call: Call) -> None:
        call.answered, call.followed = None, False
        self._cancel_hang_up(call)
        self._progress(call, joined=True)

    async def _run(self, call: Call) -> None:
        """Wait for the user's pause, then make the call and follow it to its end."""
        try:
            await self._pause(call)
            call.started, call.began = True, self.clock()
            async with aclosing(call.source.stream(call.snapshot)) as chunks:
                async for chunk in chunks:
                    if chunk.replaces_previous and call.answered is not None:
                        break
                    call.add(chunk)
                    if chunk.text and self._progress(call):
                        break
        except BackendError:
            self._failed(call)
        else:
            self._ended(call)

    async def _pause(self, call: Call) -> None:
        while not call.source.costs_nothing and not call.snapshot.explicit:
            factor = call.source.debounce_factor * self._taste.patience
            left = self.rhythm.due(self.clock(), call.snapshot.split, factor) - self.clock()
            if left <= 0:
                return
            await asyncio.sleep(left)

    def _progress(self, call: Call, *, joined: bool = False) -> bool:
        """Text has arrived, or a request has joined. True when no more text is wanted."""
        if self._pending is not None and not call.matches(self._pending[0]):
            self._call = None
            self._want(self._pending[0], self.source())
            return True
        if call.answered is None and (joined or call.worth_a_look()):
            if call.source.postprocessor.is_complete(call.snapshot, call.text):
                self._complete(call)
            elif call.headed is None and call.source.postprocessor.has_head(call.snapshot, call.text):
                call.headed = self.clock()
                asyncio.get_running_loop().call_later(PATIENCE, self._serve, call)
            self._serve(call)
        run_on = call.answered is not None and self.clock() - call.answered > RUN_ON
        run_on = run_on or (call.begun_at is not None and self.clock() - call.begun_at > WHOLE)
        return run_on or call.size >= LONGEST

    def _ended(self, call: Call) -> None:
        """All text is here: remember it, and answer whoever waits."""
        if self._call is not call:
            return
        self._cancel_hang_up(call)
        self._call = None
        self._complete(call)
        self._serve(call)
        if self._pending is None:
            return
        if typed_since(call.snapshot.split, self._pending[0].split) == "":
            self._answer(CompletionResult(outcome=Outcome.EMPTY))  # asking the same again would bring the same
        else:
            self._want(self._pending[0], self.source())

    def _complete(self, call: Call) -> None:
        """There is enough for the place that the call was made for."""
        if call.answered is None and call.began is not None and call.begun_at is None:
            self.rhythm.answered(self.clock() - call.began)
        call.answered = self.clock()
        self.memory.keep(call)

    def _serve(self, call: Call) -> None:
        """Answer the waiting request from what the call has brought, if that is enough for it, or has been waited for."""
        if self._pending is None or (self._call is not call and call.answered is None):
            return
        snapshot, _ = self._pending
        known = self.memory.recall(snapshot, call.source) if call.answered is not None else None
        answer = known or self.memory.part(snapshot, call) or self._begun(snapshot, call)
        if answer is None:
            return
        reason = answer.outcome
        if reason is Outcome.CACHE:
            reason = Outcome.CALL if snapshot.split == call.snapshot.split else Outcome.REUSED_CALL
        if answer.suggestion is None:
            reason = Outcome.EMPTY
        self._answer(CompletionResult(outcome=reason, suggestion=answer.suggestion))

    def _begun(self, snapshot: Snapshot, call: Call) -> CompletionResult | None:
        """What is whole of a block whose first line has waited for the others long enough."""
        now = self.clock()
        if call.answered is not None or call.headed is None or now - call.headed < PATIENCE - _CLOSE:
            return None
        if call.begun_at is None and call.began is not None:
            self.rhythm.answered(now - call.began)
        return self.memory.begin(snapshot, call, now)

    def _broke(self, call: Call, task: asyncio.Task[None]) -> None:
        """A fault in the program must not leave a request without its answer."""
        if task.cancelled() or (error := task.exception()) is None:
            return
        log.error("%s in a call", type(error).__name__)
        self._failed(call)

    def _failed(self, call: Call) -> None:
        """Nobody answered."""
        if self._call is call:
            self._cancel_hang_up(call)
            self._call = None
            self._answer(CompletionResult(outcome=Outcome.NO_BACKEND))

    def _stop_waiting(self) -> None:
        """Give up a call that has not begun."""
        if self._call is not None and not self._call.started:
            self._hang_up()

    def _leave(self, call: Call) -> None:
        if self._call is call and self._pending is None:
            self._hang_up()

    def _hang_up(self) -> None:
        call, self._call = self._call, None
        if call is not None and call.task is not None:
            self._cancel_hang_up(call)
            call.task.cancel()

    def _schedule_hang_up(self, call: Call, after: float) -> None:
        """Hang up after so many seconds, unless somebody wants the call again."""
        self._cancel_hang_up(call)
        call.hang_up_timer = asyncio.get_running_loop().call_later(after, self._leave, call)

    @staticmethod
    def _cancel_hang_up(call: Call) -> None:
        if call.hang_up_timer is not None:
            call.hang_up_timer.cancel()
            call.hang_up_timer = None
