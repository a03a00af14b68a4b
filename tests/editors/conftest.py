"""For the tests of editors: a desk, and what was on it when a test failed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Generator
from pathlib import Path

import pytest

from tests.editors.desk import Desk
from tests.editors.programs import program
from tests.fakes.codestral import FakeCodestral


@pytest.fixture
async def codestral() -> AsyncIterator[FakeCodestral]:
    """The back end; a test says what it answers."""
    async with FakeCodestral() as server:
        yield server


@pytest.fixture
async def desk(codestral: FakeCodestral, tmp_path: Path) -> AsyncIterator[Desk]:
    """A desk without an editor; whatever runs on it is ended with the test."""
    program("tmux")
    desk = Desk(tmp_path, codestral)
    yield desk
    desk.terminal.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failed test shows the screen, the logs and the wire."""
    report = yield
    desk = getattr(item, "funcargs", {}).get("desk")
    if report.when == "call" and report.failed and isinstance(desk, Desk):
        report.sections.extend(desk.evidence())
    return report
