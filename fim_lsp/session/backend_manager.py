"""The back ends of one editor: created, replaced and closed as the settings require, and their failures reported."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import itertools
import secrets
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from fim_lsp.backends.backend import Backend
from fim_lsp.backends.codestral import API_HOSTS
from fim_lsp.backends.discovery import LocalServer, find_local_servers
from fim_lsp.backends.factory import BackendSet, create_backends, first_name, uses_local_servers
from fim_lsp.backends.http_backend import HttpBackend
from fim_lsp.backends.key_store import KeyStore
from fim_lsp.errors import BackendError, UnknownModel
from fim_lsp.http.urls import is_local
from fim_lsp.prompt.sticky_window import StickyWindows
from fim_lsp.rate_limit.limiter import LimiterRegistry, choose_store
from fim_lsp.rate_limit.sliding_window import Limits
from fim_lsp.rate_limit.token_estimate import Estimator
from fim_lsp.schedule.backend_client import BackendClient
from fim_lsp.schedule.circuit_breaker import CircuitBreaker, State
from fim_lsp.schedule.events import BackendEvent, Publish
from fim_lsp.schedule.prompt_builder import ContextSource
from fim_lsp.schedule.prompt_sender import MaySend, PromptSender
from fim_lsp.secret import Secret
from fim_lsp.session.notifier import Notifier
from fim_lsp.session.words import time_of_day
from fim_lsp.settings.schema import DEFAULT_QUOTAS, Settings
from fim_lsp.settings.sources import state_folder

if TYPE_CHECKING:
    from fim_lsp.session.inspection import BackendsInUse

NO_HOME_FOLDER = "there is no home folder (HOME is not set), so the quota is counted for this editor alone."
LIST_TIMEOUT = 4.0
"""Seconds for a server's list of its models."""

SEARCH_INTERVAL = 30.0  # seconds between two searches for servers on this machine


class BackendManager:
    """Provides the scheduler with a client for each back end that the settings name.

    A change of settings keeps whatever it does not affect: connections and keys, circuit breakers, the prompts' sticky
    windows, learnt token counts, and limiters.
    """

    def __init__(
        self,
        environment: Mapping[str, str],
        ngram: Backend,
        context: ContextSource,
        notifier: Notifier,
        on_change: Callable[[], None],
        publish: Publish,
        store: KeyStore | None = None,
    ) -> None:
        """``ngram`` is the embedded back end, and ``context`` supplies prompts with snippets of other files.

        ``on_change`` is called when a server on this machine was found or has gone; ``publish`` is told of each call.
        ``store`` has the user's stored keys.
        """
        self._environment = environment
        self._ngram = ngram
        self._context = context
        self._notifier = notifier
        self._on_change = on_change
        self._publish = publish
        self._key_store = store
        self._stored_keys = store.entries() if store else {}
        self._placeholder_key = secrets.token_bytes(16)
        self._current: BackendSet | None = None
        self._breakers: dict[int, CircuitBreaker] = {}  # by the back end's id()
        self._windows: dict[tuple[str, str], StickyWindows] = {}  # by back end and host
        self._estimator = Estimator()
        self._limiters: LimiterRegistry | None = None
        self._store: Secret | None = None
        self._chosen_model: tuple[object, str] | None = None  # the server it is for, and its id
        self._local_servers: dict[str, LocalServer] = {}
        self._searched_at = float("-inf")
        self._search: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()  # cancelled by close()
        self._closing: set[asyncio.Task[None]] = set()  # awaited by close()

    # -- settings

    def apply_settings(
        self, settings: Settings, may_send: MaySend = lambda _uri, _local: True
    ) -> tuple[BackendClient, ...]:
        """The clients for these settings, in the order in which they are tried.

        ``may_send`` decides about a document right before its text is sent. Every circuit breaker tries its back end
        again: the change may have fixed what was wrong.
        """
        self.search_local_servers(settings)
        for breaker in self._breakers.values():
            breaker.probe_now()
        backends = self._create_backends(settings).backends
        counts = any(backend.host and not quota_of(backend, settings).unlimited for backend in backends)
        limiters = self._limiters_in(settings.limits_store, counts=counts)
        return tuple(
            BackendClient(
                sender=PromptSender(
                    backend=backend,
                    limiter=limiters.get(backend.host, backend.model, quota_of(backend, settings))
                    if backend.host
                    else None,
                    estimator=self._estimator,
                    redaction_key=self._placeholder_key,
                    may_send=may_send,
                    publish=self._publish,
                ),
                breaker=self._breakers[id(backend)],
                context_source=self._context,
                windows=self._windows.setdefault((backend.name, backend.host), StickyWindows()),
            )
            for backend in backends
        )

    def keys_changed(self) -> bool:
        """Whether keys have been stored or removed since the last call. Takes microseconds if not.

        What was reported about the old keys may be reported again about the new ones.
        """
        stored = self._key_store.entries() if self._key_store else self._stored_keys
        if stored is self._stored_keys:
            return False
        self._stored_keys = stored
        for _, backend in self._current.owned if self._current else ():
            self._notifier.forget_failures(backend)
        return True

    def _create_backends(self, settings: Settings) -> BackendSet:
        """The back ends for these settings: the present ones, unless what they are made from has changed."""
        if model := self.chosen_model(settings):
            settings = replace(settings, model=model)
        old = self._current
        if old is not None and old.matches(settings, self._local_servers, self._key_store):
            return old
        new = create_backends(settings, self._environment, self._ngram, self._local_servers, old, store=self._key_store)
        self._current = new
        self._breakers = {
            id(backend): self._breakers.get(id(backend)) or CircuitBreaker(time.monotonic) for backend in new.backends
        }
        added = [backend for _, backend in new.owned if old is None or backend not in old.backends]
        for backend in added:
            self._notifier.forget_failures(backend)
        self._report_problems()
        self._start(self._warm_up(new, added))
        if old is not None:
            self._start(old.close(new), self._closing)
        return new

    # -- the model of this session

    @property
    def first(self) -> Backend | None:
        """The back end that is tried first."""
        return next(iter(self._current.backends), None) if self._current else None

    def choose_model(self, settings: Settings, model: str | None) -> None:
        """Have the next :meth:`apply_settings` ask the first back end for this model; None: for the one in the settings.

        The choice ends when the settings call for another server.
        """
        is_choice = model is not None and model != settings.model
        self._chosen_model = (self._server_in(settings), model) if is_choice and model else None

    def chosen_model(self, settings: Settings) -> str:
        """The model that is asked for instead of the one in the settings, ``""`` if there is none."""
        if self._chosen_model is None or self._chosen_model[0] != self._server_in(settings):
            return ""
        return self._chosen_model[1]

    def _server_in(self, settings: Settings) -> object:
        """What identifies the server that these settings ask first."""
        name = first_name(settings, self._environment, self._local_servers, self._key_store)
        return name, settings.base_url, settings.region

    async def models(self) -> tuple[str, ...]:
        """The models that the first back end's server offers and that can fill in; none if it does not say."""
        if not isinstance(self.first, HttpBackend):
            return ()
        with contextlib.suppress(BackendError):
            return await self.first.models(LIST_TIMEOUT)
        return ()

    # -- after a failure

    def restart(self) -> None:
        """Have :meth:`apply_settings` recreate every back end after a failure: with new connections, keys that are read
        again, closed circuit breakers, and failures that are reported again.

        What has been counted remains: a restart does not get around a quota.
        """
        old, breakers = self._current, tuple(self._breakers.values())
        self._current, self._breakers, self._searched_at = None, {}, float("-inf")
        self._notifier.forget_all_failures()
        if old is not None:
            self._start(_close(old, breakers), self._closing)

    def describe_restart(self) -> str:
        """A sentence on what :meth:`restart` has led to."""
        names = [backend.name for backend in self._current.backends if backend.host] if self._current else []
        if not names:
            return "There is nothing to restart: suggestions are made inside fim-lsp (ngram)."
        return f"The next suggestion comes over a new connection to {names[0]}, with its key read again."

    def _limiters_in(self, store: Secret, *, counts: bool) -> LimiterRegistry:
        """The limiters that count in this store; ``counts`` is false if no back end has a quota."""
        folder = state_folder()
        if folder is None and store == Secret("machine"):
            store = Secret("process")
            if counts:
                self._notifier.warn_once(NO_HOME_FOLDER)
        if self._limiters is None or store != self._store:
            if self._limiters is not None:
                self._start(self._limiters.close(), self._closing)
            self._store = store
            self._limiters = LimiterRegistry(choose_store(store, folder or Path()), report=self._notifier.warn)
        return self._limiters

    async def close(self) -> None:
        """Abort calls, close connections, and write what has been counted."""
        for breaker in self._breakers.values():
            await breaker.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*self._closing)
        if self._current is not None:
            await self._current.close()
        if self._limiters is not None:
            await self._limiters.close()

    # -- servers on this machine

    def search_local_servers(self, settings: Settings) -> None:
        """Look for servers on this machine, if the settings depend on them and the last search was a while ago."""
        searching = self._search is not None and not self._search.done()
        due = time.monotonic() - self._searched_at > SEARCH_INTERVAL
        if due and not searching and uses_local_servers(settings, self._environment, self._key_store):
            self._searched_at = time.monotonic()
            self._search = self._start(self._find_local_servers())

    async def wait_for_search(self) -> None:
        """Wait for the search for servers on this machine, if there is one in progress."""
        if self._search is not None:
            await self._search

    async def _find_local_servers(self) -> None:
        found: dict[str, LocalServer] = {}
        for server in await find_local_servers(known=tuple(self._local_servers.values())):
            found.setdefault(server.name, server)
        self._search = None
        if found != self._local_servers:
            self._local_servers = found
            self._on_change()
        self._report_problems()

    # -- what the user should know

    def in_use(self, settings: Settings) -> BackendsInUse:
        """The back ends, and what they were made from."""
        from fim_lsp.session.inspection import BackendsInUse  # not for the start

        backends = self._current.backends if self._current else ()
        limiters = self._limiters or LimiterRegistry(None, report=self._notifier.warn)
        return BackendsInUse(
            backends=backends,
            problems=self._current.problems if self._current else (),
            paused=tuple(
                (backend.name, sentence)
                for backend in backends
                for sentence in _pauses(backend, self._breakers[id(backend)], limiters, quota_of(backend, settings))
            ),
            chosen_model=self.chosen_model(settings),
            environment=self._environment,
            local_servers=dict(self._local_servers),
            key_store=self._key_store,
            limiters=limiters,
        )

    def on_event(self, event: BackendEvent) -> None:
        """Report an event. If the model is unknown, the back end is first asked which models it has."""
        error, backend = event.error, event.backend
        if isinstance(error, UnknownModel) and isinstance(backend, HttpBackend) and not _is_local_server(backend):
            self._start(self._report_unknown_model(backend, error))
        else:
            self._notifier.on_backend_event(event, self._fallback_of(backend))

    async def _report_unknown_model(self, backend: HttpBackend, error: BackendError) -> None:
        if self._notifier.has_reported(backend, error):
            return
        try:
            await backend.capabilities()
        except UnknownModel as listing:  # its message names the models that there are
            error = listing
        except BackendError:
            pass
        self._notifier.report_failure(backend, error, self._fallback_of(backend))

    def _fallback_of(self, backend: Backend) -> str:
        """The name of the back end that is asked when this one fails, ``""`` if there is none."""
        backends = self._current.backends if self._current else ()
        return next((following.name for one, following in itertools.pairwise(backends) if one is backend), "")

    def _report_problems(self) -> None:
        """Report back ends that can't be created, once the search for servers on this machine has ended."""
        if self._search is None or self._search.done():
            for sentence in self._current.problems if self._current else ():
                self._notifier.warn_once(sentence)

    async def _warm_up(self, backends: BackendSet, added: Sequence[HttpBackend]) -> None:
        """Do in advance what makes a first call slow, and ask new servers on this machine about their model.

        No other host is contacted before there is something to complete.
        """
        if added:
            await asyncio.to_thread(importlib.import_module, "fim_lsp.prompt.redact")
        await backends.warm_up()
        for backend in added:
            if _is_local_server(backend):
                await self._check_capabilities(backend)

    async def _check_capabilities(self, backend: HttpBackend) -> None:
        with contextlib.suppress(BackendError):  # the first call reports it
            try:
                capabilities = await backend.capabilities()
            except UnknownModel as error:
                self._notifier.report_failure(backend, error, self._fallback_of(backend))
            else:
                if capabilities.change is not None and capabilities.change.notice:
                    self._notifier.warn_once(capabilities.change.notice)

    def _start(
        self, work: Coroutine[None, None, None], tasks: set[asyncio.Task[None]] | None = None
    ) -> asyncio.Task[None]:
        tasks = self._tasks if tasks is None else tasks
        task = asyncio.get_running_loop().create_task(work)
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        return task


async def _close(backends: BackendSet, breakers: Sequence[CircuitBreaker]) -> None:
    for breaker in breakers:
        await breaker.close()
    await backends.close()


def _pauses(backend: Backend, breaker: CircuitBreaker, limiters: LimiterRegistry, limits: Limits) -> Iterator[str]:
    """Why a back end is not asked at the moment."""
    if breaker.state is not State.CLOSED:
        yield f"{backend.name} is paused: {breaker.reason}"
    if not backend.host:
        return
    now, paused = time.time(), limiters.get(backend.host, backend.model, limits).counter.window().paused
    if paused > 0:
        yield f"{backend.name} refused a call with 429: none is made until {time_of_day(now + paused, now)}"


def _is_local_server(backend: HttpBackend) -> bool:
    """Whether a back end is a server on this machine, which is asked at the start, and not a hosted API via a local proxy."""
    return is_local(backend.host) and backend.name not in API_HOSTS


def quota_of(backend: Backend, settings: Settings) -> Limits:
    """The quota of a back end: the user's numbers, or the known ones of its host."""
    default = DEFAULT_QUOTAS.get(backend.name)
    requests, tokens = settings.requests_per_minute, settings.tokens_per_minute
    if default is not None:
        requests = default.requests_per_minute if requests is None else requests
        tokens = default.tokens_per_minute if tokens is None else tokens
    return Limits.per_minute(requests=requests, tokens=tokens)
