"""The parts of a running session that ``fim-lsp.doctor`` examines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from fim_lsp.backends.backend import Backend
from fim_lsp.backends.discovery import LocalServer
from fim_lsp.backends.key_store import KeyStore
from fim_lsp.rate_limit.limiter import LimiterRegistry
from fim_lsp.session.status_tracker import Status
from fim_lsp.settings.effective import EffectiveSettings
from fim_lsp.settings.schema import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class BackendsInUse:
    """What a session's back ends are, and what they were made from.

    ``problems`` are sentences about back ends that can't be made. ``paused`` are back ends that are not asked at the moment,
    each with the reason as a sentence. ``chosen_model`` is the one that a command chose, ``""`` if none did.
    """

    backends: tuple[Backend, ...]
    problems: tuple[str, ...]
    paused: tuple[tuple[str, str], ...]
    chosen_model: str
    environment: Mapping[str, str]
    local_servers: Mapping[str, LocalServer]
    key_store: KeyStore | None
    limiters: LimiterRegistry


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """What a session works with now. ``files`` and ``tokens`` were read by the embedded model; ``indexing``: it reads."""

    settings: Settings
    effective: EffectiveSettings
    roots: tuple[Path, ...]
    in_use: BackendsInUse
    status: Status
    files: int
    tokens: int
    indexing: bool
