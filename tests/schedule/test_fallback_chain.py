"""Several back ends as one: which one answers, what is reported, and what never leaves this machine."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fim_lsp.backends.backend import Backend, Chunk, OnSent, ignore_sent
from fim_lsp.errors import (
    BackendError,
    BadReply,
    Unreachable,
)
from fim_lsp.prompt.prompt import Prompt
from fim_lsp.schedule.call import Call
from fim_lsp.schedule.circuit_breaker import (
    MAX_FAILURES,
)
from fim_lsp.schedule.events import BackendEvent, EventKind
from fim_lsp.schedule.fallback_chain import FallbackChain
from fim_lsp.schedule.request import Outcome, Snapshot
from fim_lsp.settings.schema import Settings
from tests.fakes.backend import BackendDefaults
from tests.marked import split
from tests.schedule.script import Script, Typist, a_chain, a_client, known, limited, shown
from tests.virtual import run

pytestmark = pytest.mark.usefixtures("virtual_time")


class FlakyBackend(BackendDefaults):
    """Sends ``text`` a character at a time, and fails after ``breaks`` of them; ``invalidates_output``: it takes them back."""

    model = ""

    def __init__(
        self, name: str, host: str, text: str, breaks: int | None = None, *, invalidates_output: bool = False
    ) -> None:
        self.name, self.host, self.text, self.breaks, self.invalidates_output = (
            name,
            host,
            text,
            breaks,
            invalidates_output,
        )
        self.prompts: list[Prompt] = []

    async def stream(self, prompt: Prompt, *, on_sent: OnSent = ignore_sent) -> AsyncGenerator[Chunk, None]:
        self.prompts.append(prompt)
        for number, character in enumerate(self.text):
            if number == self.breaks:
                raise self._broke() if number else Unreachable("not there")
            yield Chunk(text=character)
        if self.breaks is not None and self.breaks >= len(self.text):
            raise self._broke()
        yield Chunk(finish="stop")

    def _broke(self) -> BadReply:
        error = BadReply("broke off")
        error.invalidates_output = self.invalidates_output
        return error

    async def prepare(self, prompt: Prompt, *, on_sent: OnSent = ignore_sent) -> bool:
        self.prompts.append(prompt)
        return True


def chain(*backends: Backend, failures: list[BackendError] | None = None, local_only: bool = False) -> FallbackChain:
    def note(event: BackendEvent) -> None:
        if failures is not None and event.kind is EventKind.FAILED and event.error:
            failures.append(event.error)

    return a_chain(*map(a_client, backends), on_event=note, local_only=local_only)


def snapshot(text: str = "x‸") -> Snapshot:
    return Snapshot(uri="u", language="python", path="a.py", split=split(text))


def said(one: FallbackChain) -> tuple[str, str | None, bool]:
    """What a call has at the end: text, finish reason, whether it is a fallback's."""

    async def main() -> tuple[str, str | None, bool]:
        call = Call(snapshot(), one)
        async with aclosing(one.stream(snapshot())) as chunks:
            async for chunk in chunks:
                call.add(chunk)
        return call.text, call.finish, call.from_fallback

    return run(main())


def test_the_next_one_starts_from_scratch_if_the_first_breaks_off() -> None:
    failures: list[BackendError] = []
    one, other = FlakyBackend("one", "far.example", "abcdef", breaks=3), FlakyBackend("other", "127.0.0.1", "xyz")
    assert said(chain(one, other, failures=failures)) == ("xyz", "stop", True)
    assert len(failures) == 1


def test_a_partial_answer_remains_if_no_other_back_end_can_answer() -> None:
    one, other = (
        FlakyBackend("one", "far.example", "abcdef", breaks=3),
        FlakyBackend("other", "127.0.0.1", "xyz", breaks=0),
    )
    assert said(chain(one, other)) == ("abc", None, False)


def test_an_empty_answer_does_not_replace_a_partial_one() -> None:
    one, other = FlakyBackend("one", "far.example", "abcdef", breaks=3), FlakyBackend("other", "127.0.0.1", "")
    assert said(chain(one, other))[:2] == ("abc", None)  # and its end is not the end of what came before


@pytest.mark.parametrize(
    ("next_one", "shown"),
    [
        (FlakyBackend("other", "127.0.0.1", "xyz"), ("xyz", "stop", True)),
        (FlakyBackend("other", "127.0.0.1", ""), ("", "stop", True)),
        (FlakyBackend("other", "127.0.0.1", "xyz", breaks=2), ("xy", None, True)),
        (FlakyBackend("other", "127.0.0.1", "xyz", breaks=2, invalidates_output=True), None),
        (FlakyBackend("other", "127.0.0.1", "xyz", breaks=0), None),
        (None, None),
    ],
)
def test_a_partial_answer_that_its_server_invalidated_is_never_shown(
    next_one: FlakyBackend | None, shown: tuple[str, str | None, bool] | None
) -> None:
    one = chain(
        FlakyBackend("one", "far.example", "abcdef", breaks=3, invalidates_output=True),
        *([next_one] if next_one else []),
    )
    if shown is None:
        with pytest.raises(BackendError):
            said(one)
    else:
        assert said(one) == shown


BACKENDS = st.lists(
    st.builds(
        FlakyBackend,
        name=st.sampled_from(["one", "two", "three"]),
        host=st.sampled_from(["far.example", "10.0.0.2:8012", "127.0.0.1:8012", "localhost", "[::1]:9", ""]),
        text=st.sampled_from(["", "a", "abc"]),
        breaks=st.sampled_from([None, 0, 1, 3]),
    ),
    max_size=5,
)


@settings(deadline=None)
@given(BACKENDS, st.booleans())
def test_local_only_text_never_leaves_this_machine(backends: list[FlakyBackend], prepared: bool) -> None:
    """Whichever back ends fail, in any order, for calls and for preparing."""
    one = chain(*backends, local_only=True)

    async def main() -> None:
        try:
            if prepared:
                await one.prepare(snapshot())
            async with aclosing(one.stream(snapshot())) as chunks:
                async for _ in chunks:
                    pass
        except BackendError:
            pass

    run(main())
    for backend in backends:
        assert not backend.prompts or backend.host in ("127.0.0.1:8012", "localhost", "[::1]:9", "")


def test_only_a_local_back_end_prepares() -> None:
    far, near = FlakyBackend("one", "far.example", "abc"), FlakyBackend("two", "127.0.0.1", "abc")
    run(chain(far, near).prepare(snapshot()))
    assert (far.prompts, near.prompts) == ([], [])
    run(chain(near, far).prepare(snapshot()))
    assert len(near.prompts) == 1
    embedded = FlakyBackend("three", "", "abc")
    assert [one.can_prepare("u") for one in (chain(far, near), chain(near, far), chain(embedded), chain())] == [
        False, True, False, False
    ]  # fmt: skip


def a_chain_of(
    *backends: Backend,
    local_only: Callable[[], bool] = lambda: False,
    settings_known: Callable[[], Awaitable[bool]] = known,
) -> FallbackChain:
    return FallbackChain(
        settings=Settings(), clients=[*map(a_client, backends)], on_event=lambda _event: None, policy=None,
        local_only=lambda _uri: local_only(), settings_known=settings_known,
    )  # fmt: skip


async def test_text_that_may_not_leave_any_more_is_not_sent_to_the_next_one() -> None:
    """An ignore rule was saved while the first one was asked."""
    local_only: list[bool] = []

    class First(FlakyBackend):
        async def stream(self, prompt: Prompt, *, on_sent: OnSent = ignore_sent) -> AsyncGenerator[Chunk, None]:
            local_only.append(True)
            async for chunk in super().stream(prompt):
                yield chunk

    far, near = FlakyBackend("far", "far.example", "abc"), FlakyBackend("near", "127.0.0.1", "xyz")
    one = a_chain_of(First("first", "one.example", "", breaks=0), far, near, local_only=lambda: bool(local_only))
    assert "".join([chunk.text async for chunk in one.stream(snapshot())]) == "xyz"
    assert far.prompts == []


async def test_while_the_settings_are_unknown_only_the_back_end_in_this_process_is_asked() -> None:
    async def unknown() -> bool:
        return False

    far, embedded = FlakyBackend("far", "far.example", "abc"), FlakyBackend("ngram", "", "xyz")
    one = a_chain_of(far, embedded, settings_known=unknown)
    assert "".join([chunk.text async for chunk in one.stream(snapshot())]) == "xyz"
    assert far.prompts == []


async def test_what_a_back_end_has_to_say_is_passed_on() -> None:
    class Talkative(BackendDefaults):
        name, host, model = "talkative", "far.example", ""

        async def stream(self, prompt: Prompt, *, on_sent: OnSent = ignore_sent) -> AsyncGenerator[Chunk, None]:
            yield Chunk(text="x", finish="stop", notice="the model is being replaced")

    events: list[BackendEvent] = []
    async for _chunk in a_chain(a_client(Talkative()), on_event=events.append).stream(snapshot()):
        pass
    assert [event.notice for event in events if event.kind is EventKind.NOTICE] == ["the model is being replaced"]


async def test_an_answer_without_anything_in_it_has_an_author() -> None:
    class Mute(BackendDefaults):
        name, host, model = "mute", "far.example", ""

        async def stream(self, prompt: Prompt, *, on_sent: OnSent = ignore_sent) -> AsyncGenerator[Chunk, None]:
            return
            yield

    assert [chunk.author async for chunk in a_chain(a_client(Mute())).stream(snapshot())] == ["mute"]


async def test_the_fallback_answers_during_an_outage_and_its_answers_are_not_kept_for_long() -> None:
    first = Script(lambda prompt: "from the first", fail=Unreachable("refused"))
    second = Script(lambda prompt: "from the second", host="", first=0.001, each=0.0)
    typist = Typist(first, debounce=0.0)
    events: list[BackendEvent] = []
    typist.scheduler.apply_settings(
        a_chain(limited(first), limited(second), on_event=events.append),
        debounce=0.0,
        excluded=lambda _: False,
    )
    for character in "abcdeg":
        typist.type(character)
        answer = await typist.ask()
        assert (shown(answer), answer.outcome) == ("from the second", Outcome.FALLBACK)
    assert len(first.calls) == 2 * MAX_FAILURES  # then it rests
    assert sum(event.kind is EventKind.FAILED and event.backend is first for event in events) == MAX_FAILURES
    first.fail = None
    await asyncio.sleep(30)
    answer = await typist.ask()
    assert (shown(answer), answer.outcome) == ("from the first", Outcome.CALL)


async def test_an_answer_that_was_hung_up_on_counts_as_one() -> None:
    events: list[BackendEvent] = []
    backend = Script(lambda prompt: "one\ntwo\nthree", each=0.2)
    typist = Typist(backend, "a = ‸ + b", debounce=0.0)
    typist.scheduler.apply_settings(
        a_chain(limited(backend), on_event=events.append),
        debounce=0.0,
        excluded=lambda _: False,
    )
    assert shown(await typist.ask()) == "one"
    await asyncio.sleep(1)  # it runs on for a moment
    assert [(event.backend.name, event.kind) for event in events] == [("script", EventKind.ANSWERED)]
