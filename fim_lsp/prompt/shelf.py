"""One document, ready to be searched for names."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from fim_lsp.prompt.chunks import Chunk, names, pieces

Lines = Callable[[], Sequence[str]]

LINES = 1000  # of one document, round its last edit; more would take more than a few milliseconds


@dataclass(slots=True)
class Shelf:
    """``edit`` is the number of the last edit among all documents' and ``line`` its line.

    ``chunks`` are the document's pieces, ``places`` the numbers of the pieces in which a name stands.
    """

    path: str
    lines: Lines
    edit: int = 0
    line: int = 0
    stale: bool = True
    chunks: tuple[Chunk, ...] = ()
    places: Mapping[str, Sequence[int]] = field(default_factory=dict)
    _names: dict[str, frozenset[str]] = field(default_factory=dict)

    def edited(self, number: int, line: int) -> None:
        """The document changed at a line."""
        self.edit, self.line, self.stale = number, line, True

    def refresh(self, most: int) -> int:
        """Cut the document anew if it has changed, unless it has more than ``most`` lines. Returns how many were read.

        Pieces that stay the same aren't searched for names again.
        """
        if not self.stale:
            return 0
        lines = self.lines()
        start = max(0, min(self.line - LINES // 2, len(lines) - LINES))
        lines = lines[start : start + LINES]
        found = [(first, last, "".join(lines[first:last])) for first, last in pieces(lines)]
        new = sum(last - first for first, last, text in found if text not in self._names)
        if new > most:
            return 0
        self._names = {text: self._names.get(text) or names(text) for _, _, text in found}
        self.chunks = tuple(
            Chunk(path=self.path, first=start + first, text=text, names=self._names[text]) for first, _, text in found
        )
        places: dict[str, list[int]] = {}
        for number, chunk in enumerate(self.chunks):
            for name in chunk.names:
                places.setdefault(name, []).append(number)
        self.places, self.stale = places, False
        return new
