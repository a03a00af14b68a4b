"""Rate-limit headers, in every known spelling."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """The limits per minute, what is left of them, and the seconds to wait; None if it is not in the headers."""

    requests_limit: int | None = None
    requests_left: int | None = None
    tokens_limit: int | None = None
    tokens_left: int | None = None
    retry_after: float | None = None


MAX_WAIT: Final = 31 * 86_400.0
"""Seconds. No quota is counted over more than a month."""

_MIN_TIMESTAMP: Final = 1e9  # seconds: the year 2001 as a time, 31 years as a span
_NUMBER: Final = re.compile(r"[0-9]+(?:\.[0-9]*)?|\.[0-9]+")

# None of them is documented: Mistral's of 2026, Mistral's of 2024 and 2025, and OpenAI's, which gateways use. Lower case.
_LIMITS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "requests_limit": ("x-ratelimit-limit-req-minute", "x-ratelimit-limit-requests"),
        "requests_left": ("x-ratelimit-remaining-req-minute", "x-ratelimit-remaining-requests"),
        "tokens_limit": (
            "x-ratelimit-limit-tokens-minute",
            "x-ratelimitbysize-limit-minute",
            "ratelimitbysize-limit",
            "x-ratelimit-limit-tokens",
        ),
        "tokens_left": (
            "x-ratelimit-remaining-tokens-minute",
            "x-ratelimitbysize-remaining-minute",
            "ratelimitbysize-remaining",
            "x-ratelimit-remaining-tokens",
        ),
    }
)


def read_quota(headers: Mapping[str, str], *, now: float) -> Quota | None:
    """The limits in a response's headers, None if there are none. ``now`` is in seconds since the epoch.

    A date to wait for is one of the server's clock, which the header ``Date`` tells: this machine's may be hours off.
    """
    lower = {name.lower(): value for name, value in headers.items()}
    if not _NUMBER.fullmatch(lower.get("retry-after", "0").strip()):
        now = _server_time(lower.get("date", ""), now)
    found = {field: _first_count(lower, names) for field, names in _LIMITS.items()}
    wait = retry_after(lower.get("retry-after", ""), now=now)
    if wait is None:
        wait = retry_after(lower.get("ratelimitbysize-reset", ""), now=now)
    if wait is None and all(value is None for value in found.values()):
        return None
    return Quota(**found, retry_after=wait)


def retry_after(value: str, *, now: float) -> float | None:
    """Seconds to wait, from 0 to :data:`MAX_WAIT`, by a Retry-After header: a number, or an HTTP date (RFC 9110, 10.2.3).

    None for anything else: no number, a negative one, or one so large that it must be a time (seconds or milliseconds
    since 1970) instead of a span.
    """
    value = value.strip()[:40]
    try:
        seconds = float(value) if _NUMBER.fullmatch(value) else _seconds_until(value, now)
    except (ValueError, TypeError, OverflowError):
        return None
    return min(max(0.0, seconds), MAX_WAIT) if seconds < _MIN_TIMESTAMP else None


def _server_time(date: str, now: float) -> float:
    """The time of a header ``Date``; ``now`` without a usable one."""
    try:
        return _timestamp(date[:40])
    except (ValueError, TypeError, OverflowError):
        return now


def _seconds_until(value: str, now: float) -> float:
    """Seconds until an HTTP date; 0 if it has passed."""
    return min(max(0.0, _timestamp(value) - now), MAX_WAIT)


def _timestamp(value: str) -> float:
    """An HTTP date in seconds since the epoch. Raises what :mod:`email.utils` raises for anything else."""
    from datetime import UTC  # these take longer to import than all other files of this folder, and dates are rare
    from email.utils import parsedate_to_datetime

    date = parsedate_to_datetime(value)
    return date.replace(tzinfo=date.tzinfo or UTC).timestamp()


def _first_count(headers: Mapping[str, str], names: tuple[str, ...]) -> int | None:
    values = (headers[name].strip() for name in names if name in headers)
    return next((int(value) for value in values if value.isascii() and value.isdigit() and len(value) < 16), None)
