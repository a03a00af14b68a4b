"""The back ends that the settings call for, each behind its health and its quota."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path

from fim_lsp.backends.base import Backend
from fim_lsp.backends.choose import Choice, choose
from fim_lsp.config import Settings
from fim_lsp.limits.estimate import Estimator
from fim_lsp.limits.limiters import Limiters, choose_store
from fim_lsp.limits.window import Limits
from fim_lsp.schedule.asker import Around, Asker
from fim_lsp.schedule.health import Health
from fim_lsp.secret import Secret
from fim_lsp.sources import state_folder

QUOTAS = {"langdock": Limits(requests=500, tokens=60_000)}  # a minute, by a workspace and model: docs.langdock.com
HOMELESS = "there is no home folder (HOME is not set), so the quota is counted for this editor alone."


class Crew:
    """One editor's.

    ``ngram`` is the back end in this process, ``around`` gives a prompt its context;
    ``warn`` hears if the quota's ledger can't be used.
    """

    def __init__(
        self, environment: Mapping[str, str], ngram: Backend, around: Around, warn: Callable[[str], None]
    ) -> None:
        self._environment = environment
        self._around = around
        self._key = secrets.token_bytes(16)
        self._ngram = ngram
        self._warn = warn
        self._choice: Choice | None = None
        self._health: dict[int, Health] = {}
        self._estimator = Estimator()
        self._limiters: Limiters | None = None
        self._store: Secret | None = None
        self._homeless = False
        self._background: set[asyncio.Task[None]] = set()

    def follow(self, settings: Settings) -> tuple[Asker, ...]:
        """The askers for these settings, in the order they are tried. What the change leaves alone is kept."""
        old = self._choice
        if old is None or not old.same_as(settings):
            self._choice = choose(settings, self._environment, self._ngram)
            self._health = {id(backend): Health(time.monotonic) for backend in self._choice.backends}
            self._in_background(self._choice.warm())
            if old is not None:
                self._in_background(old.close())
        backends = self._choice.backends if self._choice else ()
        limiters = self._follow_store(settings.limits_store, counted=any(backend.host for backend in backends))
        return tuple(
            Asker(
                backend=backend,
                health=self._health[id(backend)],
                limiter=limiters.of(backend.host, backend.model, limits(backend, settings)) if backend.host else None,
                estimator=self._estimator,
                around=self._around,
                key=self._key,
            )
            for backend in backends
        )

    async def close(self) -> None:
        """End calls, connections and the ledger."""
        await asyncio.gather(*self._background)
        if self._choice is not None:
            await self._choice.close()
        if self._limiters is not None:
            await self._limiters.close()

    def _follow_store(self, where: Secret, *, counted: bool) -> Limiters:
        state = state_folder()
        if state is None and where == Secret("machine"):
            where = Secret("process")
            if counted and not self._homeless:
                self._homeless = True
                self._warn(HOMELESS)
        if self._limiters is None or where != self._store:
            if self._limiters is not None:
                self._in_background(self._limiters.close())
            self._store = where
            self._limiters = Limiters(choose_store(where, state or Path()), say=self._warn)
        return self._limiters

    def _in_background(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)


def limits(backend: Backend, settings: Settings) -> Limits:
    """The quota that calls to a back end count against: the user's numbers, else those its host is known for."""
    known = QUOTAS.get(backend.name, Limits())
    requests, tokens = settings.requests_per_minute, settings.tokens_per_minute
    return Limits.a_minute(
        requests=known.requests if requests is None else requests,
        tokens=known.tokens if tokens is None else tokens,
    )
