"""A store for a team: a hash for each identity on a Redis server, changed by one script, on the server's clock."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from fim_lsp.rate_limit.bounded_redis import bounded_parser
from fim_lsp.rate_limit.sliding_window import PAUSE, RESERVATION_SECONDS, Entry, Limits, usage_window
from fim_lsp.rate_limit.store import StoreUnavailable, Verdict
from fim_lsp.secret import Secret

if TYPE_CHECKING:
    from redis.asyncio import Redis

_KEY: Final = "fim-lsp:limits:1:"
MAX_REPLY: Final = 1 << 20  # bytes; the sums of a minute take a few kilobytes, and its calls 60 bytes each
_NONSENSE: Final = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError)
MAX_COUNT: Final = 10**12  # of tokens or requests in one entry
_CONNECT_TIMEOUT = 3.0  # seconds; connecting happens in the background, so no completion waits for it

# A field is an entry's name, and its value "until tokens requests", with until in milliseconds. Expired entries are removed,
# entries too far in the future (the server's clock was set back) count as made now, and the hash expires with its last
# entry. The reply sums calls by the second in which they expire, so that a busy minute is sent as fast as a quiet one.
_SCRIPT: Final = """
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local hold, most_tokens, most_requests = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local tokens, requests, paused, found, sums = 0, 0, false, {}, {}
if ARGV[5] == 'reserve' then redis.call('HDEL', KEYS[1], ARGV[6]) end
local fields = redis.call('HGETALL', KEYS[1])
for i = 1, #fields, 2 do
  local ends, t, r = string.match(fields[i + 1], '^(%d+) (%d+) (%d+)$')
  local lasts = ends and tonumber(ends) - now or 0
  if lasts <= 0 then
    redis.call('HDEL', KEYS[1], fields[i])
  else
    if lasts > hold then
      lasts = hold
      redis.call('HSET', KEYS[1], fields[i], string.format('%.0f %s %s', now + hold, t, r))
    end
    tokens, requests = tokens + t, requests + r
    paused = paused or fields[i] == ARGV[1]
    local other = string.sub(fields[i], 1, 1) == '~'
    local second = other and fields[i] or math.floor(lasts / 1000)
    local sum = sums[second]
    if not sum then
      sum = {other and fields[i] or '', 0, 0, 0}
      sums[second], found[#found + 1] = sum, sum
    end
    sum[2], sum[3], sum[4] = sum[2] + t, sum[3] + r, math.max(sum[4], lasts)
  end
end
local granted = 1
if ARGV[5] == 'reserve' then
  local fits = (most_tokens == 0 or tokens + ARGV[7] <= most_tokens)
    and (most_requests == 0 or requests + ARGV[8] <= most_requests)
  if paused or not fits then granted = 0 end
end
if granted == 1 then
  for i = 6, #ARGV, 4 do
    if tonumber(ARGV[i + 3]) <= 0 then
      redis.call('HDEL', KEYS[1], ARGV[i])
    else
      redis.call('HSET', KEYS[1], ARGV[i], string.format('%.0f %s %s', now + ARGV[i + 3], ARGV[i + 1], ARGV[i + 2]))
    end
  end
end
redis.call('PEXPIRE', KEYS[1], hold)
return {granted, found}
"""


class RedisStore:
    """``url`` is ``redis://…`` or ``rediss://…`` in the syntax of the redis package; it may contain a password.

    Needs ``pip install fim-lsp[redis]`` and a server of version 5 or later.
    """

    timeout = 0.05

    def __init__(self, url: Secret) -> None:
        self.label = f"the shared count at {_without_credentials(url.reveal())}"
        self._url = url
        self._client: Redis | None = None
        self._script: Any = None

    async def open(self) -> None:
        """Connect, and check that the server can run the script."""
        try:
            from redis.asyncio import Redis
            from redis.asyncio.retry import Retry
            from redis.backoff import NoBackoff
        except ImportError:
            raise StoreUnavailable(
                f"{self.label} needs the redis package: pip install 'fim-lsp[redis]'", permanent=True
            ) from None
        await self.close()
        try:
            self._client = Redis.from_url(
                self._url.reveal(),
                socket_connect_timeout=_CONNECT_TIMEOUT,
                retry=Retry(NoBackoff(), 0),
                max_connections=8,
                protocol=2,
                parser_class=bounded_parser(MAX_REPLY),
            )
            self._script = self._client.register_script(_SCRIPT)
            await self._call("", "look", Limits(), ())
        except (ValueError, TypeError):  # an unknown or invalid option in the address
            raise StoreUnavailable(f"{self.label} is not a Redis address", permanent=True) from None

    async def reserve(self, identity: str, entry: Entry, ceiling: Limits) -> Verdict:
        """Takes one round trip."""
        granted, before = await self._call(identity, "reserve", ceiling, (entry,))
        return Verdict(granted=granted, window=usage_window((*before, entry) if granted else before))

    async def put(self, identity: str, entries: Sequence[Entry]) -> None:
        """Takes one round trip."""
        await self._call(identity, "put", Limits(), entries)

    async def look(self, identity: str) -> tuple[Entry, ...]:
        """Takes two round trips."""
        client: Any = self._client  # its stubs allow for an option that decodes, which is not set
        if client is None:
            raise StoreUnavailable(f"{self.label} is not connected")
        with self._sane_replies():
            seconds, microseconds = await client.time()
            fields = await client.hgetall(_KEY + identity)
            now = seconds * 1000 + microseconds / 1000
            entries = [_stored_entry(name, value, now) for name, value in fields.items()]
        return tuple(entry for entry in entries if entry is not None and entry.expires_in > 0)

    async def close(self) -> None:
        """Close all connections."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def _call(
        self, identity: str, operation: str, ceiling: Limits, entries: Sequence[Entry]
    ) -> tuple[bool, tuple[Entry, ...]]:
        if self._client is None:
            raise StoreUnavailable(f"{self.label} is not connected")
        arguments: list[str | int] = [
            PAUSE,
            round(RESERVATION_SECONDS * 1000),
            ceiling.tokens or 0,
            ceiling.requests or 0,
            operation,
        ]
        for entry in entries:
            arguments += [entry.name, entry.tokens, entry.requests, round(entry.expires_in * 1000)]
        with self._sane_replies():
            granted, found = await self._script(keys=[_KEY + identity], args=arguments)
            return bool(granted), tuple(_entry(*row) for row in found)

    @contextmanager
    def _sane_replies(self) -> Iterator[None]:
        """Turn errors of the server, and whatever a reply of the wrong form leads to, into ``StoreUnavailable``."""
        from redis.exceptions import RedisError

        try:
            yield
        except (RedisError, OSError, *_NONSENSE) as error:
            # Only its type: the library's message might contain the address, or what the server says.
            raise StoreUnavailable(f"{self.label} can't be used ({type(error).__name__})") from None


def _entry(name: bytes, tokens: int, requests: int, milliseconds: float) -> Entry:
    """An entry, with numbers no larger than ours whatever the server says."""
    return Entry(
        name=str(name, "utf-8"),
        tokens=min(int(tokens), MAX_COUNT),
        requests=min(int(requests), MAX_COUNT),
        expires_in=min(milliseconds / 1000, RESERVATION_SECONDS),
    )


def _stored_entry(name: bytes, value: bytes, now: float) -> Entry | None:
    """The entry in a field; None if another program has written it. ``now`` is in milliseconds."""
    parts = value.split()
    if len(parts) != 3 or not all(part.isdigit() for part in parts):
        return None
    until, tokens, requests = map(int, parts)
    return _entry(name, tokens, requests, until - now)


def _without_credentials(url: str) -> str:
    """The address without user, password or options."""
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "a Redis server"
    return f"{parts.scheme}://{parts.hostname}{port}" if parts.scheme in {"redis", "rediss"} else "a Redis server"
