"""One editor's connection, or one command's run, without LSP: settings, documents' news, back ends and the scheduler.

Both ``lsp/server.py`` and ``fim-lsp complete`` go through here, so a completion is the same on either way.
"""

from __future__ import annotations

import asyncio
import enum
import logging
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from fim_lsp.backends.base import Backend
from fim_lsp.backends.choose import Choice, choose
from fim_lsp.backends.ngram.backend import NgramBackend
from fim_lsp.config import Layer, Problem, Settings, settle
from fim_lsp.errors import BackendError
from fim_lsp.paths import Paths
from fim_lsp.prompt.build import WINDOW
from fim_lsp.schedule.completer import Completer, Plan
from fim_lsp.schedule.snapshot import Answer, Snapshot
from fim_lsp.sources import PROJECT_FILE, read_editor, read_environment, read_file, user_file
from fim_lsp.text.document import Document, Edit

log = logging.getLogger(__name__)


INDEX_WAIT = 5.0  # seconds that a command waits for the workspace's files: some 250,000 tokens


class Level(enum.IntEnum):
    """How loud to tell; the numbers are LSP's message types."""

    ERROR = 1
    WARNING = 2
    INFO = 3


Tell = Callable[[Level, str], None]
"""Shows one sentence to the user."""


@dataclass(slots=True, kw_only=True)
class _Sources:
    """What each source said last, weakest first."""

    file: Layer
    environment: Layer
    initialization: Layer
    project: tuple[Layer, ...] = ()
    workspace: Layer

    def layers(self) -> tuple[Layer, ...]:
        return (self.file, self.environment, self.initialization, *self.project, self.workspace)


@dataclass(frozen=True, slots=True)
class _Open:
    """A document as the session knows it; its text goes on changing."""

    language: str
    path: Path | None
    text: Document


class Session:
    """Make one, :meth:`start` it inside a running loop, tell it of documents, ask it, :meth:`close` it."""

    window = WINDOW

    def __init__(self, tell: Tell, environment: Mapping[str, str], config_file: Path | None = None) -> None:
        """``tell`` shows a sentence to the user; ``environment`` is the process's."""
        self._tell = tell
        self._environment = environment
        self._config_file = config_file or user_file(environment)
        self._told: set[str] = set()
        self._sources = _Sources(
            file=Layer(origin=str(self._config_file), values={}),
            environment=read_environment(environment),
            initialization=Layer(origin="initializationOptions", values={}),
            workspace=Layer(origin="workspace/configuration", values={}, trusted=False),
        )
        self._stamps: dict[Path, int | None] = {}
        self._roots: tuple[Path, ...] = ()
        self._paths = Paths((), ())
        self._choice: Choice | None = None
        self._ngram = NgramBackend()
        self._background: set[asyncio.Task[None]] = set()
        self._completer: Completer | None = None
        self._documents: dict[str, _Open] = {}
        self._learnt: set[str] = set()
        self.settings = Settings()

    # -- settings

    def start(self, *, roots: Sequence[Path] = (), initialization: object = None) -> None:
        """Read the sources and begin. ``initialization`` is what the editor's ``initializationOptions`` hold."""
        self._roots = tuple(roots)
        layer, problems = read_editor("initializationOptions", initialization, trusted=True)
        self._sources.initialization = layer
        self._report(problems)
        self._stamps = self._read_stamps()
        self._read_files()
        self._apply()

    def workspace_settings(self, values: object) -> None:
        """Take what the editor's workspace says; a project may have written it."""
        layer, problems = read_editor("workspace/configuration", values, trusted=False)
        self._report(problems)
        if layer != self._sources.workspace:
            self._sources.workspace = layer
            self._apply()

    def move(self, roots: Sequence[Path]) -> None:
        """The workspace's folders changed."""
        self._roots = tuple(roots)
        self._stamps = self._read_stamps()
        self._read_files()
        self._apply()

    def look_again(self) -> None:
        """Read the settings files again if one changed; a look costs microseconds."""
        stamps = self._read_stamps()
        if stamps != self._stamps:
            self._stamps = stamps
            self._read_files()
            self._apply()

    def _read_stamps(self) -> dict[Path, int | None]:
        return {path: _stamp(path) for path in (self._config_file, *(root / PROJECT_FILE for root in self._roots))}

    def _read_files(self) -> None:
        self._sources.file, problems = read_file(self._config_file, trusted=True)
        self._report(problems)
        project = []
        for root in self._roots:
            layer, problems = read_file(root / PROJECT_FILE, trusted=False)
            self._report(problems)
            project.append(layer)
        self._sources.project = tuple(project)

    def _apply(self) -> None:
        """Put the sources together, and let everything follow that hangs on them."""
        settings, problems = settle(self._sources.layers())
        self._report(problems)
        self.settings = settings
        old = self._choice
        if old is None or not old.same_as(settings):
            self._choice = choose(settings, self._environment, self._ngram)
            self._in_background(self._choice.warm())
            if old is not None:
                self._in_background(old.close())
        if (self._roots, settings.exclude) != (self._paths.roots, self._paths.exclude):
            self._paths = Paths(self._roots, settings.exclude)
            self._ngram.workspace(self._roots, self._paths.indexable)
            for uri in self._documents:
                self._learn_or_forget(uri)
        plan = Plan(settings, self._backends(), trouble=self._trouble, fine=self._fine)
        debounce = settings.debounce / 1000 if isinstance(settings.debounce, int | float) else None
        if self._completer is None:
            self._completer = Completer(plan, debounce=debounce, excluded=self._excluded)
        else:
            self._completer.follow(plan, debounce=debounce, excluded=self._excluded)

    def _backends(self) -> list[Backend]:
        return list(self._choice.backends) if self._choice else []

    def _in_background(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    # -- what the user hears

    def _report(self, problems: Sequence[Problem]) -> None:
        for problem in problems:
            self._say_once(Level.WARNING, problem.sentence, problem.sentence)

    def _say_once(self, level: Level, key: str, sentence: str) -> None:
        if key not in self._told:
            self._told.add(key)
            self._tell(level, sentence)

    def _trouble(self, backend: Backend, error: BackendError) -> None:
        """Told once until the back end answers again, not once a keystroke."""
        log.warning("%s: %s", backend.name, type(error).__name__)
        self._say_once(Level.WARNING, f"trouble {backend.name} {type(error).__name__}", f"fim-lsp: {error}")

    def _fine(self, backend: Backend) -> None:
        self._told = {key for key in self._told if not key.startswith(f"trouble {backend.name} ")}

    # -- documents

    def opened(self, uri: str, language: str, path: Path | None, document: Document) -> None:
        """A document was opened, or opened again; ``path`` is its file, if it has one."""
        self.closed(uri)
        self._documents[uri] = _Open(language, path, document)
        self._learn_or_forget(uri)

    def changed(self, uri: str, document: Document, edit: Edit) -> None:
        """A document changed, and has the change already."""
        if uri in self._learnt:
            new = document.lines[edit.first_line : edit.first_line + edit.new_lines]
            self._ngram.change(uri, edit.first_line, edit.old_lines, new)
        if self._completer:
            self._completer.edited(uri, edit)

    def closed(self, uri: str) -> None:
        """A document was closed."""
        self._documents.pop(uri, None)
        if uri in self._learnt:
            self._learnt.discard(uri)
            self._ngram.forget(uri)
        if self._completer:
            self._completer.closed(uri)

    def _learn_or_forget(self, uri: str) -> None:
        """Let the model inside read a document, or forget it once it is excluded."""
        excluded, learnt = self._excluded(uri), uri in self._learnt
        if learnt and excluded:
            self._learnt.discard(uri)
            self._ngram.forget(uri)
        elif not learnt and not excluded:
            self._learnt.add(uri)
            document = self._documents[uri]
            self._ngram.open(uri, document.language, document.text.lines, document.path)

    def _excluded(self, uri: str) -> bool:
        document = self._documents.get(uri)
        return bool(document and document.path and self._paths.excluded(document.path))

    # -- completions

    def ask(self, snapshot: Snapshot) -> asyncio.Future[Answer]:
        """Request a completion; see :meth:`~fim_lsp.schedule.completer.Completer.ask`."""
        assert self._completer is not None, "start() comes first"  # noqa: S101 - a slip of ours, not of a user's
        self.look_again()
        document = self._documents.get(snapshot.uri)
        path = self._paths.relative(document.path) if document and document.path else ""
        return self._completer.ask(replace(snapshot, path=path))

    async def indexed(self) -> None:
        """Wait until the workspace's files are known, as far as they will be."""
        await asyncio.to_thread(self._ngram.index.wait, INDEX_WAIT)

    async def close(self) -> None:
        """Answer what waits, hang up everywhere, let go of everything."""
        if self._completer:
            self._completer.close()
        await asyncio.gather(*self._background)
        if self._choice:
            await self._choice.close()
        await self._ngram.close()


def _stamp(path: Path) -> int | None:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return None
