"""From settings to back ends: which one, and who stands in for it."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace

from fim_lsp.backends.backend import Backend
from fim_lsp.backends.codestral import API_HOSTS, codestral
from fim_lsp.backends.credentials import KeySource, environment_key
from fim_lsp.backends.discovery import LocalServer
from fim_lsp.backends.http_backend import HttpBackend
from fim_lsp.backends.llamacpp import llamacpp
from fim_lsp.backends.ollama import ollama
from fim_lsp.backends.openai import openai
from fim_lsp.backends.profile import Generation, Profile
from fim_lsp.errors import BackendError, SettingError
from fim_lsp.http.urls import host_of
from fim_lsp.settings.schema import Settings

# What a back end is made of; a change to another setting leaves it, and its connections, alone.
_PARTS = (
    "backend", "fallback", "base_url", "region", "model", "fim_template", "api_key", "api_key_command", "timeout",
    *(row.name for row in fields(Generation)),
)  # fmt: skip
_OWN = ("base_url", "model", "api_key", "api_key_command", "fim_template")  # say something of the setting backend only

LocalServers = Mapping[str, LocalServer]
"""Servers of this machine that answered, by the setting's word for them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BackendSet:
    """Back ends in the order they are tried. ``owned`` are those to close when the choice is given up, each with what it
    was made from.

    ``problems`` are sentences about back ends that could not be made.
    """

    backends: tuple[Backend, ...]
    owned: tuple[tuple[tuple[object, ...], HttpBackend], ...]
    made_from: tuple[object, ...]
    problems: tuple[str, ...] = ()

    def matches(self, settings: Settings, found: LocalServers) -> bool:
        """Whether these would give the same back ends."""
        return self.made_from == _parts(settings, found)

    async def warm_up(self) -> None:
        """Do what is slow about the first call ahead of it; no network. What fails here fails again there, and is told."""
        for _, backend in self.owned:
            with contextlib.suppress(BackendError):
                await backend.warm_up()

    async def close(self, heir: BackendSet | None = None) -> None:
        """Close what was made for this choice, but what ``heir`` goes on with."""
        kept = [backend for _, backend in heir.owned] if heir else []
        for _, backend in self.owned:
            if backend not in kept:
                await backend.close()


def create_backends(
    settings: Settings,
    environment: Mapping[str, str],
    ngram: Backend,
    found: LocalServers,
    old: BackendSet | None = None,
) -> BackendSet:
    """The back ends for these settings. ``ngram`` is the one in this process, which outlives every choice.

    Those of ``old`` that would be made again are kept, with their connections and keys.
    """
    backends: list[Backend] = []
    owned: list[tuple[tuple[object, ...], HttpBackend]] = []
    problems = []
    names = dict.fromkeys((_name(settings, environment, found), *settings.fallback))
    for number, name in enumerate(names):
        if name == "ngram":
            backends.append(ngram)
            continue
        if number and name == "ollama" and name not in found:  # which may have no model for this, or not be there
            continue
        own = _without_own(settings) if number else settings
        parts = (name, found.get(name), *(getattr(own, part) for part in _PARTS[2:]))
        try:
            kept = next((backend for made_from, backend in (old.owned if old else ()) if made_from == parts), None)
            backend = kept or _remote(name, own, environment, found)
        except SettingError as error:
            if not number:  # one that only stands in is not there, that is all
                problems.append(f"{name} can't be used: {error}")
            continue
        backends.append(backend)
        owned.append((parts, backend))
    return BackendSet(
        backends=tuple(backends), owned=tuple(owned), made_from=_parts(settings, found), problems=tuple(problems)
    )


def uses_local_servers(settings: Settings, environment: Mapping[str, str]) -> bool:
    """Whether it matters which servers answer on this machine."""
    names = (_name(settings, environment, {}), *settings.fallback)
    by_itself = settings.backend == "auto" and names[0] == "ngram"
    ollama_by_itself = settings.backend == "ollama" and not settings.model
    return by_itself or ollama_by_itself or not {"llamacpp", "ollama"}.isdisjoint(settings.fallback)


def _without_own(settings: Settings) -> Settings:
    """What holds for a back end that only stands in."""
    return replace(settings, **{part: getattr(Settings(), part) for part in _OWN})


def _name(settings: Settings, environment: Mapping[str, str], found: LocalServers) -> str:
    """The back end's name. ``auto`` goes by the key that is there, by the address if one is set, and by what answers."""
    if settings.backend != "auto":
        return settings.backend
    if settings.base_url:
        by_host = {host_of(site.base_url): name for name, site in API_HOSTS.items()}
        return by_host.get(host_of(settings.base_url), "codestral")
    if settings.api_key or settings.api_key_command:
        return "codestral"
    keyed = next((name for name, site in API_HOSTS.items() if environment_key(site.base_url, environment)), None)
    return keyed or next(iter(found), "ngram")


def _remote(name: str, settings: Settings, environment: Mapping[str, str], found: LocalServers) -> HttpBackend:
    profile = _profile(name, settings, found.get(name))
    keys = KeySource(profile.base_url, api_key=settings.api_key, command=settings.api_key_command, env=environment)
    return HttpBackend(profile, keys=keys, timeout=settings.timeout)


def _profile(name: str, settings: Settings, local: LocalServer | None) -> Profile:
    stop = (settings.stop,) if isinstance(settings.stop, str) else settings.stop
    generation = Generation(
        temperature=settings.temperature,
        top_p=settings.top_p,
        max_tokens=settings.max_tokens,
        min_tokens=settings.min_tokens,
        stop=stop,
        random_seed=settings.random_seed,
        stream=settings.stream,
    )
    base_url, model = settings.base_url, settings.model
    if local is not None and not base_url:
        base_url, model = local.base_url, model or local.model or None
    match name:
        case "llamacpp":
            return llamacpp(base_url=base_url, model=model, generation=generation)
        case "ollama":
            template = settings.fim_template
            return ollama(model, base_url=base_url, generation=generation, fim_template=template)
        case "openai":
            return openai(base_url, model=model, generation=generation, fim_template=settings.fim_template)
    return codestral(name, base_url=base_url, region=settings.region, model=model, generation=generation)


def _parts(settings: Settings, found: LocalServers) -> tuple[object, ...]:
    return (*(getattr(settings, name) for name in _PARTS), *found.items())
