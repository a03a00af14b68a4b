"""Rate-limit headers of every generation that has been seen."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fim_lsp.backends.codestral import codestral
from fim_lsp.errors import RateLimited
from fim_lsp.http.rate_limit_headers import MAX_WAIT, Quota, read_quota, retry_after
from fim_lsp.http.request import HttpResponse

SEEN = {
    "2026": (
        {
            "X-RateLimit-Limit-Tokens-Minute": "50000",
            "x-ratelimit-remaining-tokens-minute": "49000",
            "x-ratelimit-limit-req-minute": "125",
            "x-ratelimit-remaining-req-minute": "124",
            "x-ratelimit-tokens-query-cost": "30",
        },
        Quota(tokens_limit=50000, tokens_left=49000, requests_limit=125, requests_left=124),
    ),
    "2025": (
        {"x-ratelimitbysize-limit-minute": "500000", "x-ratelimitbysize-remaining-minute": "499900",
         "x-ratelimitbysize-limit-month": "1", "x-ratelimitbysize-remaining-month": "1"},
        Quota(tokens_limit=500000, tokens_left=499900),
    ),
    "2024": (
        {"ratelimitbysize-limit": "500000", "ratelimitbysize-remaining": "499900", "ratelimitbysize-reset": "45",
         "ratelimitbysize-query-cost": "7"},
        Quota(tokens_limit=500000, tokens_left=499900, retry_after=45),
    ),
    "never allowed": ({"x-ratelimit-limit-req-minute": "0"}, Quota(requests_limit=0)),
    "nonsense": ({"x-ratelimit-limit-req-minute": "-1", "x-ratelimit-remaining-req-minute": "many"}, None),
    "nothing": ({"content-type": "application/json"}, None),
}  # fmt: skip


@pytest.mark.parametrize("generation", SEEN)
def test_quota(generation: str) -> None:
    headers, quota = SEEN[generation]
    assert read_quota(headers, now=0) == quota


WAITS = {
    "0": 0, "7": 7, " 7.5 ": 7.5, "0007": 7, "60": 60, "2678400": MAX_WAIT, "99999999": MAX_WAIT,
    "-1": None, "inf": None, "Infinity": None, "nan": None, "1e999": None, "9" * 400: None, "1e3": None, "+5": None, "": None,
    "1445412510": None,  # a time, in seconds
    "1445412510000": None,  # in milliseconds
    "soon": None, "7 s": None, "\u0667": None, "1,5": None, "0x10": None, "1_000": None,
    "Wed, 21 Oct 2015 07:28:30 GMT": 30,
    "Wed, 21 Oct 1015 07:28:30 GMT": 0,
    "Wed, 21 Oct 2085 07:28:30 GMT": MAX_WAIT,
    "Wed, 32 Oct 2015 07:28:30 GMT": None,
    "Wed, 21 Oct 99999 07:28:30 GMT": None,
}  # fmt: skip


@pytest.mark.parametrize("value", WAITS)
def test_retry_after(value: str) -> None:
    assert retry_after(value, now=1_445_412_480.0) == WAITS[value]


@pytest.mark.parametrize("date", ["Wed, 21 Oct 2015 07:28:00 GMT", "Wed, 21 Oct 2015 07:28:00 -0000"])
@pytest.mark.parametrize("wrong", [-86_400.0, -3600.0, 0.0, 3600.0, 86_400.0])
def test_a_date_to_wait_for_is_one_of_the_server_s_clock(date: str, wrong: float) -> None:
    headers = {"Date": date, "Retry-After": "Wed, 21 Oct 2015 07:28:30 GMT"}
    quota = read_quota(headers, now=1_445_412_480.0 + wrong)
    assert quota is not None
    assert quota.retry_after == 30


@pytest.mark.parametrize("date", ["", "soon", "Wed, 32 Oct 2015 07:28:30 GMT", "Wed, 21 Oct 99999 07:28:30 GMT", "1"])
def test_without_a_date_of_the_server_it_is_this_machine_s(date: str) -> None:
    headers = {"Date": date, "Retry-After": "Wed, 21 Oct 2015 07:28:30 GMT"}
    quota = read_quota(headers, now=1_445_412_480.0)
    assert quota is not None
    assert quota.retry_after == 30


@given(st.one_of(st.text(max_size=50), st.floats().map(str), st.integers().map(str)))
def test_any_wait_is_bounded_and_readable(value: str) -> None:
    for header in ("Retry-After", "ratelimitbysize-reset"):
        quota = read_quota({header: value}, now=1_445_412_480.0)
        error = codestral().error(HttpResponse(status=429, headers={}, body=b"{}"), quota)
        assert isinstance(error, RateLimited)
        assert error.retry_after is None or 0 <= error.retry_after <= MAX_WAIT
        assert all(len(digits) <= 3 for digits in re.findall(r"[0-9]+", str(error)))
        assert not re.search(r"\b(inf|nan)\b", str(error))
