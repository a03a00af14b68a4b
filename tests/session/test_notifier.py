"""Each message is shown once, recovery is reported, and a failure that comes and goes is not repeated."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from fim_lsp.errors import Paused, RateLimited, Unauthorized, Unreachable
from fim_lsp.schedule.events import BackendEvent, EventKind
from fim_lsp.session.notifier import MIN_REPEAT_SECONDS, Level, Notifier
from fim_lsp.settings.schema import SettingProblem
from tests.fakes.backend import BackendDefaults

UNREACHABLE, UNAUTHORIZED = Unreachable("it is not there"), Unauthorized("it wants a key")


@dataclass
class Named(BackendDefaults):
    name: str = "codestral"
    host: str = "fim.example"
    model: str = ""


BACKEND = Named()
ANSWERED = BackendEvent(backend=BACKEND, kind=EventKind.ANSWERED)


def failed(error: Unreachable | Unauthorized) -> BackendEvent:
    return BackendEvent(backend=BACKEND, kind=EventKind.FAILED, error=error)


class Shown(list[tuple[Level, str]]):
    def __call__(self, level: Level, sentence: str) -> None:
        self.append((level, sentence))


@pytest.fixture
def shown() -> Shown:
    return Shown()


def test_a_failure_and_the_recovery_are_reported_once(shown: Shown) -> None:
    notifier = Notifier(shown)
    for event in [*[failed(UNREACHABLE)] * 5, *[ANSWERED] * 3]:
        notifier.on_backend_event(event, "ngram")
    assert shown == [
        (Level.WARNING, "it is not there; meanwhile suggestions come from your own files (ngram)"),
        (Level.INFO, "codestral answers again"),
    ]


def test_a_failure_that_the_user_can_fix_is_reported_after_another_one(shown: Shown) -> None:
    notifier = Notifier(shown)
    for error in (UNREACHABLE, UNAUTHORIZED, UNREACHABLE):
        notifier.on_backend_event(failed(error))
    assert [sentence for _, sentence in shown] == ["it is not there", "it wants a key"]


def test_a_failure_that_comes_and_goes_is_reported_once_a_minute(shown: Shown) -> None:
    seconds = 0.0
    notifier = Notifier(shown, lambda: seconds)
    for _ in range(20):
        notifier.on_backend_event(failed(UNREACHABLE))
        notifier.on_backend_event(ANSWERED)
        seconds += 1
    assert len(shown) == 2
    seconds += MIN_REPEAT_SECONDS
    notifier.on_backend_event(failed(UNREACHABLE))
    assert len(shown) == 3


def test_the_failure_of_a_replaced_back_end_is_reported_again(shown: Shown) -> None:
    notifier = Notifier(shown)
    notifier.on_backend_event(failed(UNREACHABLE))
    notifier.forget_failures(BACKEND)
    assert not notifier.has_reported(BACKEND, UNREACHABLE)
    notifier.on_backend_event(failed(UNREACHABLE))
    assert len(shown) == 2


@pytest.mark.parametrize(
    "event", [ANSWERED, BackendEvent(backend=BACKEND, kind=EventKind.PAUSED, error=Paused("no quota"))]
)
def test_an_answer_without_a_failure_and_a_pause_are_no_news(shown: Shown, event: BackendEvent) -> None:
    Notifier(shown).on_backend_event(event)
    assert shown == []


@pytest.mark.parametrize(
    ("seconds", "told"), [(None, ""), (0.0, ""), (2.0, ""), (90.0, ", until "), (86_400.0, ", until ")]
)
def test_the_end_of_a_pause_is_told_in_minutes_if_it_takes_any(shown: Shown, seconds: float | None, told: str) -> None:
    error = RateLimited("no more requests", retry_after=seconds)
    Notifier(shown).on_backend_event(BackendEvent(backend=BACKEND, kind=EventKind.FAILED, error=error))
    ((_, sentence),) = shown
    assert sentence.rstrip("0123456789:") == f"no more requests{told}"


def test_a_notice_is_shown_once(shown: Shown) -> None:
    notifier = Notifier(shown)
    for _ in range(2):
        notifier.on_backend_event(BackendEvent(backend=BACKEND, kind=EventKind.NOTICE, notice="set fim_template"))
    assert shown == [(Level.WARNING, "set fim_template")]


def test_a_setting_that_was_fixed_and_is_wrong_again_is_reported_again(shown: Shown) -> None:
    notifier = Notifier(shown)
    problem = SettingProblem(message="top_p must be a number")
    for problems in ([problem], [problem, problem], [], [problem]):
        notifier.setting_problems(problems)
    assert shown == [(Level.WARNING, "top_p must be a number")] * 2
