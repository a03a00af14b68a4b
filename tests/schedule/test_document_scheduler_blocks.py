"""A block is shown whole if it arrives in time; otherwise its first lines are, and the others with a later request."""

from __future__ import annotations

import asyncio

import pytest

from fim_lsp.schedule.call_output import HEAD_WAIT
from fim_lsp.schedule.document_scheduler import MAX_BLOCK_TIME
from fim_lsp.schedule.request import Outcome
from tests.schedule.script import BreaksOff, Script, Typist, a_chain, a_client, shown
from tests.virtual import now, run

pytestmark = pytest.mark.usefixtures("virtual_time")

BODY = "".join(f"    step_{n} = call({n} + {n})\n" for n in range(6))  # lines of 25 characters
BLOCK = f"me):\n{BODY}\n\nother()\n"
WHOLE_BLOCK = BLOCK.partition("\n\n\n")[0]
TOKEN = 4  # characters


def at_speed(tokens: int, reply: str = BLOCK) -> Script:
    """A model that writes ``tokens`` a second, after a quarter of a second."""
    return Script(lambda _prompt: reply, each=1 / (tokens * TOKEN))


def shown_in_time(tokens: int, end: str) -> tuple[str | None, float]:
    async def main() -> tuple[str | None, float]:
        typist = Typist(at_speed(tokens), f"def f(na‸{end}", debounce=0.0)
        text = shown(await typist.ask(explicit=True))
        return text, now() - 0.25

    return run(main())


@pytest.mark.parametrize("end", ["", "\n"])
@pytest.mark.parametrize(("tokens", "lines"), [(50, 2), (100, 4), (300, 7)])
def test_lines_that_have_arrived_whole_in_time_are_shown(tokens: int, lines: int, end: str) -> None:
    text, taken = shown_in_time(tokens, end)
    assert text == "\n".join(WHOLE_BLOCK.split("\n")[:lines])
    head = (BLOCK.index("\n") + 1) / (tokens * TOKEN)
    assert taken <= head + HEAD_WAIT + 0.001


async def test_a_line_that_opens_no_block_is_shown_at_once() -> None:
    typist = Typist(at_speed(100, "1\nother()\n"), "x = ‸\n", debounce=0.0)
    assert shown(await typist.ask(explicit=True)) == "1"
    assert now() <= 0.25 + 2 / 400 + 0.001


@pytest.mark.parametrize("typed", ["", "m", "me):"])
async def test_the_next_request_gets_what_has_arrived_since(typed: str) -> None:
    """VS Code asks at every key: what it shows remains, and grows."""

    backend = at_speed(50)
    typist = Typist(backend, "def f(na‸\n", debounce=0.0)
    first = shown(await typist.ask())
    assert first == BLOCK[: BLOCK.index("\n    step_1")]
    seen = [first]
    for _ in range(12):
        await asyncio.sleep(0.1)
        if typed:
            typist.type(typed[0])
            seen = [text.removeprefix(typed[0]) for text in seen]
        answer = shown(await typist.ask())
        assert answer is not None
        assert answer.startswith(seen[-1])
        seen.append(answer)
        if typed:
            break
    await asyncio.sleep(1)
    last = await typist.ask()
    assert shown(last) == WHOLE_BLOCK.removeprefix(typed[:1])
    assert last.outcome is Outcome.CACHE
    assert len(backend.calls) == 1


async def test_after_an_accept_the_rest_of_the_block_is_the_next_part() -> None:
    backend = at_speed(50)
    typist = Typist(backend, "def f(na‸\n", debounce=0.0)
    first = shown(await typist.ask())
    assert first is not None
    typist.type(first)
    second = shown(await typist.ask())
    assert second is not None
    assert WHOLE_BLOCK.startswith(first + second)
    assert len(backend.calls) == 1


async def test_a_block_that_never_ends_is_hung_up_on() -> None:
    backend = at_speed(50, "me):\n" + "".join(f"    call_{n}({n})\n" for n in range(400)))
    typist = Typist(backend, "def f(na‸\n", debounce=0.0)
    assert shown(await typist.ask()) is not None
    await asyncio.sleep(MAX_BLOCK_TIME + HEAD_WAIT + 1)
    assert backend.hung_up == 1


async def test_a_call_that_is_hung_up_on_shows_nothing_later() -> None:
    backend = at_speed(50)
    typist = Typist(backend, "def f(na‸\n", debounce=0.0)
    waiting = typist.ask()
    await asyncio.sleep(0.25 + 7 / 200)  # the first line has come, the others have not
    typist.type("x")
    assert (await waiting).outcome is Outcome.SUPERSEDED
    again = typist.ask()
    await asyncio.sleep(HEAD_WAIT)
    assert not again.done()
    typist.scheduler.close()
    await asyncio.sleep(0)
    assert (await again).outcome is Outcome.CLOSED


def test_a_last_line_without_a_line_end_makes_no_difference() -> None:
    for tokens in (50, 100, 300):
        assert shown_in_time(tokens, "") == shown_in_time(tokens, "\n")


@pytest.mark.parametrize(
    ("text", "reply", "right"),
    [
        ("import { a } from ‸\n", "'./other.js';", ("./other.js';", 1)),
        ("color: ‸\n", '"Red", blue;', ('Red", blue;', 1)),
        ("name = ‸\n", "'a'", ("a", 0)),
    ],
)
async def test_a_quote_typed_after_the_answer_arrived_is_replaced(
    text: str, reply: str, right: tuple[str, int]
) -> None:
    """The editor pairs it: the cached answer goes on inside the quotes, and replaces the closing one if it has its own."""

    backend = Script(lambda _prompt: reply, each=0.001)
    typist = Typist(backend, text, debounce=0.0)
    assert shown(await typist.ask()) == reply
    await asyncio.sleep(1)
    typist.pair(reply[0] * 2)
    answer = typist.ask()
    assert answer.done()
    suggestion = answer.result().suggestion
    assert suggestion is not None
    assert (suggestion.text, suggestion.replace) == right
    assert len(backend.calls) == 1


async def test_a_block_of_which_nothing_can_be_shown_is_not_begun() -> None:
    typist = Typist(at_speed(50, f"\ufffd{BLOCK}"), "def f(na‸\n", debounce=0.0)
    asked = typist.ask()
    await asyncio.sleep(0.25 + len(BLOCK) / (50 * TOKEN) / 2)  # several lines have come
    assert not asked.done()
    assert (await asked).outcome is Outcome.EMPTY


async def test_lines_that_were_shown_remain_if_a_fallback_writes_others(caplog: pytest.LogCaptureFixture) -> None:
    """The first back end breaks off. What replaces its answer differs from what was typed since, and nobody waits for it."""
    first = BreaksOff(lambda _prompt: BLOCK[:50], each=1 / 200)
    other = Script(lambda _prompt: "other):\n    pass\n\n\nx = 1\n", name="other")
    typist = Typist(first, "def f(na‸\n", debounce=0.0)
    chain = a_chain(a_client(first), a_client(other))
    typist.scheduler.apply_settings(chain, debounce=0, excluded=lambda _uri: False)
    typist.ask()
    await asyncio.sleep(0.257)  # the first character has come
    typist.type("m")
    part = shown(await typist.ask())
    assert part is not None
    typist.type(part)
    asked = typist.ask()
    await asyncio.sleep(0.2)
    assert (len(other.calls), asked.done()) == (1, False)
    asked.cancel()
    await asyncio.sleep(1)
    assert other.ended != []
    typist.erase(len(part))
    assert shown(await typist.ask()) == part
    assert len(first.calls) == 1
    assert caplog.text == ""
