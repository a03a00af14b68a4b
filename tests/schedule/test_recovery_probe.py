"""A back end is used again within two seconds after any fault, however long it lasted, with at most a call a second."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import pytest

from fim_lsp.backends.backend import Chunk, OnSent, ignore_sent
from fim_lsp.errors import (
    BackendError,
    Paused,
    RateLimited,
    Unreachable,
)
from fim_lsp.prompt.prompt import Prompt
from fim_lsp.schedule.circuit_breaker import (
    PROBE_INTERVAL,
    State,
)
from fim_lsp.session.notifier import Level
from fim_lsp.settings.schema import Settings
from tests.schedule.outages import FAULTS, Outage
from tests.schedule.script import Script, a_snapshot, limited, open_circuit, text_of
from tests.virtual import now

pytestmark = pytest.mark.usefixtures("virtual_time")

BACK = 2.0  # seconds


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("seconds", [1.5, 9.3])
async def test_recovery_takes_less_than_two_seconds(fault: str, seconds: float) -> None:
    outage = Outage()
    assert await outage.recovery(fault, seconds) <= BACK
    assert outage.calls <= 2 * 3 + 1.25 * seconds  # three calls and their second tries, then a probe a second
    assert outage.network.most_in_flight <= 3
    warnings = [sentence for _, level, sentence in outage.notices if level is Level.WARNING]
    assert len(warnings) <= 1
    assert len(outage.notices) <= 2
    await outage.close()


@pytest.mark.parametrize("fault", ["refused", "accepted and silent"])
async def test_recovery_is_as_quick_after_a_long_outage(fault: str) -> None:
    outage = Outage()
    assert await outage.recovery(fault, 90) <= BACK
    await outage.close()


@pytest.mark.parametrize("fault", ["refused", "503", "accepted and silent", "401 page"])
async def test_no_probe_is_made_without_requests(fault: str) -> None:
    outage = Outage()
    await outage.recovery(fault, 10, give_up=0)
    outage.network.behave = FAULTS[fault]
    await asyncio.sleep(30)  # what is in flight ends
    made = len(outage.network.calls)
    await asyncio.sleep(600)
    assert len(outage.network.calls) == made
    await outage.close()


async def test_a_fault_that_comes_and_goes_is_not_reported_each_time() -> None:
    outage = Outage()
    for _ in range(10):
        await outage.recovery("503", 4)
    assert now() < 120
    assert len(outage.notices) <= 2 * 3  # each failure again after a minute, and its end
    await outage.close()


async def test_a_slow_server_is_not_taken_for_dead() -> None:
    """A model that is being loaded: its first answer takes eight seconds, and no other call is made until then."""

    outage = Outage()
    well = outage.network.behave

    async def slow(request: object) -> object:
        await asyncio.sleep(8)
        return await well(request)  # type: ignore[arg-type]

    outage.network.behave = slow  # type: ignore[assignment]
    outage.key()
    await asyncio.sleep(9.5)
    assert len(outage.network.calls) == 1
    assert outage.answered_at(0) is not None
    await outage.close()


async def test_a_probe_goes_on_after_its_request_was_cancelled() -> None:
    backend = Script(lambda prompt: "ok", fail=Unreachable("refused"))
    one = limited(backend)
    await open_circuit(one)
    backend.fail = None
    await asyncio.sleep(PROBE_INTERVAL)
    made = len(backend.calls)
    probe = asyncio.create_task(text_of(one))
    await asyncio.sleep(0.01)
    probe.cancel()
    await asyncio.wait([probe])
    await asyncio.sleep(0.3)
    assert one.breaker.state is State.CLOSED
    assert (len(backend.calls), backend.hung_up) == (made + 1, 1)


async def test_a_probe_that_waits_for_the_quota_delays_no_request() -> None:
    backend = Script(lambda prompt: "ok", fail=Unreachable("refused"))
    one = limited(backend)
    await open_circuit(one)
    backend.fail = None
    await asyncio.sleep(6)
    assert one.sender.limiter is not None
    reserve, skip_reason = one.sender.limiter.reserve, asyncio.Event()

    async def slow(**arguments: object) -> object:
        await skip_reason.wait()
        return await reserve(**arguments)  # type: ignore[arg-type]

    one.sender.limiter.reserve = slow  # type: ignore[method-assign,assignment]
    for _ in range(3):
        with pytest.raises(Paused):
            await text_of(one)
    skip_reason.set()
    await asyncio.sleep(1)
    assert await text_of(one) == "ok"


async def test_a_probe_that_is_given_up_before_it_has_begun_is_over() -> None:
    backend = Script(lambda prompt: "ok", fail=Unreachable("refused"))
    one = limited(backend)
    await open_circuit(one)
    await asyncio.sleep(PROBE_INTERVAL)
    asked = asyncio.create_task(text_of(one))
    await asyncio.sleep(0)
    one.breaker.probe_now()
    with pytest.raises(Paused):
        await asked
    assert one.breaker.state is State.OPEN
    assert one.breaker.probes.is_idle


async def test_a_quota_that_is_used_up_in_a_probe_is_not_reported_as_a_failure() -> None:
    backend = Script(lambda prompt: "ok", fail=Unreachable("refused"))
    one = limited(backend)
    await open_circuit(one)
    backend.fail = RateLimited("slow down")
    await asyncio.sleep(PROBE_INTERVAL)
    reports: list[BackendError | None] = []
    probe = asyncio.create_task(anext(one.stream(a_snapshot(), Settings(), reports.append)))
    await asyncio.sleep(0.01)
    probe.cancel()  # nobody waits for its result
    await asyncio.sleep(1)
    assert reports == []
    assert one.breaker.probes.is_idle
    backend.fail = None
    await asyncio.sleep(60)
    assert await text_of(one) == "ok"
    assert one.breaker.state is State.CLOSED


class Begins(Script):
    """Sends something without text first, and perhaps nothing else."""

    says: str = ""

    async def stream(self, prompt: Prompt, *, on_sent: OnSent = ignore_sent) -> AsyncGenerator[Chunk, None]:
        if self.fail is None:
            yield Chunk()
        if self.fail is not None or self.says:
            async for chunk in super().stream(prompt, on_sent=on_sent):
                yield chunk


@pytest.mark.parametrize(("says", "state"), [("ok", State.CLOSED), ("", State.OPEN)])
async def test_only_an_answer_closes_the_circuit_not_its_first_bytes(says: str, state: State) -> None:
    backend = Begins(lambda prompt: says, fail=Unreachable("refused"))
    one = limited(backend)
    await open_circuit(one)
    backend.fail, backend.says = None, says
    await asyncio.sleep(PROBE_INTERVAL)
    try:
        assert await text_of(one) == says
    except Paused:
        assert not says
    await asyncio.sleep(1)
    assert one.breaker.state is state
    assert one.breaker.probes.is_idle
