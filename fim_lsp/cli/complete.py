"""``fim-lsp complete``: one completion on the command line, made the same way as an editor's."""

from __future__ import annotations

import argparse
import asyncio
import stat
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from fim_lsp.cli.output import say
from fim_lsp.errors import UsageError
from fim_lsp.suggest.suggestion import Suggestion
from fim_lsp.text.document import Document
from fim_lsp.text.positions import Encoding, content
from fim_lsp.text.unicode import visible
from fim_lsp.workspace.language_families import language_of

if TYPE_CHECKING:
    from fim_lsp.schedule.request import CompletionResult
    from fim_lsp.session.notifier import Level

MAX_INPUT_BYTES = 50_000_000  # no source file is larger, and /dev/zero never ends
MAX_DIGITS = 18  # of a line or column: Python refuses to parse thousands of digits
INDEX_TIMEOUT = 5.0  # seconds that ngram waits for the workspace's files to be read: some 250,000 tokens


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the position, and a name for text from standard input."""
    parser.description = (
        "Print the completion at FILE:LINE:COLUMN, both counted from 1, COLUMN in characters; FILE:LINE is the end of the "
        "line. Exits with 0 if there is a completion, 1 if there is none, 2 if the file can't be read."
    )
    parser.add_argument("place", metavar="FILE:LINE:COLUMN", help="FILE may be - for standard input")
    parser.add_argument("--path", metavar="FILE", help="with -: the file name to assume for the text")


def run(arguments: argparse.Namespace, environment: Mapping[str, str]) -> int:
    """Print one completion."""
    return complete(arguments.place, arguments.path, environment)


def complete(place: str, path: str | None, environment: Mapping[str, str]) -> int:
    """Print the completion at ``FILE:LINE[:COLUMN]``. Returns 0 if there is one, 1 if there is none.

    ``path`` is the file name to assume for text from standard input.
    """
    name, line, column = parse_position(place)
    if sys.stdout is None:
        raise UsageError("standard output is closed")
    document = Document(read(name), Encoding.UTF32)
    column = _checked_column(document, name, line, column)
    source = Path(path or (name if name != "-" else "stdin.txt")).absolute()
    from fim_lsp.session.request_log import why_nothing  # with what it imports this takes half a second

    result = asyncio.run(_request(source, document, line - 1, column, environment))
    if result.suggestion is None:
        say(why_nothing(result.outcome, result.backend, result.reason, result.cut_by))
        return 1
    shown = result.suggestion.text
    if sys.stdout.isatty():
        shown = with_line(document.lines[line - 1], column, result.suggestion)
    sys.stdout.buffer.write(f"{shown}\n".encode(errors="replace"))  # UTF-8 like the file, whatever the terminal uses
    sys.stdout.buffer.flush()
    return 0


async def _request(
    path: Path, document: Document, line: int, column: int, environment: Mapping[str, str]
) -> CompletionResult:
    from fim_lsp.backends.ngram_backend import NgramBackend
    from fim_lsp.session.open_documents import OpenDocument
    from fim_lsp.session.session import Session

    ngram = NgramBackend(load_timeout=INDEX_TIMEOUT, on_slow_load=_report_loading)
    session = Session(_show_message, environment, ngram=ngram)
    uri = path.as_uri()
    session.start(roots=[workspace_of(path)])
    session.open_document(OpenDocument(uri=uri, language=language_of(path), path=path, text=document))
    try:
        await session.wait_until_ready()
        return await session.request(uri, line, column, explicit=True).result
    finally:
        await session.close()


def parse_position(place: str) -> tuple[str, int, int | None]:
    """``FILE:LINE:COLUMN`` or ``FILE:LINE``, counted from 1. The file name may contain colons."""
    head, _, last = place.rpartition(":")
    name, _, middle = head.rpartition(":")
    if name and _is_number(middle) and _is_number(last):
        numbers = int(middle), int(last)
    elif head and _is_number(last):
        name, numbers = head, (int(last), 1)
    else:
        numbers = 0, 0
    if min(numbers) < 1:
        raise UsageError(f"{place}: must be FILE:LINE:COLUMN or FILE:LINE, both counted from 1")
    return name, numbers[0], None if name == head else numbers[1]


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS


def _checked_column(document: Document, name: str, line: int, column: int | None) -> int:
    """The column from 0; for None, the end of the line. Raises UsageError for a position outside the document."""
    if line > len(document.lines):
        raise UsageError(f"{name} has {len(document.lines)} lines, there is no line {line}")
    length = len(content(document.lines[line - 1]))
    if column is not None and column > length + 1:
        raise UsageError(f"line {line} of {name} has {length} characters, there is no column {column}")
    return length if column is None else column - 1


def read(name: str) -> str:
    """The text of a file, line ends unchanged; ``-`` is standard input."""
    if name == "-" and sys.stdin is None:
        raise UsageError("standard input is closed")
    try:
        data = sys.stdin.buffer.read(MAX_INPUT_BYTES + 1) if name == "-" else _read_file(existing_file(name))
    except OSError as error:
        raise UsageError(f"{name}: {error.strerror or error}") from error
    if len(data) > MAX_INPUT_BYTES:
        raise UsageError(f"{name} is larger than {MAX_INPUT_BYTES // 1_000_000} MB")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UsageError(f"{name} is not UTF-8 (byte {error.start})") from error


def existing_file(name: str) -> Path:
    """The path of a file that a user has named. Raises UsageError for anything but a regular file: a pipe may never end."""
    if not name:
        raise UsageError("the name of the file is empty")
    path = Path(name)
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError) as error:
        raise UsageError(f"{name}: {error.strerror if isinstance(error, OSError) else error}") from error
    if stat.S_ISDIR(mode):
        raise UsageError(f"{name} is a folder: name a file in it")
    if not stat.S_ISREG(mode):
        raise UsageError(f"{name} is not a regular file")
    return path


def _read_file(path: Path) -> bytes:
    """Read up to one byte more than is allowed."""
    with path.open("rb") as file:
        return file.read(MAX_INPUT_BYTES + 1)


def workspace_of(path: Path) -> Path:
    """The folder that an editor would open: the nearest one above the file with a ``.git``, or the file's own."""
    return next((folder for folder in path.parents if (folder / ".git").exists()), path.parent)


def with_line(line: str, column: int, suggestion: Suggestion) -> str:
    """The line at the cursor with the suggestion inserted, for a person at a terminal: invisible characters are escaped."""
    text = line[:column] + suggestion.text + content(line)[column + suggestion.replace :]
    return visible(text.replace("\r\n", "\n").replace("\r", "\n"))


def _show_message(_level: Level, sentence: str) -> None:
    say(sentence)


def _report_loading(files: int) -> None:
    """Explain a wait of over a second to a person at a terminal."""
    if sys.stderr is not None and sys.stderr.isatty():
        say(f"reading {files:,} files …" if files else "looking for files …")
