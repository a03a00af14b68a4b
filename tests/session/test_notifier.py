"""What the user hears: each thing once, the way back too, and no storm."""

from __future__ import annotations

from fim_lsp.errors import Unauthorized, Unreachable
from fim_lsp.session.notifier import AGAIN, Level, Notifier
from tests.rate_limit.clock import Clock
from tests.schedule.script import Script

GONE, REFUSED = Unreachable("it is not there"), Unauthorized("it wants a key")


class Heard(list[tuple[Level, str]]):
    def __call__(self, level: Level, sentence: str) -> None:
        self.append((level, sentence))


def test_trouble_is_told_once_and_so_is_its_end() -> None:
    heard, backend = Heard(), Script(lambda _: "")
    notices = Notifier(heard)
    for _ in range(5):
        notices.trouble(backend, GONE, "ngram")
    for _ in range(3):
        notices.fine(backend)
    assert heard == [
        (Level.WARNING, "it is not there; ngram answers meanwhile"),
        (Level.INFO, "script answers again"),
    ]


def test_another_trouble_is_news() -> None:
    heard, backend = Heard(), Script(lambda _: "")
    notices = Notifier(heard)
    for error in (GONE, REFUSED, GONE):
        notices.trouble(backend, error)
    assert [sentence for _, sentence in heard] == ["it is not there", "it wants a key"]


def test_one_that_comes_and_goes_makes_no_storm() -> None:
    heard, backend, clock = Heard(), Script(lambda _: ""), Clock()
    notices = Notifier(heard, clock)
    for _ in range(20):
        notices.trouble(backend, GONE)
        notices.fine(backend)
        clock.now += 1
    assert len(heard) == 2
    clock.now += AGAIN
    notices.trouble(backend, GONE)
    assert len(heard) == 3


def test_a_back_end_that_never_failed_is_not_praised() -> None:
    heard = Heard()
    Notifier(heard).fine(Script(lambda _: ""))
    assert heard == []
