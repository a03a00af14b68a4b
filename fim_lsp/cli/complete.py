"""``fim-lsp complete``: one completion from the command line, on the editor's path through the server."""

from __future__ import annotations

import asyncio
import contextlib
import stat
import sys
from collections.abc import Mapping
from pathlib import Path

from fim_lsp.backends.ngram_backend import NgramBackend
from fim_lsp.errors import UsageError
from fim_lsp.schedule.request import CompletionResult
from fim_lsp.session.notifier import Level
from fim_lsp.session.open_documents import OpenDocument
from fim_lsp.session.request_log import EXPLANATIONS
from fim_lsp.session.session import Session
from fim_lsp.suggest.suggestion import Suggestion
from fim_lsp.text.document import Document
from fim_lsp.text.positions import Encoding, content
from fim_lsp.text.unicode import visible
from fim_lsp.workspace.language_ids import language_of

_BYTES_MOST = 50_000_000  # of a file or standard input: no source is larger, and /dev/zero has no end
INDEX_WAIT = 5.0  # seconds that ngram waits for the workspace's files: some 250,000 tokens

_DIGITS_MOST = 18  # of a line or column: Python refuses to read thousands of them


def complete(place: str, path: str | None, environment: Mapping[str, str]) -> int:
    """Print the completion at ``FILE:LINE[:COLUMN]``. Returns 0 with text, 1 with none."""
    name, line, column = parse_place(place)
    if sys.stdout is None:
        raise UsageError("standard output is closed")
    source = Path(path or (name if name != "-" else "stdin.txt"))
    text = read(name)
    document = Document(text, Encoding.UTF32)
    if line > len(document.lines):
        raise UsageError(f"{name} has {len(document.lines)} lines, there is no line {line}")
    length = len(content(document.lines[line - 1]))
    if column is not None and column > length + 1:
        raise UsageError(f"line {line} of {name} has {length} characters, there is no column {column}")
    answer = asyncio.run(
        _ask(source.absolute(), document, line - 1, length if column is None else column - 1, environment)
    )
    if answer.suggestion is None:
        _tell(Level.INFO, EXPLANATIONS[answer.outcome])
        return 1
    shown = answer.suggestion.text
    if sys.stdout.isatty():
        shown = as_lines(document.lines[line - 1], length if column is None else column - 1, answer.suggestion)
    # as UTF-8, like the file, whatever the terminal's encoding is taken for
    sys.stdout.buffer.write(f"{shown}\n".encode(errors="replace"))
    sys.stdout.buffer.flush()
    return 0


async def _ask(
    path: Path, document: Document, line: int, column: int, environment: Mapping[str, str]
) -> CompletionResult:
    session = Session(_tell, environment, ngram=NgramBackend(load_timeout=INDEX_WAIT, on_slow_load=_tell_reading))
    uri = path.as_uri()
    session.start(roots=[workspace_of(path)])
    session.open_document(OpenDocument(uri=uri, language=language_of(path), path=path, text=document))
    try:
        await session.wait_until_ready()
        return await session.ask(uri, line, column, explicit=True).result
    finally:
        await session.close()


def as_lines(line: str, column: int, suggestion: Suggestion) -> str:
    """The line that a suggestion continues as it would be with it, for a person at a terminal: what is hidden is written out."""
    text = line[:column] + suggestion.text + content(line)[column + suggestion.replace :]
    return visible(text.replace("\r\n", "\n").replace("\r", "\n"))


def parse_place(place: str) -> tuple[str, int, int | None]:
    """``FILE:LINE:COLUMN`` or ``FILE:LINE``, from 1. The file's name may hold colons itself."""
    head, _, last = place.rpartition(":")
    name, _, middle = head.rpartition(":")
    if name and _digits(middle) and _digits(last):
        numbers = int(middle), int(last)
    elif head and _digits(last):
        name, numbers = head, (int(last), 1)
    else:
        numbers = 0, 0
    if min(numbers) < 1:
        raise UsageError(f"{place}: must be FILE:LINE:COLUMN or FILE:LINE, both from 1")
    return name, numbers[0], None if name == head else numbers[1]


def _digits(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= _DIGITS_MOST


def read(name: str) -> str:
    """The file's text, with its line ends as they are; ``-`` is standard input."""
    if name == "-" and sys.stdin is None:
        raise UsageError("standard input is closed")
    try:
        data = sys.stdin.buffer.read(_BYTES_MOST + 1) if name == "-" else _read_file(Path(name))
    except OSError as error:
        raise UsageError(f"{name}: {error.strerror or error}") from error
    if len(data) > _BYTES_MOST:
        raise UsageError(f"{name} is larger than {_BYTES_MOST // 1_000_000} MB")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UsageError(f"{name} is not UTF-8 (byte {error.start})") from error


def _read_file(path: Path) -> bytes:
    """A regular file's bytes, one more than can be used at the most. A pipe would be waited for without end."""
    if not stat.S_ISREG(path.stat().st_mode):
        raise UsageError(f"{path} is not a regular file")
    with path.open("rb") as file:
        return file.read(_BYTES_MOST + 1)


def workspace_of(path: Path) -> Path:
    """The folder an editor would open for this file: the nearest one above with a ``.git``, else the file's own."""
    return next((folder for folder in path.parents if (folder / ".git").exists()), path.parent)


def _tell_reading(files: int) -> None:
    """Why nothing has come for a second; only to a person, who wonders."""
    if sys.stderr is not None and sys.stderr.isatty():
        _tell(Level.INFO, f"reading {files:,} files …" if files else "looking for files …")


def _tell(_level: Level, sentence: str) -> None:
    with contextlib.suppress(AttributeError, OSError):  # there may be no standard error
        sys.stderr.write(visible(f"fim-lsp: {sentence.removeprefix('fim-lsp: ')}") + "\n")
