"""How each request of an editor is answered, for all who observe a session."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

from fim_lsp.schedule.call_record import answered
from fim_lsp.schedule.events import Publish, RequestStarted
from fim_lsp.schedule.request import CompletionResult, Outcome, Snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request that was made: the text it is about, and its result. Cancelling the result withdraws the request."""

    snapshot: Snapshot
    result: asyncio.Future[CompletionResult]


def track(request: Request, publish: Publish) -> None:
    """Publish how a request is answered, and that it is not answered at once."""
    if request.result.done():
        publish(answered(request.snapshot, request.result.result(), seconds=0.0, at=time.time()))
        return
    started = time.monotonic()
    publish(RequestStarted(request=request.snapshot.number))

    def done(future: asyncio.Future[CompletionResult]) -> None:
        result = CompletionResult(outcome=Outcome.SUPERSEDED) if future.cancelled() else future.result()
        publish(answered(request.snapshot, result, seconds=time.monotonic() - started, at=time.time()))

    request.result.add_done_callback(done)
