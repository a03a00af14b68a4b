"""What the scheduler learns from how often suggestions are taken, by language: how long to wait before a call.

Nothing here refuses a call. Where suggestions are almost never taken, they come on new lines and after a pause, so the
user who begins to take them again soon has them everywhere.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from fim_lsp.schedule.events import Acceptance, SuggestionAccepted, SuggestionShown
from fim_lsp.text.cursor import Split

_WINDOW = 100.0  # suggestions: older ones fade
_USUAL_RATE, _USUAL_WEIGHT = 0.2, 20.0  # what is assumed at first, and how many suggestions' worth of it
_LOW, _HIGH, _HIGHEST = 0.1, 0.3, 0.6  # shares taken: between the first two nothing changes
_MAX_FACTOR, _MIN_FACTOR = 2.0, 0.8  # at a share of 0, and from the highest on

_RARE, _ENOUGH = 0.03, 60.0  # the share below which suggestions are rarely taken, and how many must have been shown
_PAUSE = 0.6  # seconds without a key, in the middle of a line, before a suggestion that is rarely taken

_REMEMBERED = 32  # suggestions of which a part was taken: the next part does not count again


@dataclass(frozen=True, slots=True, kw_only=True)
class Taking:
    """How many suggestions of a language were ``offered``, and how many of them ``taken`` at least in part."""

    offered: float = 0.0
    taken: float = 0.0

    def plus(self, offered: float, taken: float) -> Taking:
        """The same with more; if there are too many then, all count less."""
        sum_offered = max(0.0, self.offered + offered)
        fading = min(1.0, _WINDOW / sum_offered) if sum_offered else 1.0
        return Taking(offered=sum_offered * fading, taken=min(self.taken + taken, sum_offered) * fading)

    @property
    def debounce_factor(self) -> float:
        """What the debounce is multiplied by: from 0.8 where many are taken to 2, and 1 without enough data."""
        rate = (self.taken + _USUAL_RATE * _USUAL_WEIGHT) / (self.offered + _USUAL_WEIGHT)
        if rate < _LOW:
            return 1.0 + (_MAX_FACTOR - 1.0) * (_LOW - rate) / _LOW
        return 1.0 - (1.0 - _MIN_FACTOR) * min(max(rate - _HIGH, 0.0) / (_HIGHEST - _HIGH), 1.0)

    @property
    def is_rare(self) -> bool:
        """Whether almost none is taken."""
        return self.offered >= _ENOUGH and self.taken < _RARE * self.offered

    def pause(self, split: Split) -> float:
        """Seconds without a key that a call at ``split`` must wait for at least."""
        return _PAUSE if self.is_rare and split.line_prefix.strip() else 0.0


_UNKNOWN = Taking()


class AcceptanceRates:
    """How often suggestions are taken, by language, in one session."""

    def __init__(self, load: Callable[[], None] = lambda: None) -> None:
        """``load`` is called when the first suggestion is shown, and may :meth:`start_with` what earlier sessions counted."""
        self.enabled = True
        self._load: Callable[[], None] | None = load
        self._by_language: dict[str, Taking] = {}
        self._taken: deque[int] = deque(maxlen=_REMEMBERED)

    def of(self, language: str) -> Taking:
        """What is known; nothing if learning is turned off."""
        return self._by_language.get(language, _UNKNOWN) if self.enabled else _UNKNOWN

    def start_with(self, past: Mapping[str, Taking]) -> None:
        """Add what earlier sessions have counted."""
        for language, taking in past.items():
            self._add(language, taking.offered, taking.taken)

    def on_shown(self, event: SuggestionShown) -> None:
        """A suggestion was shown."""
        if self.enabled and self._load is not None:
            load, self._load = self._load, None
            load()
        self._add(event.place.language, 1, 0)

    def on_accepted(self, event: SuggestionAccepted) -> None:
        """A suggestion was taken. One that was typed in full was right, though not taken: it doesn't count at all."""
        if event.how is Acceptance.TYPED:
            self._add(event.language, -1, 0)
        elif event.suggestion not in self._taken:
            self._taken.append(event.suggestion)
            self._add(event.language, 0, 1)

    def forget(self) -> None:
        """Forget everything."""
        self._by_language.clear()

    def describe(self, language: str) -> str:
        """What is known of a language, as a sentence for the user; ``""`` if nothing is."""
        taking = self.of(language)
        if not taking.offered:
            return ""
        taken = f"{taking.taken:.0f} of the last {taking.offered:.0f} suggestions"
        later = f"; in the middle of a line, they come after {_PAUSE:g} s without a key" if taking.is_rare else ""
        factor = f"{taking.debounce_factor:.1f}"
        return f"{language or 'plain text'}: you took {taken}; waits are {factor} times the usual{later}"

    def _add(self, language: str, offered: float, taken: float) -> None:
        if self.enabled:
            self._by_language[language] = self._by_language.get(language, _UNKNOWN).plus(offered, taken)
