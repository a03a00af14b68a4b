"""For the tests of editors: a sandbox, and what is in it when a test fails."""

from __future__ import annotations

from collections.abc import AsyncIterator, Generator
from pathlib import Path

import pytest

from tests.editors.programs import program
from tests.editors.sandbox import Sandbox
from tests.fakes.codestral import FakeCodestral


@pytest.fixture
async def codestral() -> AsyncIterator[FakeCodestral]:
    """The back end; a test says what it answers."""
    async with FakeCodestral() as server:
        yield server


@pytest.fixture
async def sandbox(codestral: FakeCodestral, tmp_path: Path) -> AsyncIterator[Sandbox]:
    """A sandbox without an editor; whatever runs in it is ended with the test."""
    program("tmux")
    sandbox = Sandbox(tmp_path, codestral)
    yield sandbox
    sandbox.terminal.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failed test shows the screen, the logs and the wire."""
    report = yield
    sandbox = getattr(item, "funcargs", {}).get("sandbox")
    if report.when == "call" and report.failed and isinstance(sandbox, Sandbox):
        report.sections.extend(sandbox.evidence())
    return report
