"""What the doctor examines in a running server, and what only a running server knows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from fim_lsp.backends.discovery import find_local_servers
from fim_lsp.doctor.check import Check, info, ok, warning
from fim_lsp.doctor.choice import reason_for_first
from fim_lsp.doctor.examination import InUse, Subject
from fim_lsp.session.inspection import Inspection
from fim_lsp.session.session import Session
from fim_lsp.session.status_tracker import Status, StatusState
from fim_lsp.workspace.file_policy import FilePolicy


async def subject_of_session(
    session: Session, *, uri: str = "", offline: bool = False, complete: bool = True
) -> Subject:
    """The subject for a running session: its settings, workspace and back ends. ``uri`` is a document to judge."""
    found = await session.inspect()
    settings, used = found.settings, found.in_use
    document = session.documents.get(uri)

    async def in_use() -> InUse:
        servers = (
            () if found.effective.failed_closed else await find_local_servers(known=tuple(used.local_servers.values()))
        )
        reason = reason_for_first(settings, used.environment, used.local_servers, used.key_store)
        return InUse(
            backends=used.backends,
            problems=used.problems,
            reason=reason,
            local_servers=servers,
            limiters=used.limiters,
        )

    return Subject(
        settings=settings,
        effective=found.effective,
        environment=used.environment,
        roots=found.roots,
        policy=FilePolicy(found.roots, settings.exclude, settings.local_only),  # its own: it reads the whole workspace
        in_use=in_use,
        offline=offline,
        complete=complete and not offline,
        file=document.path if document else None,
        language=document.language if document else "",
        live=(*_live_checks(found), *_document(session, uri, document.path if document else None)),
    )


def _live_checks(found: Inspection) -> Iterator[Check]:
    yield now_check(found.status)
    for _name, sentence in found.in_use.paused:
        yield warning("paused", sentence, "to try it at once, run the command fim-lsp.restart")
    if model := found.in_use.chosen_model:
        yield info("model", f"{model} was chosen for this session", "for that of the settings: fim-lsp.model with null")
    if found.indexing:
        yield info("index", f"the workspace's files are being read: {found.tokens:,} tokens so far")
    else:
        yield ok("index", f"{found.tokens:,} tokens of the workspace's files have been learnt for ngram")


def now_check(status: Status) -> Check:
    """What the status line shows."""
    match status.state:
        case StatusState.DISABLED if "turned off" in status.reason:
            return info("now", status.reason, "to turn them on, run the command fim-lsp.toggle")
        case StatusState.SNOOZED:
            return info("now", f"snoozed {status.reason}", "to end it, run the command fim-lsp.snooze with 0")
        case StatusState.DISABLED | StatusState.FAILING | StatusState.OFFLINE | StatusState.LIMITED:
            return warning("now", f"{status.state}: {status.reason}", "the checks that follow say why")
    return ok("now", str(status))


def _document(session: Session, uri: str, path: Path | None) -> Iterator[Check]:
    """What a session knows about a document besides the rules for its file."""
    document = session.documents.get(uri)
    if document is not None and session.switches.switches.language(document.language) is False:
        sentence = f"suggestions are turned off for {document.language} by a command"
        yield info("file", sentence, "to turn them on, run the command fim-lsp.toggleLanguage")
    if uri and path is None:
        explanation = session.explain(uri)
        for sentence in explanation.document:
            yield (info if explanation.is_silent else ok)("file", sentence)
