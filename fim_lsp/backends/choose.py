"""From settings to back ends: which one, and who stands in for it."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, fields

from fim_lsp.backends.base import Backend
from fim_lsp.backends.codestral import SITES, Generation, codestral
from fim_lsp.backends.keys import Keys, environment_key
from fim_lsp.backends.remote import HttpBackend
from fim_lsp.backends.wire import host_of
from fim_lsp.config import Settings
from fim_lsp.errors import BackendError

# What a back end is made of; a change to another setting leaves it, and its connections, alone.
_PARTS = (
    "backend", "base_url", "region", "model", "api_key", "api_key_command", "timeout", "fallback",
    *(row.name for row in fields(Generation)),
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Back ends in the order they are tried. ``owned`` are those to close when the choice is given up."""

    backends: tuple[Backend, ...]
    owned: tuple[HttpBackend, ...]
    made_from: tuple[object, ...]

    def same_as(self, settings: Settings) -> bool:
        """Whether these settings would give the same back ends."""
        return self.made_from == _parts(settings)

    async def warm(self) -> None:
        """Do what is slow about the first call ahead of it; no network. What fails here fails again there, and is told."""
        for backend in self.owned:
            with contextlib.suppress(BackendError):
                await backend.warm()

    async def close(self) -> None:
        """Close what was made for this choice."""
        for backend in self.owned:
            await backend.close()


def choose(settings: Settings, environment: Mapping[str, str], ngram: Backend) -> Choice:
    """The back ends for these settings. ``ngram`` is the one in this process, which outlives every choice."""
    name = _name(settings, environment)
    if name == "ngram":
        return Choice(backends=(ngram,), owned=(), made_from=_parts(settings))
    remote = _codestral(name, settings, environment)
    behind = tuple(ngram for fallback in settings.fallback if fallback == "ngram")[:1]
    return Choice(backends=(remote, *behind), owned=(remote,), made_from=_parts(settings))


def _name(settings: Settings, environment: Mapping[str, str]) -> str:
    """The back end's name. ``auto`` goes by the key that is there, and by the address if one is set."""
    if settings.backend != "auto":
        return settings.backend
    if settings.base_url:
        by_host = {host_of(site.base_url): name for name, site in SITES.items()}
        return by_host.get(host_of(settings.base_url), "codestral")
    if settings.api_key or settings.api_key_command:
        return "codestral"
    return next((name for name, site in SITES.items() if environment_key(site.base_url, environment)), "ngram")


def _codestral(name: str, settings: Settings, environment: Mapping[str, str]) -> HttpBackend:
    stop = (settings.stop,) if isinstance(settings.stop, str) else settings.stop
    profile = codestral(
        name,
        base_url=settings.base_url,
        region=settings.region,
        model=settings.model,
        generation=Generation(
            temperature=settings.temperature,
            top_p=settings.top_p,
            max_tokens=settings.max_tokens,
            min_tokens=settings.min_tokens,
            stop=stop,
            random_seed=settings.random_seed,
            stream=settings.stream,
        ),
    )
    keys = Keys(profile.base_url, api_key=settings.api_key, command=settings.api_key_command, env=environment)
    return HttpBackend(profile, keys=keys, timeout=settings.timeout)


def _parts(settings: Settings) -> tuple[object, ...]:
    return tuple(getattr(settings, name) for name in _PARTS)
