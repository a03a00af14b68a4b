"""Merges settings for tests, and reports what may leave this machine with them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from fim_lsp.backends.factory import create_backends
from fim_lsp.backends.http_backend import HttpBackend
from fim_lsp.backends.ngram_backend import NgramBackend
from fim_lsp.secret import Secret
from fim_lsp.settings.merge import Layer, Merged, merge_layers
from fim_lsp.settings.schema import SettingProblem, Settings
from fim_lsp.settings.settings_file import SettingsFile
from fim_lsp.settings.sources import read_editor
from fim_lsp.workspace.file_policy import FilePolicy

KEYED = {"CODESTRAL_API_KEY": "sk-codestral", "MISTRAL_API_KEY": "sk-mistral", "LANGDOCK_API_KEY": "sk-langdock"}


ROOT = Path("/project")


FILES = [ROOT / name for name in ("a.py", "b.js", "secret/c.py", "vendor/d.go", "notes.md")] + [Path("/elsewhere/e.py")]


HUGE = 10**400


LONG = 10**5000  # Python refuses to write or read so many digits


async def leaving(settings: Settings, environment: Mapping[str, str] = KEYED) -> set[tuple[str, str]]:
    """Which host hears which key, of the back ends that are not in this process."""
    choice = create_backends(settings, environment, NgramBackend(), {})
    hosts = set()
    for backend in choice.backends:
        if isinstance(backend, HttpBackend):
            key = await backend._keys.key() if not settings.api_key_command else Secret("from the command")
            hosts.add((backend.host, key.reveal() if key else ""))
    await choice.close()
    return hosts


def files(settings: Settings) -> set[Path]:
    """The files whose text may leave this machine."""
    paths = FilePolicy([ROOT], settings.exclude, settings.local_only)
    return {path for path in FILES if paths.may_send(path.as_uri(), path) and not paths.local_only(path.as_uri(), path)}


def from_user(**values: object) -> Merged:
    return merge_layers([Layer(origin="config.toml", values=values)])


def merge(layers: list[Layer]) -> tuple[Settings, tuple[SettingProblem, ...]]:
    merged = merge_layers(layers)
    return merged.settings, merged.problems


def merge_one(values: dict[str, object], *, trusted: bool = True) -> tuple[Settings, list[str]]:
    settings, problems = merge([Layer(origin="here", values=values, trusted=trusted)])
    return settings, [problem.message for problem in problems]


def read_file(path: Path, *, trusted: bool) -> tuple[Layer, tuple[str, ...]]:
    file = SettingsFile(path, trusted=trusted)
    file.refresh()
    return file.layer, (file.problem,) if file.problem else ()


def workspace(sent: object) -> Merged:
    return merge_layers([read_editor("workspace/configuration", sent, trusted=False, shared=True)[0]])
