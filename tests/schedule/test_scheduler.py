"""All documents of an editor: which are never completed, and what a change of settings does."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fim_lsp.schedule.request import Outcome
from fim_lsp.schedule.scheduler import MAX_DOCUMENT_SIZE, Scheduler
from tests.schedule.script import Script, a_chain, a_client, a_snapshot, shown
from tests.virtual import now

pytestmark = pytest.mark.usefixtures("virtual_time")


def scheduler(backend: Script, *, local_only: bool = False) -> Scheduler:
    chain = a_chain(a_client(backend), local_only=local_only)
    return Scheduler(chain, debounce=0.0, excluded=lambda uri: uri.endswith(".env"), clock=now)


async def test_excluded_and_too_large_documents_reach_no_back_end() -> None:
    backend = Script(lambda _prompt: "secret")
    documents = scheduler(backend)
    excluded = replace(a_snapshot(explicit=True), uri="file:///.env")
    too_large = replace(a_snapshot(explicit=True), size=MAX_DOCUMENT_SIZE + 1)
    assert (await documents.request(excluded)).outcome is Outcome.EXCLUDED
    assert (await documents.request(too_large)).outcome is Outcome.TOO_LARGE
    assert backend.calls == []


@pytest.mark.parametrize(("host", "outcome"), [("far.example", Outcome.LOCAL_ONLY), ("127.0.0.1:8012", Outcome.CALL)])
async def test_local_only_documents_need_a_local_back_end(host: str, outcome: Outcome) -> None:
    documents = scheduler(Script(lambda _prompt: "x", host=host), local_only=True)
    assert (await documents.request(a_snapshot())).outcome is outcome


async def test_documents_do_not_supersede_each_other() -> None:
    documents = scheduler(Script(lambda _prompt: "x"))
    first = documents.request(a_snapshot())
    second = documents.request(replace(a_snapshot(), uri="file:///b.py"))
    assert (shown(await first), shown(await second)) == ("x", "x")


async def test_closing_answers_what_waits() -> None:
    documents = scheduler(Script(lambda _prompt: "x"))
    waiting = documents.request(a_snapshot())
    documents.close()
    assert (await waiting).outcome is Outcome.CLOSED
