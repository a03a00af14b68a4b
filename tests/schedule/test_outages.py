"""Back within two seconds after any fault, however long it lasted, with a call a second at the most. In virtual time."""

from __future__ import annotations

import asyncio

import pytest

from fim_lsp.session.notifier import Level
from tests.schedule.outages import FAULTS, Outage
from tests.virtual import now, run

BACK = 2.0  # seconds


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("seconds", [1.5, 9.3])
def test_it_is_back_within_two_seconds(fault: str, seconds: float) -> None:
    async def main() -> None:
        outage = Outage()
        assert await outage.recovery(fault, seconds) <= BACK
        assert outage.calls <= 2 * 3 + 1.25 * seconds  # three calls and their second tries, then a probe a second
        assert outage.network.most_in_flight <= 3
        warnings = [sentence for _, level, sentence in outage.told if level is Level.WARNING]
        assert len(warnings) <= 1
        assert len(outage.told) <= 2
        await outage.close()

    run(main())


@pytest.mark.parametrize("fault", ["refused", "accepted and silent"])
def test_a_long_outage_makes_no_difference(fault: str) -> None:
    async def main() -> None:
        outage = Outage()
        assert await outage.recovery(fault, 90) <= BACK
        await outage.close()

    run(main())


@pytest.mark.parametrize("fault", ["refused", "503", "accepted and silent", "401 page"])
def test_nobody_typing_means_no_probe(fault: str) -> None:
    async def main() -> None:
        outage = Outage()
        await outage.recovery(fault, 10, give_up=0)
        outage.network.behave = FAULTS[fault]
        await asyncio.sleep(30)  # what is in flight ends
        made = len(outage.network.calls)
        await asyncio.sleep(600)
        assert len(outage.network.calls) == made
        await outage.close()

    run(main())


def test_a_fault_that_comes_and_goes_makes_no_storm_of_messages() -> None:
    async def main() -> None:
        outage = Outage()
        for _ in range(10):
            await outage.recovery("503", 4)
        assert now() < 120
        assert len(outage.told) <= 2 * 3  # each trouble again after a minute, and its end
        await outage.close()

    run(main())


def test_the_server_that_is_only_slow_is_not_taken_for_dead() -> None:
    """A model that is being loaded: its first answer takes eight seconds, and no other call is made meanwhile."""

    async def main() -> None:
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

    run(main())
