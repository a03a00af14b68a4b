"""What a call has brought and what it costs of the quota."""

from __future__ import annotations

import pytest

from fim_lsp.backends.backend import Chunk, Usage
from fim_lsp.rate_limit.limiter import Limiter, Permit
from fim_lsp.rate_limit.sliding_window import Limits
from fim_lsp.schedule.call_progress import CallProgress
from tests.virtual import now

pytestmark = pytest.mark.usefixtures("virtual_time")


@pytest.mark.parametrize(("tokens", "has_room"), [(20, True), (900, False)])
async def test_a_call_costs_what_the_server_counted(tokens: int, has_room: bool) -> None:
    """Otherwise a quota would be used up by what was only reserved, or overrun."""
    limiter = Limiter(Limits(tokens=1000), identity="x", clock=now, jitter=lambda: 0.0)
    permit = await limiter.reserve(prompt=500, output=50, explicit=True)
    assert isinstance(permit, Permit)
    progress = CallProgress(clock=now)
    progress.add(
        Chunk(text="x", finish="stop", usage=Usage(prompt_tokens=tokens, completion_tokens=1, cached_tokens=0))
    )
    progress.settle(permit)
    assert isinstance(await limiter.reserve(prompt=600, output=50, explicit=True), Permit) is has_room
