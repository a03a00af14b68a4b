"""The back ends that the settings call for, each behind its health and its quota."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import secrets
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from pathlib import Path

from fim_lsp.backends.backend import Backend
from fim_lsp.backends.codestral import API_HOSTS
from fim_lsp.backends.discovery import LocalServer, find_local_servers
from fim_lsp.backends.factory import BackendSet, create_backends, uses_local_servers
from fim_lsp.backends.http_backend import HttpBackend
from fim_lsp.errors import BackendError, UnknownModel
from fim_lsp.http.urls import is_local
from fim_lsp.prompt.sticky_window import StickyWindows
from fim_lsp.rate_limit.limiters import LimiterRegistry, choose_store
from fim_lsp.rate_limit.sliding_window import Limits
from fim_lsp.rate_limit.token_estimate import Estimator
from fim_lsp.schedule.backend_client import BackendClient, MaySend
from fim_lsp.schedule.circuit_breaker import CircuitBreaker
from fim_lsp.schedule.prompt_builder import ContextSource
from fim_lsp.secret import Secret
from fim_lsp.session.notifier import Notifier
from fim_lsp.settings.schema import DEFAULT_QUOTAS, Settings
from fim_lsp.settings.sources import state_folder

HOMELESS = "there is no home folder (HOME is not set), so the quota is counted for this editor alone."
LOOK_AGAIN = 30.0  # seconds until servers of this machine that have not answered are looked for again


class BackendManager:
    """One editor's.

    ``ngram`` is the back end in this process, ``around`` gives a prompt its context; ``notices`` hears what the user should
    know, and ``changed`` is called when a server of this machine was found or is gone.
    """

    def __init__(
        self,
        environment: Mapping[str, str],
        ngram: Backend,
        around: ContextSource,
        notices: Notifier,
        changed: Callable[[], None],
    ) -> None:
        self._environment = environment
        self._around = around
        self._key = secrets.token_bytes(16)
        self._ngram = ngram
        self._notices = notices
        self._changed = changed
        self._choice: BackendSet | None = None
        self._found: dict[str, LocalServer] = {}
        self._looked = float("-inf")
        self._search: asyncio.Task[None] | None = None
        self._health: dict[int, CircuitBreaker] = {}
        self._windows: dict[tuple[str, str], StickyWindows] = {}  # by back end and host, whatever else changes
        self._estimator = Estimator()
        self._limiters: LimiterRegistry | None = None
        self._store: Secret | None = None
        self._homeless = False
        self._background: set[asyncio.Task[None]] = set()  # brought to their end
        self._asides: set[asyncio.Task[None]] = set()  # given up when it closes

    def follow(self, settings: Settings, may_send: MaySend = lambda _uri, _here: True) -> tuple[BackendClient, ...]:
        """The askers for these settings, in the order they are tried. What the change leaves alone is kept.

        ``may_send`` is asked right before a document's text is sent."""
        self.look(settings)
        for health in self._health.values():
            health.retry()
        old = self._choice
        if old is None or not old.matches(settings, self._found):
            choice = create_backends(settings, self._environment, self._ngram, self._found, old)
            self._choice = choice
            self._health = {
                id(backend): self._health.get(id(backend)) or CircuitBreaker(time.monotonic)
                for backend in choice.backends
            }
            new = [backend for _, backend in choice.owned if old is None or backend not in old.backends]
            for backend in new:
                self._notices.anew(backend)
            self._tell_problems()
            self._run(self._make_ready(choice, new), self._asides)
            if old is not None:
                self._run(old.close(choice), self._background)
        backends = self._choice.backends if self._choice else ()
        counted = any(backend.host and not limits(backend, settings).none for backend in backends)
        limiters = self._follow_store(settings.limits_store, counted=counted)
        return tuple(
            BackendClient(
                backend=backend,
                breaker=self._health[id(backend)],
                limiter=limiters.of(backend.host, backend.model, limits(backend, settings)) if backend.host else None,
                estimator=self._estimator,
                around=self._around,
                windows=self._windows.setdefault((backend.name, backend.host), StickyWindows()),
                key=self._key,
                may_send=may_send,
            )
            for backend in backends
        )

    def look(self, settings: Settings) -> None:
        """Look for servers of this machine, if it matters which there are and the last look is a while ago."""
        searching = self._search is not None and not self._search.done()
        if (
            not searching
            and uses_local_servers(settings, self._environment)
            and time.monotonic() - self._looked > LOOK_AGAIN
        ):
            self._looked = time.monotonic()
            self._search = self._run(self._look(), self._asides)

    async def _look(self) -> None:
        found: dict[str, LocalServer] = {}
        for local in await find_local_servers(known=tuple(self._found.values())):
            found.setdefault(local.name, local)
        self._search = None
        if found != self._found:
            self._found = found
            self._changed()
        self._tell_problems()

    def _tell_problems(self) -> None:
        """What can't be used; while servers of this machine are looked for, that isn't known."""
        if self._search is None or self._search.done():
            for sentence in self._choice.problems if self._choice else ():
                self._notices.once(sentence)

    async def looked(self) -> None:
        """Wait until it is known what answers on this machine, if that is being looked at."""
        if self._search is not None:
            await self._search

    async def close(self) -> None:
        """End calls, connections and the ledger."""
        for health in self._health.values():
            await health.close()
        for task in self._asides:
            task.cancel()
        await asyncio.gather(*self._asides, return_exceptions=True)
        await asyncio.gather(*self._background)
        if self._choice is not None:
            await self._choice.close()
        if self._limiters is not None:
            await self._limiters.close()

    async def _make_ready(self, choice: BackendSet, new: Sequence[HttpBackend]) -> None:
        """Do what is slow about the first call, and ask servers of this machine what they take.

        Others hear nothing of us before there is something to complete. Trouble is told by the first call.
        """
        await choice.warm_up()
        for backend in new:
            if is_local(backend.host) and backend.name not in API_HOSTS:
                await self._ask_about(backend)

    async def _ask_about(self, backend: HttpBackend) -> None:
        with contextlib.suppress(BackendError):
            try:
                found = await backend.capabilities()
            except UnknownModel as error:
                self._notices.trouble(backend, error, self._next_to(backend))
            else:
                if found.change is not None and found.change.notice:
                    self._notices.once(found.change.notice)

    def trouble(self, backend: Backend, error: BackendError) -> None:
        """A back end did not answer. If it has not got the model, its own list may tell what to set instead."""
        if isinstance(error, UnknownModel) and isinstance(backend, HttpBackend) and self._tells_models(backend):
            self._run(self._name_models(backend, error), self._asides)
        else:
            self._notices.trouble(backend, error, self._next_to(backend))

    @staticmethod
    def _tells_models(backend: HttpBackend) -> bool:
        """Whether its list may have names that the error has not: others were asked about theirs at the beginning."""
        return not is_local(backend.host) or backend.name in API_HOSTS

    def _next_to(self, backend: Backend) -> str:
        """The name of the back end that is asked when this one fails."""
        backends = self._choice.backends if self._choice else ()
        following = [other.name for one, other in itertools.pairwise(backends) if one is backend]
        return following[0] if following else ""

    async def _name_models(self, backend: HttpBackend, error: BackendError) -> None:
        if self._notices.knows(backend, error):
            return
        try:
            await backend.capabilities()
        except UnknownModel as better:
            error = better
        except BackendError:
            pass
        self._notices.trouble(backend, error, self._next_to(backend))

    def _follow_store(self, where: Secret, *, counted: bool) -> LimiterRegistry:
        state = state_folder()
        if state is None and where == Secret("machine"):
            where = Secret("process")
            if counted and not self._homeless:
                self._homeless = True
                self._notices.warn(HOMELESS)
        if self._limiters is None or where != self._store:
            if self._limiters is not None:
                self._run(self._limiters.close(), self._background)
            self._store = where
            self._limiters = LimiterRegistry(choose_store(where, state or Path()), say=self._notices.warn)
        return self._limiters

    def _run(self, work: Coroutine[None, None, None], kept: set[asyncio.Task[None]]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        kept.add(task)
        task.add_done_callback(kept.discard)
        return task


def limits(backend: Backend, settings: Settings) -> Limits:
    """The quota of a back end: the user's numbers, or those its host is known for."""
    default = DEFAULT_QUOTAS.get(backend.name)
    requests, tokens = settings.requests_per_minute, settings.tokens_per_minute
    if default is not None:
        requests = default.requests_per_minute if requests is None else requests
        tokens = default.tokens_per_minute if tokens is None else tokens
    return Limits.a_minute(requests=requests, tokens=tokens)
