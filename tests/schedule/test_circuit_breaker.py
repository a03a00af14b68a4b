"""A back end that fails is left alone, and used again as soon as it answers."""

from __future__ import annotations

import asyncio

import pytest

from fim_lsp.errors import (
    BackendError,
    Intercepted,
    Paused,
    Unauthorized,
    UnknownModel,
    Unreachable,
)
from fim_lsp.schedule.circuit_breaker import (
    PROBE_INTERVAL,
    REJECTED_INTERVALS,
    Admission,
    State,
)
from tests.schedule.script import Script, limited, open_circuit, text_of
from tests.virtual import now

pytestmark = pytest.mark.usefixtures("virtual_time")


async def test_repeated_failures_open_the_circuit_and_a_probe_closes_it() -> None:
    backend = Script(lambda prompt: "ok", fail=Unreachable("refused"))
    one = limited(backend)
    await open_circuit(one)
    made = len(backend.calls)
    for _ in range(20):
        with pytest.raises(Paused):
            await text_of(one)
    assert len(backend.calls) == made
    await asyncio.sleep(PROBE_INTERVAL)
    with pytest.raises(Unreachable):
        await text_of(one)
    assert len(backend.calls) == made + 1  # a probe has no second try
    with pytest.raises(Paused):
        await text_of(one)
    backend.fail = None
    await asyncio.sleep(PROBE_INTERVAL)
    probe, other = asyncio.create_task(text_of(one)), asyncio.create_task(text_of(one))
    with pytest.raises(Paused):
        await other  # one probe at a time
    assert await probe == "ok"
    assert await text_of(one) == "ok"


async def test_queries_change_nothing() -> None:
    one = limited(Script(lambda prompt: "ok", fail=Unreachable("refused")))
    await open_circuit(one)
    await asyncio.sleep(PROBE_INTERVAL)
    breaker = one.breaker
    queries = [
        (breaker.state, breaker.before_call(), breaker.reason, breaker.max_silence, breaker.probe_wait)
        for _ in range(3)
    ]
    assert len(set(queries)) == 1
    assert queries[0][:2] == (State.OPEN, Admission.PROBE)


@pytest.mark.parametrize("error", [Unauthorized("401"), UnknownModel("404")])
async def test_a_rejected_key_or_model_that_never_worked_is_probed_slowly(error: BackendError) -> None:
    backend = Script(lambda prompt: "ok", fail=error)
    one = limited(backend)
    end = now() + 3600
    while now() < end:
        with pytest.raises((type(error), Paused)):
            await text_of(one)
        await asyncio.sleep(1)
    assert len(backend.calls) < 10
    backend.fail = None
    await asyncio.sleep(REJECTED_INTERVALS[1])
    assert await text_of(one) == "ok"


@pytest.mark.parametrize("error", [Unauthorized("401"), UnknownModel("404")])
@pytest.mark.parametrize("reason", ["explicit request", "settings are saved"])
async def test_a_rejected_key_or_model_is_tried_at_once_after_a_change_of_settings_or_an_explicit_request(
    error: BackendError, reason: str
) -> None:
    backend = Script(lambda prompt: "ok", fail=error)
    one = limited(backend)
    for _ in range(5):
        with pytest.raises((type(error), Paused)):
            await text_of(one)
        await asyncio.sleep(2)
    assert len(backend.calls) == 1
    backend.fail = None
    if reason == "settings are saved":
        one.breaker.probe_now()
    assert await text_of(one, explicit=reason == "explicit request") == "ok"
    assert await text_of(one) == "ok"


@pytest.mark.parametrize("error", [Unauthorized("401"), UnknownModel("404"), Intercepted("a page")])
async def test_a_rejection_of_what_worked_is_an_outage(error: BackendError) -> None:
    backend = Script(lambda prompt: "ok")
    one = limited(backend)
    assert await text_of(one) == "ok"
    backend.fail = error
    for _ in range(60):
        with pytest.raises((type(error), Paused)):
            await text_of(one)
        await asyncio.sleep(1)
    backend.fail = None
    await asyncio.sleep(1)
    assert await text_of(one) == "ok"
