"""The settings in force, kept up to date from their five sources."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from fim_lsp.config import Layer, Problem, Settings, settle
from fim_lsp.sources import PROJECT_FILE, read_editor, read_environment, read_file, user_file


class Feed:
    """One editor's settings. ``report`` hears of what can't be used; every method that reads may call it."""

    def __init__(self, environment: Mapping[str, str], report: Callable[[Sequence[Problem]], None]) -> None:
        self._report = report
        self._file = user_file(environment)
        self._user = Layer(origin="config.toml", values={})
        self._environment = read_environment(environment)
        self._initialization, _ = read_editor("initializationOptions", None, trusted=True)
        self._workspace, _ = read_editor("workspace/configuration", None, trusted=False)
        self._projects: tuple[Layer, ...] = ()
        self._roots: tuple[Path, ...] = ()
        self._stamps: dict[Path, int | None] = {}
        self._settings = Settings()

    def start(self, roots: Sequence[Path], initialization: object, *, trusted: bool = True) -> Settings:
        """Read everything. ``initialization`` is what the editor's ``initializationOptions`` hold.

        They are the user's own if ``trusted``; else they may do no more than a project's settings.
        """
        self._initialization, problems = read_editor("initializationOptions", initialization, trusted=trusted)
        self._report(problems)
        return self.move(roots)

    def move(self, roots: Sequence[Path]) -> Settings:
        """The workspace's folders are these now."""
        self._roots = tuple(roots)
        self._stamps = self._look()
        return self._read()

    def workspace(self, values: object) -> Settings | None:
        """What the editor's workspace says, which a project may have written; ``None`` if it said so before."""
        layer, problems = read_editor("workspace/configuration", values, trusted=False)
        self._report(problems)
        self._workspace = layer
        before = self._settings
        settings = self._settle()
        return None if settings == before else settings

    def changed(self) -> Settings | None:
        """The settings if one of the files changed since the last look, which costs microseconds."""
        stamps = self._look()
        if stamps == self._stamps:
            return None
        self._stamps = stamps
        return self._read()

    def _look(self) -> dict[Path, int | None]:
        return {path: _stamp(path) for path in (*self._files(), *(root / PROJECT_FILE for root in self._roots))}

    def _files(self) -> tuple[Path, ...]:
        return (self._file,) if self._file else ()

    def _read(self) -> Settings:
        for path in self._files():
            self._user, problems = read_file(path, trusted=True)
            self._report(problems)
        projects = []
        for root in self._roots:
            layer, problems = read_file(root / PROJECT_FILE, trusted=False)
            self._report(problems)
            projects.append(layer)
        self._projects = tuple(projects)
        return self._settle()

    def _settle(self) -> Settings:
        layers = (self._user, self._environment, self._initialization, *self._projects, self._workspace)
        self._settings, problems = settle(layers)
        self._report(problems)
        return self._settings


def _stamp(path: Path) -> int | None:
    try:
        return path.stat().st_mtime_ns
    except (OSError, ValueError):  # ValueError: no name of a file, one with a NUL
        return None
