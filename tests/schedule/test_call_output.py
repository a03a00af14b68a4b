"""Which part of a call's output is enough for a request."""

from __future__ import annotations

import asyncio

import pytest

from fim_lsp.backends.backend import Chunk
from fim_lsp.schedule.cache import SuggestionCache
from fim_lsp.schedule.call import Call
from fim_lsp.schedule.call_output import HEAD_WAIT, CallOutput
from fim_lsp.schedule.debounce import AdaptiveDebounce
from fim_lsp.schedule.request import Outcome, Request
from tests.schedule.script import Script, a_chain, a_client, a_snapshot, shown
from tests.virtual import now

pytestmark = pytest.mark.usefixtures("virtual_time")


async def test_a_request_takes_what_is_complete_from_a_call() -> None:
    cache = SuggestionCache(now)
    output = CallOutput(cache=cache, debounce=AdaptiveDebounce(), clock=now)
    call = Call(a_snapshot("a = ‸\n"), a_chain(a_client(Script(lambda _: ""))))
    call.start(now())
    same, later = (_request(marked) for marked in ("a = ‸\n", "a = b‸\n"))
    call.add(Chunk(text="b + c"))
    assert output.result(same, call) is output.result(later, call) is None
    call.add(Chunk(finish="stop"))
    call.complete(now())
    cache.store(call)
    assert [
        (result.outcome, shown(result)) for request in (same, later) if (result := output.result(request, call))
    ] == [
        (Outcome.CALL, "b + c"),
        (Outcome.REUSED_CALL, " + c"),
    ]


async def test_the_head_of_a_block_waits_for_the_rest() -> None:
    output = CallOutput(cache=SuggestionCache(now), debounce=AdaptiveDebounce(), clock=now)
    call = Call(a_snapshot("def f(na‸\n"), a_chain(a_client(Script(lambda _: ""))))
    call.start(now())
    call.add(Chunk(text="me):\n    a = 1\n    b = "))
    call.head_at = now()
    request = _request("def f(na‸\n")
    assert output.result(request, call) is None
    await asyncio.sleep(HEAD_WAIT)
    result = output.result(request, call)
    assert result is not None
    assert shown(result) == "me):\n    a = 1"


def _request(marked: str) -> Request:
    return Request(snapshot=a_snapshot(marked), result=asyncio.get_running_loop().create_future(), made_at=now())
