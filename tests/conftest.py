"""For all tests: nothing of the developer's own settings or counts, virtual time where wanted, no silent skips in CI."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Generator, Iterator

import hypothesis
import pytest

from tests.virtual import VirtualLoop

# A deadline is a timed assertion: on a busy machine it fails by itself. Other examples come with each run.
hypothesis.settings.register_profile("fewer examples", deadline=None, max_examples=50)
hypothesis.settings.load_profile("fewer examples")
pytest.register_assert_rewrite("tests.suggest.cases")  # which makes tests: their failures show both sides


@pytest.fixture(autouse=True)
def _no_personal_settings(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "cache"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path_factory.getbasetemp() / "state"))
    for name in list(os.environ):
        if name.startswith("FIM_LSP_") or name in {"CODESTRAL_API_KEY", "MISTRAL_API_KEY", "LANGDOCK_API_KEY"}:
            monkeypatch.delenv(name)
    # sessions inside the tests' process; others have a home of their own
    monkeypatch.setattr("fim_lsp.backends.key_store.config_folder", lambda: None)


@pytest.fixture(autouse=True)
def _log_as_before() -> Iterator[None]:
    """A command run in the test process changes the log's level and handlers: restore them."""
    logger = logging.getLogger("fim_lsp")
    propagate, level, handlers = logger.propagate, logger.level, list(logger.handlers)
    yield
    for handler in set(logger.handlers) - set(handlers):
        handler.close()
    logger.propagate, logger.handlers[:] = propagate, handlers
    logger.setLevel(level)  # assigning .level would not clear the cache of child loggers


@pytest.fixture
def virtual_time() -> None:
    """Runs an ``async`` test in virtual time: asked for by the test, or by ``pytest.mark.usefixtures`` for a whole file."""


def pytest_asyncio_loop_factories(item: pytest.Item) -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Choose the event loop of an ``async`` test."""
    virtual = "virtual_time" in getattr(item, "fixturenames", ())
    return {"virtual": VirtualLoop} if virtual else {"real": asyncio.new_event_loop}


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Count a skip as a failure in CI: whatever a test needs must be installed there."""
    report = yield
    if report.skipped and os.environ.get("CI") == "true" and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
    return report
