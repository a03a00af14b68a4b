"""The settings in force, kept up to date from their five sources."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from fim_lsp.settings import messages
from fim_lsp.settings.merge import merge_layers
from fim_lsp.settings.schema import SettingProblem, Settings
from fim_lsp.settings.settings_file import SettingsFile
from fim_lsp.settings.sources import (
    ENVIRONMENT_PREFIX,
    PROJECT_FILE,
    read_editor,
    read_environment,
    user_file,
)

WORKSPACE_WAIT = 2.0
"""Seconds that a call waits for what the editor's workspace says; then only the embedded model answers."""


class SettingsLoader:
    """One editor's settings. ``report`` is given all present problems whenever they may have changed."""

    def __init__(self, environment: Mapping[str, str], report: Callable[[Sequence[SettingProblem]], None]) -> None:
        self._report = report
        self._user = _user_file(environment)
        self._environment = read_environment(environment)
        self._initialization = _EditorSource("initializationOptions")
        self._workspace = _EditorSource("workspace/configuration", trusted=False, shared=True)
        self._projects: dict[Path, SettingsFile] = {}
        self._workspace_known = asyncio.Event()
        self._workspace_known.set()
        self._waited = False  # in vain, for the workspace
        self._settings = Settings()
        self.confined = False
        """Whether nothing leaves this machine because a source or a setting that restricts is damaged, and the user was
        told so; of a file that is being written nothing is told.
        """

    def start(self, roots: Sequence[Path], initialization: object, *, trusted: bool = True) -> Settings:
        """Read everything. ``initialization`` is what the editor's ``initializationOptions`` hold; those of a client that
        anybody may be are not ``trusted``.
        """
        self._initialization = _EditorSource("initializationOptions", trusted=trusted)
        self._initialization.take(initialization)
        return self.move(roots)

    def move(self, roots: Sequence[Path]) -> Settings:
        """The workspace's folders are these now."""
        files = {root: self._projects.get(root) or SettingsFile(root / PROJECT_FILE, trusted=False) for root in roots}
        self._projects = files
        self._look()
        return self._merge()

    def workspace(self, values: object) -> Settings | None:
        """What the editor's workspace says, which a project may have written; ``None`` if it said so before."""
        self._workspace.take(values)
        self._workspace_known.set()
        before = self._settings
        settings = self._merge()
        return None if settings == before else settings

    def expect_workspace(self) -> None:
        """The editor will be asked what its workspace says: until it has answered (:meth:`workspace`), or refused
        (:meth:`no_workspace`), what the workspace restricts is unknown.
        """
        self._workspace_known.clear()

    def no_workspace(self) -> None:
        """The editor refuses to say anything for its workspace."""
        self._workspace_known.set()

    async def known(self) -> bool:
        """Whether all sources are known, or become so within :data:`WORKSPACE_WAIT` seconds."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(WORKSPACE_WAIT):
                await self._workspace_known.wait()
        if not self._workspace_known.is_set() and not self._waited:
            self._waited = True
            self._merge()
        return self._workspace_known.is_set()

    def changed(self) -> Settings | None:
        """The settings if one of the files changed since the last look, which costs microseconds."""
        return self._merge() if self._look() else None

    def _files(self) -> Sequence[SettingsFile]:
        return (*((self._user,) if self._user else ()), *self._projects.values())

    def _look(self) -> bool:
        changed = [file.changed() for file in self._files()]  # all of them, not up to the first
        return any(changed)

    def _merge(self) -> Settings:
        user = (self._user.layer,) if self._user else ()
        projects = (file.layer for file in self._projects.values())
        layers = (*user, self._environment, self._initialization.layer, *projects, self._workspace.layer)
        merged = merge_layers(layers)
        damage = [SettingProblem(sentence=file.problem) for file in self._files() if file.problem]
        if self._waited and not self._workspace_known.is_set():
            damage.append(SettingProblem(sentence=messages.no_answer(self._workspace.layer.origin)))
        problems = (*damage, *self._initialization.problems, *self._workspace.problems, *merged.problems)
        self._settings, self.confined = merged.settings, merged.confined and bool(problems)
        self._report(problems)
        return self._settings


class _EditorSource:
    """What an editor sends. One answer that can't be used, or is about other servers alone, leaves the last good one in
    force.
    """

    def __init__(self, origin: str, *, trusted: bool = True, shared: bool = False) -> None:
        self._origin, self._trusted, self._shared = origin, trusted, shared
        self.layer, self.problems = read_editor(origin, None, trusted=trusted, shared=shared)
        self._was_good = False

    def take(self, values: object) -> None:
        layer, self.problems = read_editor(
            self._origin, values, trusted=self._trusted, shared=self._shared, last_good=self._was_good
        )
        if self._was_good and layer.is_elsewhere():
            return
        if layer.usable or not self._was_good:
            self.layer, self._was_good = layer, layer.usable


def _user_file(environment: Mapping[str, str]) -> SettingsFile | None:
    path = user_file(environment)
    if path is None or str(path) == os.devnull:
        return None
    return SettingsFile(path, trusted=True, required=bool(environment.get(f"{ENVIRONMENT_PREFIX}CONFIG")))
