"""The commands that turn suggestions off and on in one session. Each returns the state that results, as a sentence."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable
from dataclasses import replace

from fim_lsp.schedule.events import Publish, SwitchesChanged
from fim_lsp.schedule.request import Outcome
from fim_lsp.schedule.switches import Modes, Switches, Trigger
from fim_lsp.session.words import time_of_day
from fim_lsp.settings.schema import Settings

MAX_SNOOZE = 12 * 60
"""Minutes."""


def modes_for(settings: Settings, project_settings: Callable[[], Settings], *, trusted: bool) -> Modes:
    """The modes for these settings. A client that is not ``trusted`` turns on nothing that any of them turns off."""
    if not trusted:
        return Modes(settings=settings, imposed=settings, imposed_by="this server's settings")
    turns_off = settings.trigger == "manual" or settings.languages
    return Modes(settings=settings, imposed=project_settings() if turns_off else settings)


class SwitchBoard:
    """What the user has turned off or on. It survives a change of settings, and ends with the session."""

    def __init__(self, publish: Publish, on_change: Callable[[], None], clock: Callable[[], float] = time.time) -> None:
        """``on_change`` is called after ``publish``; ``clock`` returns seconds since the epoch."""
        self.switches = Switches()
        self.modes = Modes(settings=Settings(), imposed=Settings())
        self._publish = publish
        self._on_change = on_change
        self._clock = clock
        self._snooze_timer: asyncio.TimerHandle | None = None
        self._is_all_on = True

    def apply_settings(self, modes: Modes) -> None:
        """Use these settings from now on."""
        self.modes = modes
        self._note()

    def silence(self, language: str) -> Outcome | None:
        """Why no suggestion appears by itself in documents of a language; None if it may."""
        if self._is_all_on:  # asked at every key
            return None
        if self.switches.snoozed_until:
            self._end_snooze_when_over()
        return self.modes.silence(self.switches, language, self._clock())

    def is_chosen(self, language: str) -> bool:
        """Whether a command, rather than a setting, has turned off a language or typing as the trigger."""
        silence = self.silence(language)
        if silence is Outcome.MANUAL:
            return self.modes.imposed.trigger != "manual" and self.switches.trigger == "manual"
        return silence is Outcome.LANGUAGE_OFF and self.switches.language(language) is False

    # -- commands

    def toggle(self, on: bool | None = None) -> str:
        """Turn suggestions on or off in the whole editor; None: the opposite of now.

        Turning them on ends a snooze, and lets them appear as the user types.
        """
        if on is None:
            on = self._editor_silence() is not None
        trigger = self._unless_as_set("auto") if on else self.switches.trigger
        self._set(replace(self.switches, on=on, trigger=trigger, snoozed_until=0.0))
        return self.describe()

    @property
    def trigger(self) -> Trigger:
        """Whether suggestions appear as the user types, or only when they are asked for."""
        return self.modes.trigger(self.switches)

    def set_trigger(self, trigger: Trigger | None) -> str:
        """Have suggestions appear as the user types or only when asked for, in this session; None: as the settings say."""
        self._set(replace(self.switches, trigger=self._unless_as_set(trigger)))
        if self._editor_silence() in (None, Outcome.MANUAL):
            return self.describe()
        state = self.describe()
        return f"{self._describe_trigger()[:-1]}, but for now: {state[0].lower()}{state[1:]}"

    def _unless_as_set(self, trigger: Trigger | None) -> Trigger | None:
        """What is kept of a choice: nothing, if it is what the settings say."""
        return None if trigger == self.modes.settings.trigger else trigger

    def toggle_language(self, language: str, on: bool | None = None) -> str:
        """Turn suggestions on or off in documents of a language, by the editor's id; None: the opposite of now."""
        if on is None:
            on = not self.modes.has_language(self.switches, language)
        as_set = on is self.modes.settings.has_language(language)
        self._set(self.switches.with_language(language, None if as_set else on))
        return self._describe_language(language, wanted=on)

    def snooze(self, minutes: float) -> str:
        """No suggestions for ``minutes``, until the end of that minute of the clock; 0 ends a snooze.

        A snooze replaces an off: whoever snoozes wants suggestions back afterwards.
        """
        if not minutes:
            self._set(replace(self.switches, snoozed_until=0.0))
        else:
            until = math.ceil((self._clock() + 60 * minutes) / 60) * 60.0
            self._set(replace(self.switches, on=True, snoozed_until=until))
        return self.describe()

    def close(self) -> None:
        """The session ends."""
        self._cancel_timer()

    # -- sentences

    def describe(self) -> str:
        """The state of the whole editor."""
        match self._editor_silence():
            case Outcome.TURNED_OFF:
                return "Suggestions are off in this editor until you turn them on again."
            case Outcome.SNOOZED:
                return f"Snoozed until {time_of_day(self.switches.snoozed_until, self._clock())}."
        if self.trigger == self.modes.settings.trigger == "auto":
            return "Suggestions are on."
        return self._describe_trigger()

    def _describe_trigger(self) -> str:
        state = "only when you ask for one" if self.trigger == "manual" else "as you type"
        if self.modes.imposed.trigger == "manual":
            return f"Suggestions appear {state}, as {self.modes.imposed_by} say."
        if self.switches.trigger:
            return f"Suggestions appear {state}, until this session ends; then your settings apply again."
        return f'Suggestions appear {state}, as your settings say (trigger = "{self.trigger}").'

    def _describe_language(self, language: str, *, wanted: bool) -> str:
        if wanted and not self.modes.has_language(self.switches, language):
            return f"Suggestions remain off for {language}, as {self.modes.imposed_by} say; you can still ask for one."
        if not wanted and self.switches.language(language) is None:
            return f"Suggestions are off for {language}, as your settings say."
        if not wanted:
            return f"Suggestions are off for {language} until you turn them on again."
        if self._editor_silence() is not None:
            state = self.describe()
            return f"On for {language}, but {state[0].lower()}{state[1:]}"
        if not self.modes.settings.has_language(language):
            return f"Suggestions are on for {language}, until this session ends; then your settings apply again."
        return f"Suggestions are on for {language}."

    def _editor_silence(self) -> Outcome | None:
        """Why no suggestion appears by itself in any document."""
        silence = self.silence("")
        return None if silence is Outcome.LANGUAGE_OFF else silence

    def _note(self) -> None:
        settings = self.modes.settings
        self._is_all_on = self.switches == Switches() and not settings.languages and settings.trigger == "auto"

    # -- the end of a snooze

    def _set(self, switches: Switches) -> None:
        self._cancel_timer()
        changed, self.switches = switches != self.switches, switches
        self._note()
        if switches.snoozed_until:
            delay = switches.snoozed_until - self._clock()
            self._snooze_timer = asyncio.get_running_loop().call_later(delay, self._on_snooze_timer)
        if changed:
            self._publish(SwitchesChanged(at=self._clock(), switches=switches))
            self._on_change()

    def _on_snooze_timer(self) -> None:
        """End the snooze, unless the clock was set back meanwhile."""
        self._snooze_timer = None
        if not self._end_snooze_when_over():
            self._set(self.switches)

    def _end_snooze_when_over(self) -> bool:
        """End the snooze if its time has come; a machine that was suspended has a late timer, but not a late clock."""
        over = self._clock() >= self.switches.snoozed_until
        if over:
            self._set(replace(self.switches, snoozed_until=0.0))
        return over

    def _cancel_timer(self) -> None:
        if self._snooze_timer is not None:
            self._snooze_timer.cancel()
            self._snooze_timer = None
