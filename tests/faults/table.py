"""All faults, by kind: those of connections, names, certificates, proxies and clocks, and the answers of the host."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Final

from tests.fakes.codestral import FakeCodestral
from tests.fakes.http import Request, head, reset
from tests.faults.answers import (
    ANSWERS,
    EVENT,
    LAST,
    PAGE,
    REDIRECTS,
    RETRY_AFTER,
    SSE,
    STATUSES,
    TOO_MUCH,
    Begin,
    Fault,
    retry_after,
    sends,
    streams,
)
from tests.faults.certificates import EXPIRED, NAME, OTHER_NAME, UNTRUSTED
from tests.faults.machine import AGAIN, HANG, UNKNOWN
from tests.faults.stage import BY_NAME, PROXY, TLS, WITH_CLOCKS, Stage


def by(change: Callable[[Stage], object]) -> Begin:
    """Something else than the host's answers changes."""

    async def begin(stage: Stage) -> None:
        changing = change(stage)
        if isinstance(changing, Awaitable):
            await changing

    return begin


async def _refuse(stage: Stage) -> None:
    await stage.lose(stage.host)


async def _reset_at_once(stage: Stage) -> None:
    async def accept(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        reset(writer)

    stage.host.accept = accept
    stage.host.reset_all()


async def _block(stage: Stage) -> None:
    stage.host.block()
    stage.host.reset_all()


async def _lose_network(stage: Stage) -> None:
    """As when a laptop sleeps or changes its network: what was connected is dead without a word, and nothing is reachable."""
    stage.host.stop_listening()
    stage.host.forget_connections()


CONNECTIONS: Final = {
    "refused": Fault(begin=_refuse),
    "reset when connected": Fault(begin=_reset_at_once),
    "reset when asked": Fault(begin=sends(then="reset")),
    "closed when asked": Fault(begin=sends()),
    "not accepted": Fault(begin=_block),
    "accepted and silent": Fault(begin=sends(then="hang")),
    "half a head, then nothing": Fault(begin=sends(b"HTTP/1.1 200 OK\r\nContent-", then="hang")),
    "head, then nothing": Fault(begin=streams(then="hang")),
    "text, then nothing": Fault(begin=streams(EVENT[:-3], then="hang")),
    "a line, then nothing": Fault(begin=streams(EVENT, then="hang")),
    "text, then reset": Fault(begin=streams(EVENT, then="reset")),
    "a byte a second": Fault(begin=streams(*(EVENT[i : i + 1] for i in range(len(EVENT))), gap=1.0)),
    "a head of a byte a second": Fault(begin=sends(*(b"HTTP/1.1 200 OK\r\n"[i : i + 1] for i in range(17)), gap=1.0)),
    "a network that is lost and comes back": Fault(begin=_lose_network),
    "a network that changes": Fault(begin=by(lambda stage: stage.host.forget_connections())),
}

# -- names and ways


def _named(what: str) -> Fault:
    """The name of the host resolves to something else; those who were connected are not any more."""

    async def begin(stage: Stage) -> None:
        stage.machine.set_names({NAME: what})
        stage.host.reset_all()

    return Fault(begin=begin, way=BY_NAME)


NAMES: Final = {
    "an unknown name": _named(UNKNOWN),
    "a name server that fails": _named(AGAIN),
    "a name server that is silent": _named(HANG),
    "no way to the address": _named("255.255.255.255"),
}

# -- TLS


def _shows(certificate: str) -> Fault:
    return Fault(begin=by(lambda stage: stage.show(certificate)), way=TLS)


def _handshake(*pieces: bytes, hangs: bool = False) -> Fault:
    """The host reads the beginning of a handshake, sends something else than its own, and closes."""

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"".join(pieces))
        await writer.drain()
        while hangs and await reader.read(1024):
            pass

    async def begin(stage: Stage) -> None:
        await stage.lose(stage.host)
        stage.host.accept = accept
        await stage.host.listen()

    return Fault(begin=begin, way=TLS)


CERTIFICATES: Final = {
    "a certificate that is not trusted": _shows(UNTRUSTED),
    "a certificate for another name": _shows(OTHER_NAME),
    "a certificate that has expired": _shows(EXPIRED),
    "a handshake that is cut": _handshake(),
    "a handshake that is silent": _handshake(hangs=True),
    "a handshake of random bytes": _handshake(bytes(range(256))),
    "a handshake that is refused": _handshake(b"\x15\x03\x03\x00\x02\x02\x28"),
    "plain HTTP instead of a handshake": _handshake(b"HTTP/1.1 400 Bad Request\r\n\r\n"),
}

# -- proxies


def _proxy_sends(reply: bytes) -> Fault:
    async def begin(stage: Stage) -> None:
        stage.proxy.reply = reply
        stage.proxy.reset_all()

    return Fault(begin=begin, way=PROXY)


PROXIES: Final = {
    "a proxy that is gone": Fault(begin=by(lambda stage: stage.lose(stage.proxy)), way=PROXY),
    "a proxy that breaks its tunnels": Fault(begin=by(lambda stage: stage.proxy.reset_all()), way=PROXY),
    "a proxy that is silent": _proxy_sends(b""),
    "a proxy that requires a login": _proxy_sends(b"HTTP/1.1 407 Login\r\nContent-Length: 0\r\n\r\n"),
    "a proxy that reaches nobody": _proxy_sends(b"HTTP/1.1 502 Bad Gateway\r\n\r\n" + PAGE),
    "a proxy that answers itself": _proxy_sends(head(200, {}, SSE) + EVENT + LAST),
}

# -- clocks

_HOUR, _DAY = 3600.0, 86_400.0


def _jump(*, wall: float = 0.0, monotonic: float = 0.0) -> Fault:
    return Fault(begin=by(lambda stage: stage.machine.jump(wall=wall, monotonic=monotonic)), way=WITH_CLOCKS)


def _during_calls(*, wall: float = 0.0, monotonic: float = 0.0) -> Fault:
    """The clocks jump each time the host is asked, the wall clock to and fro."""

    async def begin(stage: Stage) -> None:
        async def misbehave(request: Request, writer: asyncio.StreamWriter) -> bool:
            stage.machine.jump(wall=wall * (-1) ** stage.host.hits, monotonic=monotonic)
            return await FakeCodestral.respond(stage.host, request, writer)

        stage.host.misbehave = misbehave

    return Fault(begin=begin, way=WITH_CLOCKS)


def _refused_with_a_date(wall: float) -> Fault:
    """A 429 says until when to wait, and this machine's clock is wrong."""

    async def begin(stage: Stage) -> None:
        stage.machine.jump(wall=wall)
        await retry_after(429, 1.0)(stage)

    return Fault(begin=begin, way=WITH_CLOCKS)


CLOCKS: Final = {
    "the time jumps ahead by a day": _jump(wall=_DAY),
    "the time jumps back by a day": _jump(wall=-_DAY),
    "all clocks jump ahead by an hour": _jump(wall=_HOUR, monotonic=_HOUR),
    "the time jumps to and fro during calls": _during_calls(wall=_HOUR),
    "all clocks jump ahead during calls": _during_calls(wall=_HOUR, monotonic=_HOUR),
    "a clock that is slow, and a 429 with a date": _refused_with_a_date(-_HOUR),
    "a clock that is fast, and a 429 with a date": _refused_with_a_date(_HOUR),
}

KINDS: Final[Mapping[str, Mapping[str, Fault]]] = MappingProxyType(
    {
        "connections": CONNECTIONS,
        "answers": ANSWERS,
        "too much": TOO_MUCH,
        "statuses": STATUSES,
        "Retry-After": RETRY_AFTER,
        "redirects": REDIRECTS,
        "names": NAMES,
        "TLS": CERTIFICATES,
        "proxies": PROXIES,
        "clocks": CLOCKS,
    }
)
