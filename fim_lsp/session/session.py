"""One editor's connection, or one command's run, without LSP: settings, documents' news, back ends and the scheduler.

Both ``lsp/server.py`` and ``fim-lsp complete`` go through here, so a completion is the same on either way.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from fim_lsp.backends.ngram_backend import NgramBackend
from fim_lsp.context.provider import ContextProvider
from fim_lsp.prompt.build import WINDOW_CHARACTERS
from fim_lsp.schedule.fallback_chain import FallbackChain
from fim_lsp.schedule.request import BackendEvent, CompletionResult, EventKind, Outcome, Snapshot
from fim_lsp.schedule.scheduler import Scheduler
from fim_lsp.session.backend_manager import BackendManager
from fim_lsp.session.notifier import Notifier, Tell
from fim_lsp.session.open_documents import OpenDocuments
from fim_lsp.session.request_log import RequestLog
from fim_lsp.settings.loader import SettingsLoader
from fim_lsp.settings.schema import Settings
from fim_lsp.text.cells import Beside, join
from fim_lsp.text.document import Change, Document
from fim_lsp.workspace.file_policy import FilePolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request that was made: the text it is about, and its result. Cancelling the result withdraws the request."""

    snapshot: Snapshot
    result: asyncio.Future[CompletionResult]


class Session:
    """Make one, :meth:`start` it inside a running loop, tell it of documents, ask it, :meth:`close` it."""

    def __init__(
        self,
        tell: Tell,
        environment: Mapping[str, str],
        journal: RequestLog | None = None,
        ngram: NgramBackend | None = None,
    ) -> None:
        """``tell`` shows a sentence to the user; ``environment`` is the process's; ``journal`` hears what becomes of requests.

        ``ngram`` is the back end in this process, if it is to be another than an editor's.
        """
        self._journal = journal or RequestLog(lambda _status: None)
        self._notices = Notifier(tell)
        self._feed = SettingsLoader(environment, self._notices.problems)
        self._ngram = ngram or NgramBackend()
        self._surroundings = ContextProvider()
        self._crew = BackendManager(
            environment, self._ngram, self._surroundings.snippets, self._notices, self._refollow
        )
        self._paths = FilePolicy((), ())
        self._roots: tuple[Path, ...] = ()
        self._completer: Scheduler | None = None
        self._documents = OpenDocuments(self._ngram, self._surroundings)
        self._preparing: set[asyncio.Task[None]] = set()
        self._closed = False
        self._confined = False  # whether a damaged setting lets nothing leave this machine
        self.settings = Settings()

    # -- settings

    def start(self, *, roots: Sequence[Path] = (), initialization: object = None, trusted: bool = True) -> None:
        """Read the settings and begin. ``initialization`` is what the editor's ``initializationOptions`` hold.

        They are the user's own if ``trusted``; else they may do no more than a project's settings.
        """
        self._roots = tuple(roots)
        self._follow(self._feed.start(roots, initialization, trusted=trusted))

    def workspace_settings(self, values: object) -> None:
        """Take what the editor's workspace says."""
        if settings := self._feed.set_workspace_settings(values):
            self._follow(settings)

    def expect_workspace_settings(self) -> None:
        """The editor will be asked for its workspace's settings, which may restrict."""
        self._feed.expect_workspace_settings()

    def no_workspace_settings(self) -> None:
        """The editor refuses the question for its workspace's settings."""
        self._feed.workspace_settings_unavailable()

    def move(self, roots: Sequence[Path]) -> None:
        """The workspace's folders changed."""
        self._roots = tuple(roots)
        self._follow(self._feed.set_roots(roots))

    def _follow(self, settings: Settings) -> None:
        """Let everything follow that hangs on the settings."""
        self.settings = settings
        if self._confined and not self._feed.failed_closed:
            self._notices.repaired()
        self._confined = self._feed.failed_closed
        paths = self._paths
        ruled = paths.applies_to(self._roots, settings.exclude, settings.local_only)
        if not ruled or paths.poll_changes():
            self._rule(FilePolicy(self._roots, settings.exclude, settings.local_only))
        clients = self._crew.follow(settings, partial(self._may_send, self._paths, settings.context_tokens))
        self._plan = FallbackChain(
            settings=settings,
            clients=clients,
            on_event=self._backend_event,
            local_only=self._documents.stays,
            settings_known=self._feed.wait_for_workspace_settings,
            policy=self._paths,
        )
        self._journal.follow(tuple(client.backend for client in clients))
        debounce = settings.debounce / 1000 if isinstance(settings.debounce, int | float) else None
        if self._completer is None:
            self._completer = Scheduler(self._plan, debounce=debounce, excluded=self._documents.excluded)
        else:
            self._completer.apply_settings(self._plan, debounce=debounce, excluded=self._documents.excluded)

    def _may_send(self, rules: FilePolicy, context_tokens: int, uri: str, here: bool) -> bool:
        """Whether a document may be sent in a prompt that was made by these rules. Looks at the files of settings again."""
        self._look_again()
        if rules is not self._paths or context_tokens > self.settings.context_tokens:
            return False
        return not self._documents.excluded(uri) and (here or not self._documents.stays(uri))

    def _backend_event(self, event: BackendEvent) -> None:
        """Let status and notices follow what happened at a back end."""
        match event.kind:
            case EventKind.ANSWERED:
                self._journal.fine(event.backend)
                self._notices.fine(event.backend)
            case EventKind.FAILED if event.error:
                self._journal.trouble(event.backend, event.error)
                self._crew.trouble(event.backend, event.error)
            case EventKind.PAUSED if event.error:
                self._journal.paused(event.backend, event.error)
            case EventKind.NOTICE:
                self._notices.once(event.notice)

    def _refollow(self) -> None:
        """The same settings call for other back ends."""
        if not self._closed:
            self._follow(self.settings)

    def _rule(self, paths: FilePolicy) -> None:
        """Other files may be read and sent from now on."""
        self._paths = paths
        self._ngram.workspace(self._roots, paths.may_index)
        self._surroundings.set_workspace(
            self._roots, paths.may_import, lambda path: paths.local_only(path.as_uri(), path)
        )
        self._documents.apply_rules(paths)

    # -- documents

    def opened(
        self,
        uri: str,
        language: str,
        path: Path | None,
        document: Document,
        *,
        within: tuple[str, Path | None] | None = None,
    ) -> None:
        """A document was opened, or opened again; ``path`` is its file, if it has one. What restricts ``within``, the URI
        and file of the notebook that it is a cell of, restricts it."""
        self.closed(uri)
        self._documents.opened(uri, language, document, [(uri, path), *([within] if within else [])])
        if not self._documents.excluded(uri):
            self._prepare(uri)

    def changed(self, uri: str, changes: Sequence[Change]) -> None:
        """A document changed: apply the changes of one notification, in their order."""
        edits = self._documents.change(uri, changes)
        if self._completer and edits:
            self._completer.edited(uri, edits)

    def closed(self, uri: str) -> None:
        """A document was closed."""
        self._documents.closed(uri)
        if self._completer:
            self._completer.closed(uri)

    def _prepare(self, uri: str) -> None:
        """Let a server of this machine read what prompts for this document will begin with."""
        if self._completer is None or not self._plan.can_prepare(uri):
            return
        task = asyncio.get_running_loop().create_task(self._prepared(uri, self._documents[uri].text))
        self._preparing.add(task)
        task.add_done_callback(self._preparing.discard)

    async def _prepared(self, uri: str, text: Document) -> None:
        await self._surroundings.wait_until_read(uri)
        known, document = await self._feed.wait_for_workspace_settings(), self._documents.get(uri)
        if known and document is not None and document.text is text and not document.excluded:
            split = text.split(0, 0, before=0, after=WINDOW_CHARACTERS)
            path = self._documents.name(uri)
            snapshot = Snapshot(uri=uri, language=document.language, path=path, split=split)
            await self._plan.prepare(snapshot)

    @property
    def backends(self) -> list[str]:
        """The names of the back ends in force, in the order they are tried."""
        return [client.backend.name for client in self._plan.clients]

    # -- completions

    def ask(
        self, uri: str, line: int, character: int, *, explicit: bool = False, beside: Beside | None = None
    ) -> Request:
        """Request a completion at a position of an open document, which is counted in the document's encoding.

        ``explicit``: it was triggered manually. ``beside`` are the other cells, if the document is a cell of a notebook.
        """
        self._look_again()
        assert self._completer is not None, "start() comes first"  # noqa: S101 - a slip of ours, not of a user's
        self._crew.look(self.settings)
        snapshot = self._snapshot(uri, line, character, explicit=explicit, beside=beside)
        result = self._completer.request(snapshot)
        self._note(snapshot, result)
        return Request(snapshot=snapshot, result=result)

    def _snapshot(self, uri: str, line: int, character: int, *, explicit: bool, beside: Beside | None) -> Snapshot:
        document = self._documents[uri]
        split = document.text.split(line, character, before=WINDOW_CHARACTERS, after=WINDOW_CHARACTERS)
        snapshot = Snapshot(
            uri=uri,
            language=document.language,
            path=self._documents.name(uri),
            split=split,
            explicit=explicit,
            size=document.size,
        )
        if beside is None:
            return snapshot
        above, below = self._documents.cells(uri, beside)
        whole = join(split, document.language, above, below, window=WINDOW_CHARACTERS)
        return replace(snapshot, notebook=beside.notebook, whole=whole)

    def _look_again(self) -> None:
        """Follow files of settings and ignore files that have changed, which costs microseconds if none has."""
        if (settings := self._feed.reload_if_changed()) or self._paths.poll_changes():
            self._follow(settings or self.settings)

    def _note(self, snapshot: Snapshot, answer: asyncio.Future[CompletionResult]) -> None:
        """Let the journal know what becomes of a request."""
        if answer.done():
            self._journal.answered(snapshot, answer.result())
            return
        told = self._journal.asked(snapshot)
        taken_back = CompletionResult(outcome=Outcome.SUPERSEDED)
        answer.add_done_callback(lambda done: told(taken_back if done.cancelled() else done.result()))

    async def ready(self) -> None:
        """Wait until it is known which servers answer on this machine, if that matters, and what the open documents import."""
        await self._crew.looked()
        for uri in self._documents:
            await self._surroundings.wait_until_read(uri)

    async def close(self) -> None:
        """Answer what waits, hang up everywhere, let go of everything."""
        self._closed = True
        for task in self._preparing:
            task.cancel()
        await asyncio.gather(*self._preparing, return_exceptions=True)
        if self._completer:
            self._completer.close()
        await self._crew.close()
        await self._surroundings.close()
        await self._ngram.close()
