"""What is said about the count of a quota."""

from __future__ import annotations

from pathlib import Path

import pytest

from fim_lsp.backends.codestral import codestral
from fim_lsp.backends.credentials import KeySource
from fim_lsp.backends.http_backend import HttpBackend
from fim_lsp.doctor.check import Check, State
from fim_lsp.doctor.quota import check_quota
from fim_lsp.rate_limit.limiter import SQLITE_FILE, identity_of
from fim_lsp.rate_limit.sliding_window import PAUSE, Entry, Limits
from fim_lsp.rate_limit.sqlite_store import SqliteStore
from fim_lsp.secret import Secret
from tests.rate_limit.fakes import until_closed

MACHINE, PROCESS = Secret("machine"), Secret("process")
LIMITS = Limits(requests=500, tokens=60_000)


async def quota(folder: Path | None, location: Secret = MACHINE, limits: Limits = LIMITS) -> list[Check]:
    backend = HttpBackend(codestral("langdock"), keys=KeySource("https://api.langdock.com"))
    try:
        return await check_quota(backend, limits, location, folder)
    finally:
        await backend.close()


async def test_who_shares_it_and_what_was_used(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / SQLITE_FILE)
    await store.open()
    calls = [
        Entry(name="host-1.a", tokens=1000, requests=1, expires_in=50),
        Entry(name="host-2.b", tokens=2000, requests=1, expires_in=50),
        Entry(name="~0", tokens=500, requests=0, expires_in=50),
        Entry(name=PAUSE, tokens=0, requests=0, expires_in=30),
    ]
    await store.put(identity_of("api.langdock.com", "codestral-2501"), calls)
    await store.close()
    await until_closed(tmp_path / SQLITE_FILE)
    used, paused = await quota(tmp_path)
    assert used.state is State.OK
    assert used.message == (
        "500 requests and 60,000 tokens a minute; 2 requests and 3,500 tokens were used in the last minute, by 2 fim-lsp "
        f"processes and, by the host's own count, by others: 500 tokens; counted in {tmp_path}/{SQLITE_FILE}, which is "
        "writable"
    )
    assert paused.state is State.WARNING
    assert "has refused a call with 429, so none is made until" in paused.message
    assert "wait until" in paused.remedy


async def test_without_a_limit(tmp_path: Path) -> None:
    (check,) = await quota(tmp_path, limits=Limits())
    assert check.message.startswith("no limit is set for langdock; one that its headers name would be counted in")


@pytest.mark.parametrize(("limits", "state"), [(LIMITS, State.ERROR), (Limits(), State.WARNING)])
async def test_a_folder_that_cannot_be_written(tmp_path: Path, limits: Limits, state: State) -> None:
    (tmp_path / "file").touch()
    (check,) = await quota(tmp_path / "file" / "state", limits=limits)
    assert check.state is state
    assert "can't be used" in check.message
    assert "XDG_STATE_HOME" in check.remedy


async def test_no_home_folder_and_no_sharing() -> None:
    (check,) = await quota(None)
    assert (check.state, "HOME" in check.remedy) == (State.WARNING, True)
    (check,) = await quota(None, PROCESS)
    assert "by each fim-lsp process for itself" in check.message
