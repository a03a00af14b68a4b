"""What a person is told about a shared count."""

from __future__ import annotations

from fim_lsp.rate_limit.local_counter import LocalCounter, Reservation
from fim_lsp.rate_limit.sliding_window import PAUSE, Entry, Limits
from fim_lsp.rate_limit.store import SharedUsage, summarize
from tests.rate_limit.fakes import Clock, no_jitter


def test_usage_is_summed_up_with_the_number_of_processes() -> None:
    found = summarize(
        [
            Entry(name="host-1.aa", tokens=100, requests=1, expires_in=60),
            Entry(name="host-1.bb", tokens=200, requests=1, expires_in=30),
            Entry(name="host-2.cc", tokens=300, requests=1, expires_in=10),
            Entry(name="host-2.dd", tokens=999, requests=9, expires_in=0),
            Entry(name="~0", tokens=50, requests=2, expires_in=10),
            Entry(name=PAUSE, tokens=0, requests=0, expires_in=7),
        ]
    )
    assert found == SharedUsage(requests=5, tokens=650, processes=2, foreign_requests=2, foreign_tokens=50, paused=7.0)


def test_nothing_was_used() -> None:
    assert summarize([]) == SharedUsage(
        requests=0, tokens=0, processes=0, foreign_requests=0, foreign_tokens=0, paused=0.0
    )


def test_the_calls_of_one_process_are_counted_as_one_process() -> None:
    counter = LocalCounter(Limits(requests=10), Clock(), no_jitter)
    assert all(isinstance(counter.reserve(10), Reservation) for _ in range(3))
    assert summarize(counter.entries()).processes == 1
