"""Whether suggestions appear without being asked for, as a table."""

from __future__ import annotations

import pytest

from fim_lsp.schedule.request import Outcome
from fim_lsp.schedule.switches import Modes, Switches
from fim_lsp.settings.schema import Settings
from fim_lsp.settings.validators import FrozenMapping

ON = Settings()
MANUAL = Settings(trigger="manual")
NO_PROSE = Settings(languages=FrozenMapping({"markdown": False, "python": True}))
OFF, AUTO, ON_DEMAND = Switches(on=False), Switches(trigger="auto"), Switches(trigger="manual")
SNOOZED = Switches(snoozed_until=100.0)
PROSE, NO_PYTHON = Switches(languages=(("markdown", True),)), Switches(languages=(("python", False),))


@pytest.mark.parametrize(
    ("settings", "imposed", "switches", "language", "expected"),
    [
        (ON, ON, Switches(), "python", None),
        (ON, ON, Switches(), "", None),
        (ON, ON, OFF, "python", Outcome.TURNED_OFF),
        (ON, ON, AUTO, "python", None),
        (ON, ON, SNOOZED, "python", Outcome.SNOOZED),
        (ON, ON, Switches(snoozed_until=50.0), "python", None),
        (ON, ON, NO_PYTHON, "python", Outcome.LANGUAGE_OFF),
        (ON, ON, NO_PYTHON, "markdown", None),
        (MANUAL, ON, Switches(), "python", Outcome.MANUAL),
        (MANUAL, ON, AUTO, "python", None),
        (MANUAL, MANUAL, AUTO, "python", Outcome.MANUAL),
        (ON, ON, ON_DEMAND, "python", Outcome.MANUAL),
        (ON, ON, Switches(on=False, trigger="manual"), "python", Outcome.TURNED_OFF),
        (NO_PROSE, ON, Switches(), "markdown", Outcome.LANGUAGE_OFF),
        (NO_PROSE, ON, Switches(), "python", None),
        (NO_PROSE, ON, Switches(), "rust", None),
        (NO_PROSE, ON, PROSE, "markdown", None),
        (NO_PROSE, NO_PROSE, PROSE, "markdown", Outcome.LANGUAGE_OFF),
        (NO_PROSE, ON, NO_PYTHON, "python", Outcome.LANGUAGE_OFF),
        (NO_PROSE, ON, OFF, "markdown", Outcome.TURNED_OFF),
        (MANUAL, ON, SNOOZED, "python", Outcome.SNOOZED),
    ],
)
def test_why_no_suggestion_appears_by_itself(
    settings: Settings, imposed: Settings, switches: Switches, language: str, expected: Outcome | None
) -> None:
    assert Modes(settings=settings, imposed=imposed).silence(switches, language, now=50.0) is expected


def test_a_language_is_known_by_all_of_its_names() -> None:
    switches = Switches().with_language("Markdown", False)
    assert switches.language("markdown") is False
    assert switches.with_language("markdown", True).languages == (("markdown", True),)
    assert switches.with_language("markdown", None) == Switches()
