"""One editor's connection, or one run of a command, without LSP.

Both ``lsp/server.py`` and ``fim-lsp complete`` use a session, so they give the same completions.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from fim_lsp.backends.key_store import KeyStore
from fim_lsp.backends.ngram_backend import NgramBackend
from fim_lsp.context.provider import ContextProvider
from fim_lsp.schedule.events import BackendEvent, SettingsChanged
from fim_lsp.schedule.fallback_chain import FallbackChain
from fim_lsp.schedule.request import Outcome
from fim_lsp.schedule.scheduler import Scheduler
from fim_lsp.session.backend_manager import BackendManager
from fim_lsp.session.event_ring import EventRing
from fim_lsp.session.indexing import index_keeper, observe_indexing
from fim_lsp.session.learning import learn_from
from fim_lsp.session.model_switch import ModelSwitch
from fim_lsp.session.notifier import Notifier, ShowMessage
from fim_lsp.session.open_documents import OpenDocument, OpenDocuments
from fim_lsp.session.request_tracking import Request, track
from fim_lsp.session.status_tracker import Status, StatusTracker
from fim_lsp.session.switch_board import SwitchBoard, modes_for
from fim_lsp.session.usage_counter import UsageCounter
from fim_lsp.session.words import EMBEDDED, with_fallback
from fim_lsp.settings.loader import SettingsLoader
from fim_lsp.settings.schema import SettingProblem, Settings
from fim_lsp.stats.recorder import Recorder
from fim_lsp.text.cells import OtherCells
from fim_lsp.text.document import Change
from fim_lsp.workspace.file_policy import FilePolicy

if TYPE_CHECKING:
    from fim_lsp.session.explanation import Explanation
    from fim_lsp.session.inspection import Inspection

WITHHELD = with_fallback("damaged settings let nothing leave this machine", EMBEDDED)


class Session:
    """Settings, documents, back ends and the scheduler of one editor.

    Create one, :meth:`start` it inside a running event loop, report what happens to documents, :meth:`request` for
    completions, and :meth:`close` it.
    """

    def __init__(
        self,
        show_message: ShowMessage,
        environment: Mapping[str, str],
        *,
        on_status: Callable[[Status], None] = lambda _status: None,
        on_settings: Callable[[], None] = lambda: None,
        ngram: NgramBackend | None = None,
    ) -> None:
        """``environment`` contains the process's environment variables; ``ngram`` is the embedded back end to use.

        ``on_status`` is called with each new status, ``on_settings`` after the settings have changed.
        """
        self.settings = Settings()
        self.events = EventRing()
        self.switches = SwitchBoard(self.events.publish, self._switches_changed)
        self._requests = 0
        self._on_settings = on_settings
        self._notifier = Notifier(show_message)
        self._status_tracker = StatusTracker(self.events, on_status)
        self._loader = SettingsLoader(environment, self._settings_read)
        self._failed_closed = False  # damaged settings let no text leave this machine
        self._roots: tuple[Path, ...] = ()
        self._trusted = True
        self._ngram = ngram or NgramBackend()
        self._ngram.index.keeper = self._index_keeper = index_keeper(lambda: self._loader.restrictions_known)
        self._context = ContextProvider()
        self._documents = OpenDocuments(self._ngram, self._context)
        self._backends = BackendManager(
            environment,
            self._ngram,
            self._context.snippets,
            self._notifier,
            on_change=self._backends_changed,
            publish=self.events.publish,
            store=KeyStore.of_user(environment),
        )
        self.models = ModelSwitch(self._backends, lambda: self.settings, self._model_chosen)
        self.events.subscribe(BackendEvent, self._backends.on_event)
        self.recorder = Recorder(self.events.subscribe, status=lambda: str(self.status))
        self.usage = UsageCounter(self.events, self.recorder)
        self.rates = learn_from(self.events, self.recorder)
        self._chain: FallbackChain | None = None
        self._scheduler: Scheduler | None = None
        self._preparing: set[asyncio.Task[None]] = set()
        self._closed = False
        self.edited_at = float("-inf")
        """When a document was last changed, in seconds of ``time.monotonic``."""

    # -- completions

    def request(
        self,
        uri: str,
        line: int,
        character: int,
        *,
        explicit: bool = False,
        wants_others: bool = False,
        other_cells: OtherCells | None = None,
        selected: str | None = None,
    ) -> Request:
        """Request a completion at a position of an open document, counted in the encoding of the document.

        ``explicit``, ``wants_others`` and ``selected`` are as in :class:`~fim_lsp.schedule.request.Snapshot`.
        ``other_cells`` are those of the notebook, if the document is a cell.
        """
        assert self._scheduler is not None, "start() comes first"  # noqa: S101 - a bug of ours, not a user's mistake
        self._poll_files()
        if explicit or self.switches.silence(self._documents[uri].language) is None:
            self._backends.search_local_servers(self.settings)
        self._requests += 1
        snapshot = self._documents.snapshot(
            self._documents[uri],
            line,
            character,
            number=self._requests,
            explicit=explicit,
            other_cells=other_cells,
        )
        if wants_others or selected is not None:
            snapshot = replace(snapshot, wants_others=wants_others, selected=selected)
        request = Request(snapshot=snapshot, result=self._scheduler.request(snapshot))
        track(request, self.events.publish)
        return request

    def withdraw(self, request: Request) -> None:
        """The editor does not wait for the result any more, but asks again when it is told that there is a suggestion.

        The result comes nevertheless, without one if the text at the cursor changes before, or if it takes too long.
        """
        if self._scheduler:
            self._scheduler.withdraw(request.snapshot.uri, request.result)

    def accepted(self, suggestion: int, units: int | None = None) -> None:
        """The editor reports that the user took a suggestion, as in :meth:`Scheduler.accepted`."""
        if self._scheduler:
            self._scheduler.accepted(suggestion, units)

    @property
    def status(self) -> Status:
        """The state of the back end that is tried first."""
        return self._status_tracker.status

    def settings_sources(self) -> list[str]:
        """The names of the files and other sources that settings were found in."""
        return self._loader.sources_in_use()

    def explain(self, uri: str = "") -> Explanation:
        """What keeps suggestions away, in the document with this URI if it is given, and what became of the latest requests.

        Slow: rules are looked up again to name them.
        """
        from fim_lsp.session.explanation import explanation_of, facts_of  # not for the start

        self._poll_files()
        clients = self._chain.allowed(uri) if self._chain else ()
        backends = [client.backend for client in clients]
        facts = (
            facts_of(self._documents, uri, self.switches, backends, failed_closed=self._failed_closed) if uri else None
        )
        return explanation_of(self.events, self._documents, facts, self.status, self.rates)

    async def inspect(self) -> Inspection:
        """What this session works with, as soon as its settings are known and servers on this machine have been looked for."""
        from fim_lsp.session.inspection import Inspection

        await self._loader.wait_for_workspace_settings()
        await self._backends.wait_for_search()
        index = self._ngram.index
        return Inspection(
            settings=self.settings,
            effective=self._loader.effective(),
            roots=self._roots,
            in_use=self._backends.in_use(self.settings),
            status=self.status,
            files=index.files,
            tokens=index.tokens,
            indexing=not index.wait(0),
        )

    # -- documents

    @property
    def documents(self) -> Mapping[str, OpenDocument]:
        """The open documents by URI, in the order in which they were opened."""
        return self._documents

    def open_document(self, document: OpenDocument) -> None:
        """A document was opened, or opened again."""
        self.close_document(document.uri)
        self._documents.open(document)
        if self._chain is not None and self._may_prepare(document) and self._chain.can_prepare(document.uri):
            task = asyncio.get_running_loop().create_task(self._prepare(document))
            self._preparing.add(task)
            task.add_done_callback(self._preparing.discard)

    def change_document(self, uri: str, changes: Sequence[Change]) -> None:
        """A document was changed. Applies the changes of one notification in their order."""
        self.edited_at = time.monotonic()
        edits = self._documents.change(uri, changes)
        if self._scheduler and edits:
            self._scheduler.edited(uri, edits)

    def close_document(self, uri: str) -> None:
        """A document was closed."""
        self._documents.close(uri)
        if self._scheduler:
            self._scheduler.closed(uri)

    async def _prepare(self, document: OpenDocument) -> None:
        """Let a server on this machine read the beginning of a document's first prompt before it is requested."""
        await self._context.wait_until_read(document.uri)
        known = await self._loader.wait_for_workspace_settings()
        if known and self._chain and self.documents.get(document.uri) is document and self._may_prepare(document):
            await self._chain.prepare(self._documents.snapshot(document, 0, 0))

    def _may_prepare(self, document: OpenDocument) -> bool:
        return not document.excluded and self.switches.silence(document.language) is None

    def silence(self, uri: str) -> Outcome | None:
        """Why no suggestion appears by itself in a document; None if it may."""
        document = self._documents.get(uri)
        return self.switches.silence(document.language) if document else None

    def cancel_indexing(self) -> None:
        """Read no more of the workspace's files."""
        self._ngram.index.cancel()

    # -- commands, besides those of the switches

    def clear_cache(self) -> str:
        """Forget all suggestions, and delete what is kept of workspaces between starts; returns a sentence."""
        self._forget_suggestions()
        return f"All suggestions are forgotten; the next ones are new. {self._index_keeper.clear()}"

    def _forget_suggestions(self) -> None:
        if self._scheduler:
            self._scheduler.clear_cache()

    def restart_backends(self) -> str:
        """After a failure, use every back end as if this session had just begun; returns a sentence."""
        self._backends.restart()
        self._apply_settings(self.settings)
        return self._backends.describe_restart()

    def _model_chosen(self) -> None:
        """Use another model. What the one before has written is forgotten."""
        self._backends_changed()
        self._forget_suggestions()

    def _switches_changed(self) -> None:
        if self._scheduler:
            self._scheduler.silence_changed()

    # -- settings

    def start(self, *, roots: Sequence[Path] = (), initialization: object = None, trusted: bool = True) -> None:
        """Read the settings. ``initialization`` is the value of the editor's ``initializationOptions``.

        If ``trusted``, it may set everything, as the user may; if not, only what a project may set.
        """
        self._roots, self._trusted = tuple(roots), trusted
        observe_indexing(self._ngram.index, self.events)
        self._apply_settings(self._loader.start(roots, initialization, trusted=trusted))

    def set_workspace_settings(self, values: object) -> None:
        """Take the settings of the editor's workspace."""
        if settings := self._loader.set_workspace_settings(values):
            self._change_settings(settings)

    def expect_workspace_settings(self) -> None:
        """The editor will be asked for the settings of its workspace. Until it replies, no text leaves this process."""
        self._loader.expect_workspace_settings()

    def workspace_settings_unavailable(self) -> None:
        """The editor has refused to give the settings of its workspace."""
        self._loader.workspace_settings_unavailable()

    def _settings_read(self, problems: Sequence[SettingProblem]) -> None:
        self._notifier.setting_problems(problems)
        sentences = tuple(dict.fromkeys(problem.message for problem in problems))
        self.events.publish(SettingsChanged(at=time.time(), problems=sentences))

    def set_roots(self, roots: Sequence[Path]) -> None:
        """The workspace has other folders now."""
        self._roots = tuple(roots)
        self._change_settings(self._loader.set_roots(roots))

    def _poll_files(self) -> None:
        """Apply files of settings, ignore files and stored keys that have changed; takes microseconds if none has."""
        settings = self._loader.reload_if_changed()
        if settings or self._documents.policy.poll_changes() or self._backends.keys_changed():
            self._change_settings(settings or self.settings)

    def _backends_changed(self) -> None:
        """A server on this machine was found or has gone: the same settings may call for other back ends."""
        if not self._closed:
            self._apply_settings(self.settings)

    def _change_settings(self, settings: Settings) -> None:
        self._apply_settings(settings)
        self._on_settings()

    def _apply_settings(self, settings: Settings) -> None:
        """Apply the settings to documents, back ends and the scheduler. What they do not affect is kept."""
        self.settings = settings
        self.recorder.configure(enabled=settings.stats, roots=self._roots)
        self.rates.enabled = settings.stats
        if self._failed_closed and not self._loader.failed_closed:
            self._notifier.settings_usable_again()
        self._failed_closed = self._loader.failed_closed
        self.switches.apply_settings(modes_for(settings, self._loader.project_settings, trusted=self._trusted))
        self._index_keeper.enabled = settings.index_cache
        policy = self._apply_policy(settings)
        clients = self._backends.apply_settings(settings, partial(self._may_send, policy, settings.context_tokens))
        self._chain = FallbackChain(
            settings=settings,
            clients=clients,
            on_event=self.events.publish,
            local_only=self._documents.is_local_only,
            settings_known=self._loader.wait_for_workspace_settings,
            policy=policy,
        )
        withheld = WITHHELD if self._failed_closed else ""
        self._status_tracker.set_backends(tuple(client.backend for client in clients), withheld)
        debounce = settings.debounce / 1000 if isinstance(settings.debounce, int | float) else None
        if self._scheduler is None:
            excluded, silence = self._documents.is_excluded, self.switches.silence
            self._scheduler = Scheduler(
                self._chain,
                debounce=debounce,
                excluded=excluded,
                silence=silence,
                publish=self.events.publish,
                rates=self.rates,
            )
        else:
            self._scheduler.apply_settings(self._chain, debounce=debounce, excluded=self._documents.is_excluded)

    def _apply_policy(self, settings: Settings) -> FilePolicy:
        """The policy for these settings: the current one, unless roots, globs or ignore files have changed."""
        policy = self._documents.policy
        if not policy.applies_to(self._roots, settings.exclude, settings.local_only) or policy.poll_changes():
            policy = FilePolicy(self._roots, settings.exclude, settings.local_only)
            self._documents.apply_policy(policy, self._roots)
        return policy

    def _may_send(self, policy: FilePolicy, context_tokens: int, uri: str, local: bool) -> bool:
        """Whether a document may still be sent, in a prompt that was made with this policy and up to this much context.

        Called right before sending: settings and ignore files may have changed while the request waited.
        """
        self._poll_files()
        if policy is not self._documents.policy or context_tokens > self.settings.context_tokens:
            return False
        return not self._documents.is_excluded(uri) and (local or not self._documents.is_local_only(uri))

    # -- the end

    async def wait_until_ready(self) -> None:
        """Wait until servers on this machine have been looked for, if that matters, and imported files have been read."""
        await self._backends.wait_for_search()
        for uri in self._documents:
            await self._context.wait_until_read(uri)

    async def close(self) -> None:
        """Answer pending requests, abort calls, and release all resources."""
        self._closed = True
        self.switches.close()
        self._status_tracker.close()
        for task in self._preparing:
            task.cancel()
        await asyncio.gather(*self._preparing, return_exceptions=True)
        if self._scheduler:
            self._scheduler.close()
        await self._backends.close()
        await self._context.close()
        await self._ngram.close()
        self.recorder.close()
