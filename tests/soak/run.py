"""One soak: the back end, the server, the editors, and a sample now and then."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.bench.backend import Backend
from tests.quality.recorded_typing import FIRST_TOKEN, PER_TOKEN, Trace
from tests.soak.editor import Editor
from tests.soak.measuring import Sample, sample
from tests.soak.typing_day import Typed, clock, model, type_for_hours

ROOT = Path(__file__).parents[2]
_LIMIT = 1 << 26  # bytes of one message


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """``seconds`` of typing in real time, or ``edits`` in compressed time; ``clients`` on TCP, or one on stdio."""

    seconds: float = 0.0
    edits: int = 0
    clients: int = 0
    samples: int = 60


async def soak(plan: Plan, folder: Path, recordings: Sequence[Trace]) -> tuple[list[Sample], int]:
    """Type the recordings. Returns the samples, and the number of replies that nobody has asked for."""
    first, each = (FIRST_TOKEN, PER_TOKEN) if plan.seconds else (0.0, 0.0)
    async with Backend(model(recordings), first_token=first, per_token=each) as backend:
        backend.calls = _Forgetful()
        async with _server(plan, folder, backend.url) as (process, token, address):
            editors = [Editor(*await _streams(process, address)) for _ in range(plan.clients or 1)]
            for editor in editors:
                await editor.initialize(folder, **({"token": token} if token else {}))
            samples = await _type_and_measure(plan, folder, recordings, process, editors, address)
            for editor in editors:
                await editor.leave()
    return samples, sum(editor.unexpected for editor in editors)


async def _type_and_measure(
    plan: Plan,
    folder: Path,
    recordings: Sequence[Trace],
    process: asyncio.subprocess.Process,
    editors: list[Editor],
    address: tuple[str, int] | None,
) -> list[Sample]:
    typed, elapsed = Typed(), clock()
    samples: list[Sample] = []

    def goes_on() -> bool:
        return elapsed() < plan.seconds if plan.seconds else typed.edits < plan.edits

    async def measure() -> None:
        share = elapsed() / plan.seconds if plan.seconds else typed.edits / plan.edits
        if share * plan.samples < len(samples) + 1:
            return
        answers, pings = typed.drain()
        at = elapsed()
        samples.append(
            await sample(process.pid, folder / "told", at=at, edits=typed.edits, answers=answers, pings=pings)
        )

    async def nothing() -> None:
        pass

    disturbing = asyncio.create_task(_disturb(address)) if address else None
    await asyncio.gather(
        *(
            type_for_hours(
                editor,
                folder / str(number),
                recordings,
                typed,
                pace=1.0 if plan.seconds else 0.0,
                goes_on=goes_on,
                after_edit=nothing if number else measure,
            )
            for number, editor in enumerate(editors)
        )
    )
    if disturbing:
        disturbing.cancel()
        await asyncio.gather(disturbing, return_exceptions=True)
    return samples


async def _disturb(address: tuple[str, int]) -> None:
    """Clients that are cut off in the middle of a message, that are not LSP, and that say nothing."""
    for number in range(1 << 30):
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection(*address)
            if number % 3:
                writer.write(b"GET / HTTP/1.1\r\n" if number % 3 == 1 else b"Content-Length: 5000\r\n\r\n{")
                await writer.drain()
            await asyncio.sleep(0.5)
            writer.transport.abort()


@contextlib.asynccontextmanager
async def _server(
    plan: Plan, folder: Path, url: str
) -> AsyncIterator[tuple[asyncio.subprocess.Process, str, tuple[str, int] | None]]:
    """The process; for TCP also the token and the address."""
    arguments = ["--tcp", "127.0.0.1:0"] if plan.clients else []
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.soak.watched", str(folder / "told"), *arguments),
        env=_environment(folder, url, compressed=not plan.seconds),
        cwd=folder,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE if plan.clients else None,
        limit=_LIMIT,
    )
    draining = None
    try:
        token, address = "", None
        if plan.clients:
            assert process.stderr
            host, _, port = (await process.stderr.readline()).decode().split()[-1].rpartition(":")
            said = re.search(r"the token is (\S+)", (await process.stderr.readline()).decode())
            assert said
            token, address = said[1], (host, int(port))
            draining = asyncio.create_task(process.stderr.read())
        yield process, token, address
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()
        if draining:
            await draining


def _environment(folder: Path, url: str, *, compressed: bool) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name in {"PATH", "LANG", "LC_ALL"}}
    homes = {f"XDG_{kind}_HOME": str(folder / kind.lower()) for kind in ("CONFIG", "STATE", "CACHE", "DATA")}
    settings = {"BACKEND": "codestral", "BASE_URL": url, "API_KEY": "made-up", "LIMITS_STORE": "process"}
    if compressed:
        settings["DEBOUNCE"] = "0"
    named = {f"FIM_LSP_{name}": value for name, value in settings.items()}
    return {**kept, **homes, **named, "HOME": str(folder), "PYTHONPATH": str(ROOT)}


async def _streams(
    process: asyncio.subprocess.Process, address: tuple[str, int] | None
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    if address:
        return await asyncio.open_connection(*address, limit=_LIMIT)
    assert process.stdin
    assert process.stdout
    return process.stdout, process.stdin


class _Forgetful(list[object]):
    """A list of calls that stays empty: the run is long."""

    def append(self, _call: object) -> None:
        pass
