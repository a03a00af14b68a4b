"""A warning that a key has erased comes back once, at a pause."""

from __future__ import annotations

import asyncio

import pytest

from fim_lsp.lsp.repeated_warning import PAUSE, RepeatedWarning
from fim_lsp.session.notifier import Level
from tests.virtual import now

pytestmark = pytest.mark.usefixtures("virtual_time")


class Typist:
    """Somebody who edits a document in an editor of this name."""

    def __init__(self, editor: str) -> None:
        self.edited_at = float("-inf")
        self.seen: list[tuple[float, str]] = []
        self.warning = RepeatedWarning(lambda text: self.seen.append((now(), text)), lambda: self.edited_at, now)
        self.warning.identify_client(editor)

    async def types(self, *gaps: float) -> None:
        for gap in gaps:
            await asyncio.sleep(gap)
            self.edited_at = now()
            self.warning.on_answered(None)


async def test_a_warning_is_shown_again_once_when_the_typing_pauses() -> None:
    typist = Typist("helix")
    typist.warning.on_message(Level.WARNING, "refuses the key")
    await typist.types(0.5, 1.0, 1.5, 1.0)
    assert typist.seen == []
    await asyncio.sleep(60)
    assert typist.seen == [(4.0 + PAUSE, "refuses the key")]
    await typist.types(1.0)
    await asyncio.sleep(60)
    assert len(typist.seen) == 1


async def test_it_is_not_repeated_while_it_is_still_on_the_screen() -> None:
    typist = Typist("helix")
    await typist.types(1.0)
    await asyncio.sleep(0.1)
    typist.warning.on_message(Level.WARNING, "refuses the key")
    typist.warning.on_answered(None)
    await asyncio.sleep(60)
    assert typist.seen == []


async def test_the_latest_counts_and_good_news_ends_it() -> None:
    typist = Typist("helix")
    typist.warning.on_message(Level.WARNING, "first")
    typist.warning.on_message(Level.WARNING, "second")
    await typist.types(1.0)
    await asyncio.sleep(PAUSE)
    typist.warning.on_message(Level.WARNING, "third")
    await typist.types(1.0)
    typist.warning.on_message(Level.INFO, "answers again")
    await typist.types(1.0)
    await asyncio.sleep(60)
    assert [text for _, text in typist.seen] == ["second"]


async def test_other_editors_keep_a_message_themselves() -> None:
    typist = Typist("Neovim")
    typist.warning.on_message(Level.WARNING, "refuses the key")
    await typist.types(1.0)
    await asyncio.sleep(60)
    assert typist.seen == []
