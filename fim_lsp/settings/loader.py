"""Loads the settings from their five sources and keeps them up to date."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from fim_lsp.settings import messages
from fim_lsp.settings.merge import Layer, merge_layers
from fim_lsp.settings.schema import SettingProblem, Settings
from fim_lsp.settings.settings_file import SettingsFile
from fim_lsp.settings.sources import (
    ENVIRONMENT_PREFIX,
    PROJECT_FILE,
    is_null_device,
    read_editor,
    read_environment,
    user_file,
)

if TYPE_CHECKING:
    from fim_lsp.settings.effective import EffectiveSettings

WORKSPACE_TIMEOUT = 2.0
"""Seconds that a request waits for the editor's workspace settings before only the embedded model answers it."""


class SettingsLoader:
    """The settings of one editor. ``report`` receives all current problems whenever they may have changed."""

    def __init__(self, environment: Mapping[str, str], report: Callable[[Sequence[SettingProblem]], None]) -> None:
        self._report = report
        self._user = _user_file(environment)
        self._environment = read_environment(environment)
        self._initialization = _EditorSource("initializationOptions")
        self._workspace = _EditorSource("workspace/configuration", trusted=False, shared=True)
        self._projects: dict[Path, SettingsFile] = {}
        self._workspace_known = asyncio.Event()
        self._workspace_known.set()
        self._workspace_overdue = False
        self._merged = merge_layers(())
        self._problems: tuple[SettingProblem, ...] = ()
        self.failed_closed = False
        """Whether nothing leaves this machine because a source or a restriction is damaged, and this has been reported.

        False while a file is just being rewritten, which is not reported.
        """

    def start(self, roots: Sequence[Path], initialization: object, *, trusted: bool = True) -> Settings:
        """Read every source. ``initialization`` contains the editor's ``initializationOptions``; they are not ``trusted`` if
        the client could be anybody.
        """
        self._initialization = _EditorSource("initializationOptions", trusted=trusted)
        self._initialization.receive(initialization)
        return self.set_roots(roots)

    def set_roots(self, roots: Sequence[Path]) -> Settings:
        """Use the project files of these workspace folders."""
        files = {root: self._projects.get(root) or SettingsFile(root / PROJECT_FILE, trusted=False) for root in roots}
        self._projects = files
        self._refresh_files()
        return self._merge()

    def set_workspace_settings(self, values: object) -> Settings | None:
        """Use the editor's workspace settings, which a project may have written; ``None`` if nothing changes."""
        self._workspace.receive(values)
        self._workspace_known.set()
        before = self._merged.settings
        settings = self._merge()
        return None if settings == before else settings

    def expect_workspace_settings(self) -> None:
        """The editor is being asked for its workspace settings: their restrictions are unknown until it has answered."""
        self._workspace_known.clear()

    def workspace_settings_unavailable(self) -> None:
        """The editor does not provide workspace settings."""
        self._workspace_known.set()

    async def wait_for_workspace_settings(self) -> bool:
        """Wait up to :data:`WORKSPACE_TIMEOUT` seconds; returns whether all sources are known by then."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(WORKSPACE_TIMEOUT):
                await self._workspace_known.wait()
        if not self._workspace_known.is_set() and not self._workspace_overdue:
            self._workspace_overdue = True
            self._merge()
        return self._workspace_known.is_set()

    @property
    def restrictions_known(self) -> bool:
        """Whether it is known what must not be used: all sources have been read, and none that restricts is damaged."""
        return self._workspace_known.is_set() and not self._merged.failed_closed

    def reload_if_changed(self) -> Settings | None:
        """The new settings if one of the files has changed. Takes microseconds if none has."""
        return self._merge() if self._refresh_files() else None

    def project_settings(self) -> Settings:
        """The settings if there were only those that a project may bring: what they turn off, no command turns on."""
        return merge_layers(layer for layer in self._layers() if not layer.trusted).settings

    def sources_in_use(self) -> list[str]:
        """The names of the sources that set anything."""
        return [layer.origin for layer in self._layers() if layer.values]

    def effective(self) -> EffectiveSettings:
        """Each setting that applies now, with its source, and what is ignored and why. No file is read."""
        from fim_lsp.settings.effective import effective, file_source, sent_source  # the start should not wait for it

        user = [file_source(self._user)] if self._user else []
        projects = [file_source(file) for file in self._projects.values()]
        environment = sent_source(self._environment, ())
        initialization = sent_source(self._initialization.layer, self._initialization.problems)
        workspace = sent_source(self._workspace.layer, self._workspace.problems)
        return effective(self._merged, [*user, environment, initialization, *projects, workspace], self._problems)

    def _layers(self) -> Sequence[Layer]:
        """All sources, in ascending order of precedence."""
        user = (self._user.layer,) if self._user else ()
        projects = (file.layer for file in self._projects.values())
        return (*user, self._environment, self._initialization.layer, *projects, self._workspace.layer)

    def _files(self) -> Sequence[SettingsFile]:
        return (*((self._user,) if self._user else ()), *self._projects.values())

    def _refresh_files(self) -> bool:
        changed = [file.refresh() for file in self._files()]  # a list: every file must be refreshed
        return any(changed)

    def _merge(self) -> Settings:
        merged = merge_layers(self._layers())
        damage = [SettingProblem(message=file.problem) for file in self._files() if file.problem]
        if self._workspace_overdue and not self._workspace_known.is_set():
            damage.append(SettingProblem(message=messages.no_answer(self._workspace.layer.origin)))
        problems = (*damage, *self._initialization.problems, *self._workspace.problems, *merged.problems)
        self._merged, self._problems = merged, problems
        self.failed_closed = merged.failed_closed and bool(problems)
        self._report(problems)
        return merged.settings


class _EditorSource:
    """Settings that an editor sends. The last valid ones remain in force when it sends something unusable, or only the
    settings of other servers.
    """

    def __init__(self, origin: str, *, trusted: bool = True, shared: bool = False) -> None:
        self._origin, self._trusted, self._shared = origin, trusted, shared
        self.layer, self.problems = read_editor(origin, None, trusted=trusted, shared=shared)
        self._has_valid = False

    def receive(self, values: object) -> None:
        layer, self.problems = read_editor(
            self._origin, values, trusted=self._trusted, shared=self._shared, last_good=self._has_valid
        )
        if self._has_valid and layer.is_only_foreign():
            return
        if layer.readable or not self._has_valid:
            self.layer, self._has_valid = layer, layer.readable


def _user_file(environment: Mapping[str, str]) -> SettingsFile | None:
    path = user_file(environment)
    if path is None or is_null_device(str(path)):
        return None
    return SettingsFile(path, trusted=True, required=bool(environment.get(f"{ENVIRONMENT_PREFIX}CONFIG")))
