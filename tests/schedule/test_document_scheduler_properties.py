"""For any interleaving of edits, requests, cancels, replies and failures: each request is answered once, in order."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from fim_lsp.errors import Overloaded, Unreachable
from fim_lsp.prompt.prompt import Prompt
from fim_lsp.schedule.request import Outcome
from tests.schedule.script import Script, Typist
from tests.virtual import run


@dataclass(frozen=True, slots=True)
class Step:
    what: str
    value: float


STEPS = st.lists(
    st.one_of(
        st.builds(
            Step, st.sampled_from(["type a", "type b", "type c", "erase", "ask", "ask", "ask", "cancel"]), st.just(0.0)
        ),
        st.builds(Step, st.just("wait"), st.sampled_from([0.001, 0.02, 0.05, 0.1, 0.3, 1.0, 3.0])),
        st.builds(Step, st.sampled_from(["fail", "recover", "slow", "quick", "withdraw"]), st.just(0.0)),
        st.builds(Step, st.just("ask explicitly"), st.just(0.0)),
    ),
    max_size=60,
)


def answer(prompt: Prompt) -> str:
    """The same for the same prompt, and often what is typed next."""
    return ["", "a", "aa b", "abc\nnext", "b(a)", "ca\n\n"][sum(map(ord, prompt.prefix)) % 6]


@settings(max_examples=400, deadline=None)
@given(STEPS, st.sampled_from([0.0, 0.05, 0.15]), st.booleans())
def test_every_request_is_answered_once_and_in_order(steps: list[Step], debounce: float, sudden: bool) -> None:
    async def main() -> None:
        backend = Script(answer, first=0.08, each=0.03)
        typist = Typist(backend, debounce=debounce)
        requests: list[asyncio.Future[object]] = []
        cancelled: set[int] = set()
        explicit = edits = withdrawn = 0
        for step in steps:
            match step.what.split(" "):
                case ["type", text]:
                    typist.type(text)
                    edits += 1
                case ["erase"]:
                    typist.erase()
                    edits += 1
                case ["ask", *explicitly]:
                    explicit += bool(explicitly)
                    requests.append(typist.ask(explicit=bool(explicitly)))  # type: ignore[arg-type]
                case ["cancel"]:
                    if requests and not requests[-1].done():
                        requests[-1].cancel()
                        cancelled.add(len(requests) - 1)
                case ["withdraw"]:
                    if requests:
                        typist.scheduler.withdraw("file:///a.py", requests[-1])  # type: ignore[arg-type]
                        cancelled |= {len(requests) - 1} if requests[-1].cancelled() else set()
                        withdrawn += 1
                case ["slow" | "quick" as speed]:
                    backend.first = 3.0 if speed == "slow" else 0.08
                case ["wait"]:
                    await asyncio.sleep(step.value)
                case ["fail"]:
                    backend.fail = Unreachable("gone") if len(requests) % 2 else Overloaded("full")
                case ["recover"]:
                    backend.fail = None
        if sudden:
            typist.scheduler.close()
        if requests:
            await asyncio.wait(requests)
        await asyncio.sleep(0.1)
        order = [number for number, _ in typist.answers]
        assert order == sorted(set(order))
        assert set(order) | cancelled == set(range(len(requests)))
        assert not set(order) & cancelled
        for number, answered in typist.answers[:-1]:
            if answered.outcome is Outcome.SUPERSEDED and not withdrawn:
                assert number < len(requests) - 1
        for client in typist.scheduler._chain.clients:
            await client.breaker.close()
        if sudden:
            assert len(backend.ended) == len(backend.started)  # no call outlives interest in it
        assert len(backend.calls) - backend.failed <= edits + explicit + 1 + len(cancelled)
        typist.scheduler.close()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert len(backend.ended) == len(backend.started)

    run(main())
