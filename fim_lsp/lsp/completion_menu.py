"""When suggestions appear in the editor's completion menu, and how the editor learns about it."""

from __future__ import annotations

import enum
import string
from typing import Final

# Helix closes its menu at each of these, and requests completions again only after a trigger character.
TRIGGER_CHARACTERS: Final = (*string.punctuation.replace("_", ""), " ", "\t", "\n")


class MenuState(enum.Enum):
    """Whether the editor knows that we have entries for its completion menu."""

    ABSENT = enum.auto()
    ADVERTISED = enum.auto()  # in the handshake, and therefore for good
    REGISTERED = enum.auto()  # until it is unregistered


def is_wanted(setting: str, *, has_inline_completion: bool) -> bool:
    """Whether the editor should have entries, by the setting ``menu``: always, or if it has no inline completion."""
    return setting == "always" or (setting == "auto" and not has_inline_completion)


def next_state(state: MenuState, *, wanted: bool, dynamic: bool) -> MenuState:
    """What the editor should know. It can be told after the handshake only if it supports ``dynamic`` registration."""
    if state is MenuState.ADVERTISED or not dynamic:
        return state
    return MenuState.REGISTERED if wanted else MenuState.ABSENT
