"""``fim-lsp why``: why there is no suggestion, from the rules as they are now and from what running servers have noted."""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fim_lsp.cli.output import answer, write
from fim_lsp.errors import StatsUnavailable

if TYPE_CHECKING:
    from fim_lsp.schedule.events import CallEnded, RequestAnswered
    from fim_lsp.session.explanation import Explanation
    from fim_lsp.stats.recent import Recent, RecentEvent
    from fim_lsp.stats.servers import ServerInfo

NO_SERVER = "No server is running: open a file in your editor, and if that starts none, see fim-lsp doctor."
NOTHING_NOTED = (
    "No request has been noted yet. Servers write them down every ten seconds; the editor's own command fim-lsp.why knows "
    "them at once."
)
NOT_KEPT = (
    "The setting stats is false, so servers write nothing down that could be read here: use the command fim-lsp.why in "
    "your editor."
)
_APART = 1_000_000_000  # request numbers of two servers


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted:
    """What running servers have written down. ``failure`` is why that can't be read."""

    servers: tuple[ServerInfo, ...] = ()
    answered: tuple[RequestAnswered, ...] = ()
    calls: tuple[CallEnded, ...] = ()
    failure: str = ""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the file, and how to print."""
    parser.description = (
        "Explain the suggestions that appeared or did not: with FILE, what the settings and rules say about it right now, "
        "without a server; then the servers that run in your editors, and what became of their latest requests, the newest "
        "first. Exits with 0 if suggestions may appear (in FILE, or in one of these editors), 1 if not, 2 on bad use."
    )
    parser.add_argument("file", metavar="FILE", nargs="?", help="the file in which there is no suggestion")
    parser.add_argument("--verbose", action="store_true", help="more about each request and its call")
    parser.add_argument("--json", action="store_true", help="the same as JSON")


def run(arguments: argparse.Namespace, environment: Mapping[str, str]) -> int:
    """Print the explanation."""
    from fim_lsp.cli.complete import existing_file

    path = existing_file(arguments.file).absolute() if arguments.file is not None else None
    rules, keeps = asyncio.run(_explain(path, path.stat().st_size if path else 0, environment))
    noted = _read() if keeps else Noted(failure=NOT_KEPT)
    if path is not None:
        noted = _about(noted, path, Path(rules.document_root))
    comes = not rules.explanation.is_silent if path is not None else any(map(_is_working, noted.servers))
    if arguments.json:
        write(json.dumps(_to_json(rules.explanation, noted, comes=comes), indent=2) + "\n")
    else:
        for line in _lines(rules.explanation, noted, verbose=arguments.verbose):
            answer(line)
    return 0 if comes else 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What the settings and rules say right now; ``document_root`` is the folder that an editor would open."""

    explanation: Explanation
    document_root: str


async def _explain(path: Path | None, size: int, environment: Mapping[str, str]) -> tuple[Rules, bool]:
    """What is so without a server, and whether servers keep counts. The text of the file, of ``size`` bytes, is not read."""
    from fim_lsp.cli.complete import workspace_of
    from fim_lsp.session.open_documents import OpenDocument
    from fim_lsp.session.session import Session
    from fim_lsp.text.document import Document
    from fim_lsp.text.positions import Encoding
    from fim_lsp.workspace.language_families import language_of

    session = Session(lambda _level, _sentence: None, environment)
    root = workspace_of(path or Path.cwd() / "file")
    session.start(roots=[root])
    try:
        uri = ""
        if path is not None:
            uri = path.as_uri()
            document = OpenDocument(uri=uri, language=language_of(path), path=path, text=Document("", Encoding.UTF32))
            document.size = size
            session.open_document(document)
        await session.wait_until_ready()
        return Rules(explanation=session.explain(uri), document_root=str(root)), session.settings.stats
    finally:
        await session.close()


def _read() -> Noted:
    from fim_lsp.stats.recorder import stats_path
    from fim_lsp.stats.store import StatsStore

    path = stats_path()
    if path is None:
        return Noted(failure="There is no home folder (HOME is not set) in which servers could write something down.")
    from fim_lsp.stats.recent import read_recent

    try:
        return _noted(read_recent(StatsStore(path)))
    except StatsUnavailable as error:
        return Noted(failure=f"What servers have noted can't be read: {error}.")


def _noted(recent: Recent) -> Noted:
    """Numbers of requests become unique: each server counts its own from 1."""
    from fim_lsp.session.request_log import call_from, request_from

    ids = {event.server for event in (*recent.requests, *recent.calls)}
    offsets = {server: number * _APART for number, server in enumerate(sorted(ids))}

    def unique(event: RecentEvent) -> dict[str, Any]:
        numbers = {name: event.data.get(name, 0) for name in ("request", "call")}
        return dict(event.data) | {name: value + offsets[event.server] for name, value in numbers.items() if value}

    return Noted(
        servers=recent.servers,
        answered=tuple(filter(None, (request_from(unique(event)) for event in recent.requests))),
        calls=tuple(filter(None, (call_from(unique(event)) for event in recent.calls))),
    )


def _about(noted: Noted, path: Path, root: Path) -> Noted:
    """Only the requests in one file."""
    name = path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name
    found = tuple(event for event in noted.answered if event.place.path and name.endswith(event.place.path))
    return Noted(servers=noted.servers, answered=found, calls=noted.calls, failure=noted.failure)


def _is_working(server: ServerInfo) -> bool:
    """Whether suggestions come from the first back end, or from another one meanwhile."""
    from fim_lsp.session.words import MEANWHILE

    return server.status.startswith(("idle", "waiting", "calling")) or MEANWHILE in server.status


def _lines(rules: Explanation, noted: Noted, *, verbose: bool) -> Iterator[str]:
    from fim_lsp.session.request_log import entries, lines_of

    yield from rules.document if rules.is_silent else map(_by_files, rules.document)
    yield from (f"A problem with the settings: {problem}" for problem in rules.problems)
    if noted.failure:
        yield noted.failure
        return
    yield from (_about_server(server) for server in noted.servers)
    if not noted.servers:
        yield NO_SERVER
    for problem in dict.fromkeys(problem for server in noted.servers for problem in server.problems):
        if problem not in rules.problems:
            yield f"A problem with a server's settings: {problem}"
    if found := entries(noted.answered, noted.calls):
        yield from lines_of(found, verbose=verbose)
    elif noted.servers:
        yield NOTHING_NOTED


def _by_files(sentence: str) -> str:
    """An editor may have sent settings of its own to its server."""
    return f"By the settings in files and the environment, {sentence}"


def _about_server(server: ServerInfo) -> str:
    where = f" in {server.workspace}" if server.workspace else ""
    return f"{server.client or 'An editor'} (process {server.pid}{where}) is {server.status or 'idle'}."


def _to_json(rules: Explanation, noted: Noted, *, comes: bool) -> dict[str, Any]:
    from fim_lsp.session.request_log import entries, to_json

    return {
        "suggestions_may_appear": comes,
        "document": list(rules.document),
        "problems": list(rules.problems),
        "failure": noted.failure,
        "servers": [_server_to_json(server) for server in noted.servers],
        "requests": [to_json(entry) for entry in entries(noted.answered, noted.calls)],
    }


def _server_to_json(server: ServerInfo) -> dict[str, Any]:
    return {
        "client": server.client,
        "pid": server.pid,
        "workspace": server.workspace,
        "status": server.status,
        "problems": list(server.problems),
    }
