"""The pause after a 429, and the share of the limits that is used afterwards."""

from __future__ import annotations

import pytest

from fim_lsp.rate_limit.backoff import RateLimitBackoff
from fim_lsp.rate_limit.sliding_window import MAX_CALL_SECONDS


def backoff(jitter: float = 0.0) -> RateLimitBackoff:
    return RateLimitBackoff(lambda: jitter)


def rate_limited(
    ours: RateLimitBackoff, now: float, retry_after: float | None = None, unexpected: bool = True
) -> float:
    return ours.rate_limited(now, started_at=now, retry_after=retry_after, unexpected=unexpected)


def test_without_a_429_calls_are_free() -> None:
    ours = backoff()
    ours.started("a", 0)
    assert (ours.wait(0), ours.limit_share(0)) == (0, 1)


def test_jitter_adds_up_to_half() -> None:
    assert rate_limited(backoff(jitter=1.0), 0) == 3
    assert rate_limited(backoff(jitter=0.5), 0) == 2.5


@pytest.mark.parametrize(("retry_after", "pause"), [(0, 0), (7, 7), (600, 600), (2_592_000, 600)])
def test_retry_after_decides_up_to_ten_minutes(retry_after: float, pause: float) -> None:
    ours = backoff()
    assert rate_limited(ours, 0, retry_after) == pause
    assert ours.wait(0) == pause


def test_other_calls_wait_for_the_probe() -> None:
    ours = backoff()
    rate_limited(ours, 0, 7)
    ours.started("probe", 7)
    assert ours.wait(8) == 1
    assert ours.wait(7 + MAX_CALL_SECONDS) == 0
    ours.ended("probe", answered=False)
    assert ours.wait(8) == 0


def test_an_answer_ends_the_episode() -> None:
    ours = backoff()
    assert [rate_limited(ours, 0), rate_limited(ours, 10)] == [2, 4]
    ours.ended("probe", answered=True)
    assert rate_limited(ours, 20) == 2


def test_an_explicit_request_is_tried_once_a_minute_in_a_long_pause() -> None:
    ours = backoff()
    rate_limited(ours, 0, 600)
    assert [ours.wait(20, explicit=True), ours.wait(20)] == [40, 580]
    assert [ours.wait(60, explicit=True), ours.wait(60)] == [0, 540]
    ours.started("asked for", 60)
    assert ours.wait(61, explicit=True) == 1
    rate_limited(ours, 62, 600)
    ours.ended("asked for", answered=False)
    assert [ours.wait(70, explicit=True), ours.wait(70)] == [52, 592]
    ours.started("asked for again", 122)
    ours.ended("asked for again", answered=True)
    assert [ours.wait(123, explicit=True), ours.wait(123)] == [0, 0]


def test_the_answer_of_a_call_from_before_the_pause_does_not_end_it() -> None:
    ours = backoff()
    ours.started("earlier", 0)
    rate_limited(ours, 1, 600)
    ours.ended("earlier", answered=True)
    assert ours.wait(2) == 599


def test_the_share_is_cut_once_in_an_episode_and_recovers() -> None:
    ours = backoff()
    rate_limited(ours, 0)
    rate_limited(ours, 10)
    assert ours.limit_share(0) == 0.5
    assert ours.limit_share(300) == pytest.approx(0.75)
    assert ours.limit_share(3600) == 1


def test_an_expected_429_cuts_nothing() -> None:
    ours = backoff()
    rate_limited(ours, 0, unexpected=False)
    assert ours.limit_share(0) == 1
