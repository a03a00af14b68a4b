"""Several back ends as one: who answers when, what the user hears, and what never leaves this machine. In virtual time."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fim_lsp.backends.backend import Backend, Chunk
from fim_lsp.errors import BackendError, BadReply, Unreachable
from fim_lsp.prompt.prompt import Prompt
from fim_lsp.schedule.call import Call
from fim_lsp.schedule.fallback_chain import FallbackChain
from fim_lsp.schedule.request import BackendEvent, EventKind, Snapshot
from tests.fakes.backend import Bare
from tests.marked import split
from tests.schedule.script import a_chain, a_client
from tests.virtual import run


class Station(Bare):
    """Says ``text`` a character at a time, and fails after ``breaks`` of them; ``invalidates_output``: by taking it all back."""

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

    async def stream(self, prompt: Prompt) -> AsyncGenerator[Chunk, None]:
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

    async def prepare(self, prompt: Prompt) -> bool:
        self.prompts.append(prompt)
        return True


def chain(*backends: Backend, told: list[BackendError] | None = None, local_only: bool = False) -> FallbackChain:
    def note(event: BackendEvent) -> None:
        if told is not None and event.kind is EventKind.FAILED and event.error:
            told.append(event.error)

    return a_chain(*map(a_client, backends), on_event=note, local_only=local_only)


def snapshot(text: str = "x‸") -> Snapshot:
    return Snapshot(uri="u", language="python", path="a.py", split=split(text))


def said(one: FallbackChain) -> tuple[str, str | None, bool]:
    """What a call takes in of everything that comes: text, finish reason, whether it is a stand-in's."""

    async def main() -> tuple[str, str | None, bool]:
        call = Call(snapshot(), one)
        async with aclosing(one.stream(snapshot())) as chunks:
            async for chunk in chunks:
                call.add(chunk)
        return call.text, call.finish, call.from_fallback

    return run(main())


def test_the_next_one_begins_anew_when_the_first_breaks_off() -> None:
    told: list[BackendError] = []
    one, other = Station("one", "far.example", "abcdef", breaks=3), Station("other", "127.0.0.1", "xyz")
    assert said(chain(one, other, told=told)) == ("xyz", "stop", True)
    assert len(told) == 1


def test_what_came_stands_if_nobody_else_can_answer() -> None:
    one, other = Station("one", "far.example", "abcdef", breaks=3), Station("other", "127.0.0.1", "xyz", breaks=0)
    assert said(chain(one, other)) == ("abc", None, False)


def test_an_empty_answer_of_the_next_one_voids_nothing() -> None:
    one, other = Station("one", "far.example", "abcdef", breaks=3), Station("other", "127.0.0.1", "")
    assert said(chain(one, other))[:2] == ("abc", None)  # and its end is not the end of what came before


@pytest.mark.parametrize(
    ("next_one", "shown"),
    [
        (Station("other", "127.0.0.1", "xyz"), ("xyz", "stop", True)),
        (Station("other", "127.0.0.1", ""), ("", "stop", True)),
        (Station("other", "127.0.0.1", "xyz", breaks=2), ("xy", None, True)),
        (Station("other", "127.0.0.1", "xyz", breaks=2, invalidates_output=True), None),
        (Station("other", "127.0.0.1", "xyz", breaks=0), None),
        (None, None),
    ],
)
def test_half_an_answer_that_its_server_took_back_is_never_shown(
    next_one: Station | None, shown: tuple[str, str | None, bool] | None
) -> None:
    one = chain(
        Station("one", "far.example", "abcdef", breaks=3, invalidates_output=True), *([next_one] if next_one else [])
    )
    if shown is None:
        with pytest.raises(BackendError):
            said(one)
    else:
        assert said(one) == shown


BACKENDS = st.lists(
    st.builds(
        Station,
        name=st.sampled_from(["one", "two", "three"]),
        host=st.sampled_from(["far.example", "10.0.0.2:8012", "127.0.0.1:8012", "localhost", "[::1]:9", ""]),
        text=st.sampled_from(["", "a", "abc"]),
        breaks=st.sampled_from([None, 0, 1, 3]),
    ),
    max_size=5,
)


@settings(deadline=None)
@given(BACKENDS, st.booleans())
def test_what_stays_here_is_never_sent_away(backends: list[Station], prepared: bool) -> None:
    """Whatever fails, in whatever order, by each way that sends."""
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


def test_nothing_is_read_ahead_by_another_machine() -> None:
    far, near = Station("one", "far.example", "abc"), Station("two", "127.0.0.1", "abc")
    run(chain(far, near).prepare(snapshot()))
    assert (far.prompts, near.prompts) == ([], [])
    run(chain(near, far).prepare(snapshot()))
    assert len(near.prompts) == 1
