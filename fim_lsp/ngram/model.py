"""The tokens of one language: of the open documents, line by line, and of the workspace's files.

Two stores share a vocabulary, so that open documents are found first, however large the workspace is. An open document
hides its file.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice

from fim_lsp.ngram.lexer import columns, lex_line, split_lead
from fim_lsp.ngram.token_store import NOWHERE, TokenStore
from fim_lsp.ngram.vocabulary import BLANK, Vocabulary, line_start

_BLANK_LINE = -1

OPEN_BITS = 16
INDEX_BITS = 20
"""Sizes of the two stores' tables, as powers of two: 1 and 16 MB; the latter is allocated with the first file."""

MAX_LINE_LENGTH = 1000
"""Characters of a line that are learnt; longer ones are data."""


@dataclass(slots=True, kw_only=True)
class Document:
    """An open document: per line its text, its first position in the store, and its indentation in columns."""

    owner: int
    folder: str
    lines: list[str] = field(default_factory=list)
    starts: array[int] = field(default_factory=lambda: array("i"))
    indents: array[int] = field(default_factory=lambda: array("i"))
    last_changed: int = 0


@dataclass(slots=True, kw_only=True)
class _File:
    """A file of the workspace: its owner number, its positions, and the indentation of its last line."""

    owner: int
    first: int = NOWHERE
    last: int = NOWHERE
    indent: int = 0


class NgramModel:
    """The tokens of one language. Not thread-safe: callers hold a lock."""

    def __init__(self, *, index_bits: int = INDEX_BITS) -> None:
        self.vocabulary = Vocabulary()
        self.open_store = TokenStore(self.vocabulary, bits=OPEN_BITS)
        self.file_store = TokenStore(self.vocabulary, bits=0)
        self._index_bits = index_bits
        self.documents: dict[str, Document] = {}
        self.folders: dict[int, str] = {}
        self.hidden: set[int] = set()
        self._files: dict[str, _File] = {}
        self._owners = 0
        self._deleted: list[tuple[int, int]] = []

    def open(self, uri: str, lines: Sequence[str], *, folder: str) -> None:
        """Add a document, or replace it."""
        self.close(uri)
        document = Document(owner=self._new_owner(folder), folder=folder)
        self.documents[uri] = document
        self.change(uri, 0, 0, lines)
        document.last_changed = 0

    def append(self, uri: str, lines: Sequence[str]) -> None:
        """Add more of a document that is read in slices; unlike with ``change``, nothing was typed."""
        document = self.documents[uri]
        last_changed = document.last_changed
        self.change(uri, len(document.lines), 0, lines)
        document.last_changed = last_changed

    def change(self, uri: str, first: int, old_lines: int, new_lines: Sequence[str]) -> None:
        """Replace ``old_lines`` lines from ``first`` on. Costs O(changed lines), and a memmove of the line table."""
        document = self.documents[uri]
        first = min(first, len(document.lines))
        end = min(first + old_lines, len(document.lines))
        left = self._last_position(document, first)
        right = document.starts[end] if end < len(document.lines) else NOWHERE
        if end > first:
            self.open_store.cut(document.starts[first], right)
        starts, indents, tokens = self._encode(new_lines, self._indent_before(document, first))
        positions = self.open_store.splice(left, right, document.owner, tokens)
        document.lines[first:end] = new_lines
        document.starts[first:end] = array("i", [positions[start] for start in starts])
        document.indents[first:end] = indents
        document.last_changed = max(first, first + len(new_lines) - 1)
        self._update_indent(document, first + len(new_lines))

    def close(self, uri: str) -> None:
        """Remove a document."""
        document = self.documents.get(uri)
        if document is None:
            return
        if document.lines:
            self.open_store.cut(document.starts[0], NOWHERE)
        del self.documents[uri], self.folders[document.owner]

    def mark_deleted(self, uri: str) -> None:
        """Remove a document in slices: from now on it is hidden, and ``collect`` removes its tokens."""
        document = self.documents.pop(uri)
        self.hidden.add(document.owner)
        self._deleted.append((document.owner, document.starts[0] if document.lines else NOWHERE))

    def collect(self, max_tokens: int) -> bool:
        """Remove up to ``max_tokens`` of deleted documents; whether one of them is completely removed."""
        owner, first = self._deleted.pop()
        end = next(islice(self.open_store.walk(first), max_tokens, None), NOWHERE)
        if first:
            self.open_store.cut(first, end)
        if end:
            self._deleted.append((owner, end))
            return False
        del self.folders[owner]
        self.hidden.discard(owner)
        return True

    def add_lines(self, name: str, lines: Sequence[str], *, folder: str) -> None:
        """Append lines to a file of the workspace, which the first call adds."""
        if not self._files and not len(self.file_store):
            self.file_store = TokenStore(self.vocabulary, bits=self._index_bits)
        file = self._files.get(name)
        if file is None:
            file = self._files[name] = _File(owner=self._new_owner(folder))
        _, indents, tokens = self._encode(lines, file.indent)
        positions = self.file_store.splice(file.last, NOWHERE, file.owner, tokens)
        if positions:
            file.first = file.first or positions[0]
            file.last = positions[-1]
            file.indent = next((indent for indent in reversed(indents) if indent != _BLANK_LINE), file.indent)

    def show_file(self, name: str) -> None:
        """Let a hidden file count again."""
        self.hidden.discard(self._files[name].owner)

    def is_hidden(self, name: str) -> bool:
        """Whether a file is ignored at present."""
        return self._files[name].owner in self.hidden

    def file_place(self, name: str) -> tuple[int, int]:
        """A file's first position, and the indentation of its last line."""
        return self._files[name].first, self._files[name].indent

    def new_hidden_file(self, name: str, *, first: int, length: int, indent: int, folder: str) -> int:
        """Add a file whose tokens :meth:`use_store` will bring; hidden until :meth:`show_file`. Returns its owner number."""
        owner = self._new_owner(folder)
        self._files[name] = _File(
            owner=owner,
            first=first if length else NOWHERE,
            last=first + length - 1 if length else NOWHERE,
            indent=indent,
        )
        self.hidden.add(owner)
        return owner

    @property
    def index_bits(self) -> int:
        """The size of the table of the files' store, as a power of two."""
        return self._index_bits

    def use_store(self, store: TokenStore) -> None:
        """Use this store, of the model's own vocabulary, for the workspace's files; there must be none in the present one."""
        self.file_store = store

    def hide_file(self, name: str) -> bool:
        """Ignore a file from now on; whether there is one, which should then be removed in idle time."""
        file = self._files.get(name)
        if file is not None:
            self.hidden.add(file.owner)
        return file is not None

    def remove_file(self, name: str, *, max_tokens: int | None = None) -> bool:
        """Remove a file of the workspace, or up to ``max_tokens`` of it; whether it is completely removed."""
        file = self._files.get(name)
        if file is None:
            return True
        end = NOWHERE
        if max_tokens is not None and file.first:
            end = next(islice(self.file_store.walk(file.first), max_tokens, None), NOWHERE)
        if file.first:
            self.file_store.cut(file.first, end)
        file.first = end
        if end:
            return False
        del self._files[name], self.folders[file.owner]
        self.hidden.discard(file.owner)
        return True

    def __len__(self) -> int:
        """How many tokens open documents and files have."""
        return len(self.open_store) + len(self.file_store)

    @property
    def nbytes(self) -> int:
        """The size of the stores' arrays, in bytes, without the vocabulary."""
        return self.open_store.nbytes + self.file_store.nbytes

    def _new_owner(self, folder: str) -> int:
        self._owners += 1
        self.folders[self._owners] = folder
        return self._owners

    def _encode(self, lines: Sequence[str], indent: int) -> tuple[list[int], array[int], list[tuple[int, int]]]:
        """For each line the index of its first token and its indentation, and all tokens as (core, lead)."""
        starts: list[int] = []
        indents = array("i")
        tokens: list[tuple[int, int]] = []
        take = self.vocabulary.take
        for line in lines:
            starts.append(len(tokens))
            lexed = lex_line(line[:MAX_LINE_LENGTH])
            if not lexed.tokens:
                tokens.append((BLANK, 0))
                indents.append(_BLANK_LINE)
                continue
            width = columns(lexed.indent)
            tokens.append((line_start(width - indent), 0))
            indents.append(width)
            indent = width
            for token in lexed.tokens:
                lead, core = split_lead(token)
                tokens.append((take(core), lead))
        return starts, indents, tokens

    def _last_position(self, document: Document, line: int) -> int:
        """The position that ends the line before ``line``."""
        if line < len(document.lines):
            return self.open_store.before[document.starts[line]]
        if not document.lines:
            return NOWHERE
        position = document.starts[-1]
        while following := self.open_store.after[position]:
            position = following
        return position

    @staticmethod
    def _indent_before(document: Document, line: int) -> int:
        for index in range(line - 1, -1, -1):
            if document.indents[index] != _BLANK_LINE:
                return document.indents[index]
        return 0

    def _update_indent(self, document: Document, line: int) -> None:
        """Update the indentation of the first line after an edit that isn't blank, relative to what precedes it now."""
        while line < len(document.lines) and document.indents[line] == _BLANK_LINE:
            line += 1
        if line == len(document.lines):
            return
        number = line_start(document.indents[line] - self._indent_before(document, line))
        position = document.starts[line]
        if self.open_store.core[position] != number:
            self.open_store.replace_core(position, number)
