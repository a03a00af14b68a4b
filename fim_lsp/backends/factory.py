"""Creates back ends from settings: decides which one is used, and which ones are its fallbacks."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Final, TypeAlias

from fim_lsp.backends.backend import Backend
from fim_lsp.backends.codestral import API_HOSTS, codestral
from fim_lsp.backends.credentials import KeySource, environment_key
from fim_lsp.backends.discovery import LocalServer
from fim_lsp.backends.http_backend import HttpBackend
from fim_lsp.backends.key_store import KeyStore
from fim_lsp.backends.profile import Generation, Profile
from fim_lsp.errors import BackendError, SettingError
from fim_lsp.http.urls import host_of, origin_of
from fim_lsp.settings.schema import Settings

LocalServers: TypeAlias = Mapping[str, LocalServer]
"""The servers that were found on this machine, by the value of the setting ``backend``."""

_Inputs: TypeAlias = tuple[object, ...]
"""Everything that one or all back ends were made from."""

_ORDER_SETTINGS: Final = ("backend", "fallback")
_BACKEND_SETTINGS: Final = (
    "base_url", "region", "model", "fim_template", "api_key", "api_key_command", "timeout",
    *(parameter.name for parameter in fields(Generation)),
)  # fmt: skip
"""A change to any other setting keeps the back ends and their connections."""

_FIRST_ONLY_SETTINGS: Final = ("base_url", "model", "api_key", "api_key_command", "fim_template")
"""Settings that don't apply to fallbacks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BackendSet:
    """Back ends in the order in which they are tried.

    ``owned`` are those that were created for these settings and must be closed, each with the values it was made from;
    ``made_from`` are those for all of them. ``problems`` are sentences for the user about back ends that can't be created.
    """

    backends: tuple[Backend, ...]
    owned: tuple[tuple[_Inputs, HttpBackend], ...]
    made_from: _Inputs
    problems: tuple[str, ...] = ()

    def matches(self, settings: Settings, local_servers: LocalServers, store: KeyStore | None = None) -> bool:
        """Whether these settings result in the same back ends."""
        return self.made_from == _inputs(settings, local_servers, store)

    async def warm_up(self) -> None:
        """Import httpx and load certificates, without any network. Errors will occur again in the first call."""
        for _, backend in self.owned:
            with contextlib.suppress(BackendError):
                await backend.warm_up()

    async def close(self, successor: BackendSet | None = None) -> None:
        """Close the back ends that were made for this set, except those that ``successor`` continues to use."""
        kept = [backend for _, backend in successor.owned] if successor else []
        for _, backend in self.owned:
            if backend not in kept:
                await backend.close()


def create_backends(
    settings: Settings,
    environment: Mapping[str, str],
    ngram: Backend,
    local_servers: LocalServers,
    old: BackendSet | None = None,
    *,
    store: KeyStore | None = None,
) -> BackendSet:
    """The back ends for these settings. ``ngram`` is the one in this process, which outlives every set; ``store`` has the
    user's stored keys.

    A back end of ``old`` that would be made from the same values is kept, with its connections and keys.
    """
    backends: list[Backend] = []
    owned: list[tuple[_Inputs, HttpBackend]] = []
    problems: list[str] = []
    reusable = dict(old.owned) if old else {}
    first = first_name(settings, environment, local_servers, store)
    for name in dict.fromkeys((first, *settings.fallback)):
        if name == "ngram":
            backends.append(ngram)
            continue
        if name == "ollama" and name != first and name not in local_servers:
            continue  # not running, or without a model that can fill in
        own = settings if name == first else _for_fallback(settings)
        inputs = (name, local_servers.get(name), *(getattr(own, setting) for setting in _BACKEND_SETTINGS))
        try:
            backend = reusable.get(inputs) or _create(name, own, environment, store, local_servers.get(name))
        except SettingError as error:
            if name == first:  # an unusable fallback is just left out
                problems.append(f"{name} can't be used: {error}")
        else:
            backends.append(backend)
            owned.append((inputs, backend))
    made_from = _inputs(settings, local_servers, store)
    return BackendSet(backends=tuple(backends), owned=tuple(owned), made_from=made_from, problems=tuple(problems))


def uses_local_servers(settings: Settings, environment: Mapping[str, str], store: KeyStore | None = None) -> bool:
    """Whether it matters which servers run on this machine."""
    if not {"llamacpp", "ollama"}.isdisjoint(settings.fallback):
        return True
    if settings.backend == "ollama":
        return not settings.model
    return settings.backend == "auto" and first_name(settings, environment, {}, store) == "ngram"


def first_name(
    settings: Settings,
    environment: Mapping[str, str],
    local_servers: LocalServers,
    store: KeyStore | None = None,
) -> str:
    """The back end that is asked first. ``auto`` decides by the address if one is set, else by the key (of the settings, the
    environment, the store), else by the servers found.
    """
    if settings.backend != "auto":
        return settings.backend
    if settings.base_url:
        by_host = {host_of(host.base_url): name for name, host in API_HOSTS.items()}
        return by_host.get(host_of(settings.base_url), "codestral")
    if settings.api_key or settings.api_key_command:
        return "codestral"
    with_variable = [name for name, host in API_HOSTS.items() if environment_key(host.base_url, environment)]
    return next(iter((*with_variable, *_with_stored_key(store), *local_servers)), "ngram")


def _with_stored_key(store: KeyStore | None) -> tuple[str, ...]:
    """The hosted back ends that have a stored key, in the order in which ``auto`` chooses."""
    stored = store.entries() if store else {}
    return tuple(name for name, host in API_HOSTS.items() if origin_of(host.base_url) in stored)


def _for_fallback(settings: Settings) -> Settings:
    defaults = Settings()
    return replace(settings, **{setting: getattr(defaults, setting) for setting in _FIRST_ONLY_SETTINGS})


def _create(
    name: str,
    settings: Settings,
    environment: Mapping[str, str],
    store: KeyStore | None,
    local_server: LocalServer | None,
) -> HttpBackend:
    profile = profile_of(name, settings, local_server)
    keys = KeySource(
        profile.base_url, api_key=settings.api_key, command=settings.api_key_command, env=environment, store=store
    )
    return HttpBackend(profile, keys=keys, timeout=settings.timeout)


def profile_of(name: str, settings: Settings, local_server: LocalServer | None = None) -> Profile:
    """The profile of a back end other than ``ngram``. Raises :class:`~fim_lsp.errors.SettingError` if it lacks an address.

    Only the module of the back end that is used is imported: each is a noticeable part of the start.
    """
    generation = Generation(
        temperature=settings.temperature,
        top_p=settings.top_p,
        max_tokens=settings.max_tokens,
        min_tokens=settings.min_tokens,
        stop=(settings.stop,) if isinstance(settings.stop, str) else settings.stop,
        random_seed=settings.random_seed,
        stream=settings.stream,
    )
    base_url, model, template = settings.base_url, settings.model, settings.fim_template
    if local_server is not None and not base_url:
        base_url, model = local_server.base_url, model or local_server.model or None
    match name:
        case "llamacpp":
            from fim_lsp.backends.llamacpp import llamacpp

            return llamacpp(base_url=base_url, model=model, generation=generation)
        case "ollama":
            from fim_lsp.backends.ollama import ollama

            return ollama(model, base_url=base_url, generation=generation, fim_template=template)
        case "openai":
            from fim_lsp.backends.openai import openai

            return openai(base_url, model=model, generation=generation, fim_template=template)
    return codestral(name, base_url=base_url, region=settings.region, model=model, generation=generation)


def _inputs(settings: Settings, local_servers: LocalServers, store: KeyStore | None) -> _Inputs:
    values = (getattr(settings, setting) for setting in (*_ORDER_SETTINGS, *_BACKEND_SETTINGS))
    return (*values, _with_stored_key(store), *local_servers.items())
