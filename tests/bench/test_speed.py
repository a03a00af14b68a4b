"""The benchmarks can be run; their times are for a person to read, and are not asserted."""

from __future__ import annotations

from pathlib import Path

import pytest

from fim_lsp.schedule.events import RequestAnswered
from tests.bench.speed.__main__ import FILES
from tests.bench.speed.server import OURS, start
from tests.bench.speed.steps import STEPS, did_change, editor, events, learnt, ngram_lookup, source


@pytest.mark.parametrize("step", list(STEPS))
def test_a_step_can_be_repeated(step: str) -> None:
    do = STEPS[step](source(100))
    assert do() == do()


def test_source_has_its_length_and_is_always_the_same() -> None:
    assert source(100) == source(100)
    assert source(100).count("\n") == 100


def test_keys_reach_the_document_and_events_their_subscribers() -> None:
    with editor(source(100)) as opened:
        assert opened.connection.server
        session = opened.connection.server.session
        before = session.documents["file:///demo.py"].text.lines[50]
        did_change(opened, 50)()
        assert session.documents["file:///demo.py"].text.lines[50] == before[:4] + "x" + before[4:]
        events(opened)()
        assert session.events.latest(RequestAnswered)


def test_a_model_that_has_learnt_answers() -> None:
    model = learnt(20_000)
    assert len(model) >= 20_000
    assert ngram_lookup(model)()


def test_a_start_goes_up_to_the_first_suggestion(tmp_path: Path) -> None:
    started = start(OURS, tmp_path, {"backend": "ngram"})
    assert 0 < started.initialized < started.shown
    assert started.memory > 10 << 20


def test_there_are_benchmarks_and_pytest_alone_does_not_collect_them() -> None:
    assert len(FILES) == 2
    assert not any(Path(file).name.startswith("test_") for file in FILES)
