"""Rate-limit headers of every generation that was seen."""

from __future__ import annotations

import pytest

from fim_lsp.backends.base import Quota
from fim_lsp.backends.quota import read_quota

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
