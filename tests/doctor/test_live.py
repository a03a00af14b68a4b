"""What a running session knows besides: its status, its pauses, its index."""

from __future__ import annotations

from pathlib import Path

import pytest

from fim_lsp.doctor.check import State
from fim_lsp.doctor.live import now_check, subject_of_session
from fim_lsp.session.session import Session
from fim_lsp.session.status_tracker import Status, StatusState


@pytest.mark.parametrize(
    ("status", "state", "remedy"),
    [
        (Status(state=StatusState.IDLE), State.OK, ""),
        (Status(state=StatusState.DISABLED, reason="suggestions are turned off in this editor"), State.INFO, "toggle"),
        (Status(state=StatusState.SNOOZED, reason="until 14:05"), State.INFO, "snooze with 0"),
        (Status(state=StatusState.LIMITED, reason="no more requests"), State.WARNING, "say why"),
        (Status(state=StatusState.OFFLINE, reason="no route"), State.WARNING, "say why"),
    ],
)
def test_the_status_now(status: Status, state: State, remedy: str) -> None:
    check = now_check(status)
    assert check.state is state
    assert status.reason in check.message
    assert remedy in check.remedy


async def test_the_subject_is_the_sessions_own(tmp_path: Path) -> None:
    environment = {"FIM_LSP_CONFIG": "/dev/null", "FIM_LSP_BACKEND": "ngram"}
    session = Session(lambda _level, _sentence: None, environment)
    session.start(roots=[tmp_path])
    try:
        subject = await subject_of_session(session, complete=False)
        used = await subject.in_use()
        assert subject.settings is session.settings
        assert subject.roots == (tmp_path,)
        assert [backend.name for backend in used.backends] == ["ngram"]
        assert used.reason == "the setting backend"
        assert {check.name for check in subject.live} == {"now", "index"}
        assert not subject.complete
    finally:
        await session.close()
