"""The commands that turn suggestions off and on: what they say, what they override, and when a snooze ends."""

from __future__ import annotations

import asyncio
import time

import pytest

from fim_lsp.schedule.events import Event, SwitchesChanged
from fim_lsp.schedule.request import Outcome
from fim_lsp.schedule.switches import Modes
from fim_lsp.session.switch_board import MAX_SNOOZE, SwitchBoard
from fim_lsp.settings.schema import Settings
from fim_lsp.settings.validators import FrozenMapping
from tests.virtual import now

pytestmark = pytest.mark.usefixtures("virtual_time")

START = time.mktime((2026, 3, 2, 13, 35, 20, 0, 0, -1))  # on the clock, where the loop's time is 0
MANUAL = Settings(trigger="manual")
NO_PROSE = Settings(languages=FrozenMapping({"markdown": False}))


class Board:
    """A switch board, and what it has published."""

    def __init__(self, settings: Settings | None = None, imposed: Settings | None = None) -> None:
        self.events: list[Event] = []
        self.late = 0.0  # seconds by which the clock is ahead of the loop: the machine was suspended
        self.changes = 0
        self.it = SwitchBoard(self.events.append, self._changed, clock=lambda: START + now() + self.late)
        self.it.apply_settings(Modes(settings=settings or Settings(), imposed=imposed or Settings()))

    def _changed(self) -> None:
        self.changes += 1

    def silence(self, language: str = "python") -> Outcome | None:
        return self.it.silence(language)


async def test_the_whole_editor() -> None:
    board = Board()
    assert board.it.toggle() == "Suggestions are off in this editor until you turn them on again."
    assert board.silence() is Outcome.TURNED_OFF
    assert board.it.toggle(on=False) == "Suggestions are off in this editor until you turn them on again."
    assert board.it.toggle() == "Suggestions are on."
    assert board.it.toggle(on=True) == "Suggestions are on."
    assert board.silence() is None
    assert [event.switches.on for event in board.events if isinstance(event, SwitchesChanged)] == [False, True]
    assert board.changes == 2


async def test_manual_in_the_users_settings_is_overridden_for_the_session() -> None:
    board = Board(MANUAL)
    assert board.silence() is Outcome.MANUAL
    assert board.it.describe().startswith("Suggestions appear only when you ask for one, as your settings say")
    assert board.it.toggle().startswith("Suggestions appear as you type, until this session ends")
    assert board.silence() is None
    board.it.toggle()
    assert board.silence() is Outcome.TURNED_OFF


async def test_manual_in_a_projects_settings_is_not() -> None:
    board = Board(MANUAL, MANUAL)
    sentence = "Suggestions appear only when you ask for one, as this project's settings say."
    assert board.it.toggle() == board.it.toggle(on=True) == sentence
    assert board.silence() is Outcome.MANUAL


async def test_a_language() -> None:
    board = Board()
    assert board.it.toggle_language("python") == "Suggestions are off for python until you turn them on again."
    assert (board.silence(), board.silence("markdown")) == (Outcome.LANGUAGE_OFF, None)
    board.it.toggle(on=False)
    expected = "On for python, but suggestions are off in this editor until you turn them on again."
    assert board.it.toggle_language("python") == expected
    board.it.toggle(on=True)
    assert board.it.toggle_language("python", on=True) == "Suggestions are on for python."
    assert board.it.switches.languages == ()


async def test_a_language_that_is_off_in_the_settings() -> None:
    board = Board(NO_PROSE)
    assert board.it.toggle_language("markdown").startswith("Suggestions are on for markdown, until this session ends")
    assert board.silence("markdown") is None
    assert board.it.toggle_language("markdown") == "Suggestions are off for markdown, as your settings say."
    board.it.toggle_language("markdown")
    board.it.apply_settings(Modes(settings=NO_PROSE, imposed=NO_PROSE))
    assert board.silence("markdown") is Outcome.LANGUAGE_OFF
    assert "as this project's settings say" in board.it.toggle_language("markdown")
    assert "as this project's settings say" in board.it.toggle_language("markdown", on=True)
    assert board.silence("markdown") is Outcome.LANGUAGE_OFF


async def test_a_snooze_ends_at_the_time_that_it_names() -> None:
    board = Board()
    assert board.it.snooze(30) == "Snoozed until 14:06."
    assert board.silence() is Outcome.SNOOZED
    await asyncio.sleep(30 * 60)  # 14:05:20
    assert board.silence() is Outcome.SNOOZED
    await asyncio.sleep(40)  # 14:06
    published = [event.switches.snoozed_until for event in board.events if isinstance(event, SwitchesChanged)]
    assert published == [START + 1840, 0]
    assert board.silence() is None


async def test_a_snooze_is_replaced_and_ended() -> None:
    board = Board()
    board.it.snooze(30)
    assert board.it.snooze(1) == "Snoozed until 13:37."
    assert board.it.snooze(0) == "Suggestions are on."
    assert board.it.snooze(0) == "Suggestions are on."
    board.it.snooze(5)
    assert board.it.toggle() == "Suggestions are on."
    assert board.it.snooze(MAX_SNOOZE) == "Snoozed until 01:36 tomorrow."
    board.it.toggle(on=False)
    assert board.it.snooze(5) == "Snoozed until 13:41."  # it replaces the off
    await asyncio.sleep(600)
    assert board.silence() is None


async def test_a_suspended_machine_is_not_snoozed_longer() -> None:
    board = Board()
    board.it.snooze(30)
    board.late = 3600.0
    assert board.silence() is None
    assert board.it.switches.snoozed_until == 0


async def test_a_clock_that_is_set_back_prolongs_a_snooze() -> None:
    board = Board()
    board.it.snooze(30)
    board.late = -600.0
    await asyncio.sleep(1840)
    assert board.silence() is Outcome.SNOOZED
    await asyncio.sleep(600)
    assert board.silence() is None


async def test_closing_leaves_no_timer() -> None:
    board = Board()
    board.it.snooze(30)
    board.it.close()
    await asyncio.sleep(3600)
    assert len(board.events) == 1
