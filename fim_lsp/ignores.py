"""``.gitignore`` and ``.fimignore``: which files a project wants left alone.

Both have git's syntax and git's rules for folders: the nearest file above decides, the last line that matches wins, and
nothing in an ignored folder can be let through again. ``.fimignore`` only ever adds: it can't let through what git ignores.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from fim_lsp.files import read_text
from fim_lsp.globs import Globs

NAMES = (".gitignore", ".fimignore")

_EVERYTHING = ("*",)
_LOOKS = 300  # at ignore files for one :meth:`Ignores.stale`, some 2 microseconds each

Stamp = tuple[int, int, int] | None


class Ignores:
    """Reads each ignore file once. ``roots`` are the workspace's folders.

    Threads may ask at the same time: what was noted first stays, so at worst a change is noticed that was seen already.
    """

    def __init__(self, roots: Sequence[Path]) -> None:
        self._roots = tuple(roots)
        self._specs: dict[Path, Globs | None] = {}
        self._stamps: dict[str, Stamp] = {}
        self._folders: dict[Path, bool] = {}
        self._tops: dict[Path, Path] = {}
        self._looked: Iterator[tuple[str, Stamp]] = iter(())

    def hides(self, path: Path, *, folder: bool = False) -> bool:
        """Whether a file or ``folder``, or a folder above it, is ignored."""
        return self._folder_hidden(path.parent) or self.matches(path, folder=folder)

    def matches(self, path: Path, *, folder: bool) -> bool:
        """Whether a file or folder is ignored by itself, whatever is said of the folders above it."""
        top = self._top(path.parent)
        if path == top:
            return False
        above = [top, *(parent for parent in reversed(path.parents) if parent != top and parent.is_relative_to(top))]
        return any(self._verdict(path, above, name, folder=folder) for name in NAMES)

    def stale(self) -> bool:
        """Whether an ignore file that was looked for has come, gone or changed since.

        Where there are many, each call looks at the next of them.
        """
        some = list(islice(self._looked, _LOOKS))
        if len(some) < _LOOKS:
            self._looked = iter(list(self._stamps.items()))
            some += islice(self._looked, _LOOKS - len(some))
        return any(_stamp(path) != stamp for path, stamp in some)

    def _verdict(self, path: Path, above: Sequence[Path], name: str, *, folder: bool) -> bool:
        verdict = False
        for place in above:
            spec = self._spec(place, name)
            if spec is not None:
                found = spec.verdict(path.relative_to(place).as_posix() + "/" * folder)
                verdict = verdict if found is None else found
        return verdict

    def _folder_hidden(self, folder: Path) -> bool:
        if folder not in self._folders:
            self._folders[folder] = folder != self._top(folder) and (
                self._folder_hidden(folder.parent) or self.matches(folder, folder=True)
            )
        return self._folders[folder]

    def _top(self, folder: Path) -> Path:
        """Where to begin: the workspace's folder, or the repository's that it lies in; else the nearest repository's."""
        if folder not in self._tops:
            root = next((root for root in self._roots if folder.is_relative_to(root)), folder)
            repository = next((place for place in (root, *root.parents) if os.path.exists(place / ".git")), None)
            self._tops[folder] = repository or root
        return self._tops[folder]

    def _spec(self, folder: Path, name: str) -> Globs | None:
        """One that can't be read ignores everything: better too little than too much."""
        path = folder / name
        if path not in self._specs:
            lines = self._lines(path)
            if name == ".gitignore" and (more := self._lines(self._repository(folder) / "info" / "exclude")):
                lines = [*more, *(lines or ())]
            self._specs.setdefault(path, None if lines is None else Globs(lines))
        return self._specs[path]

    def _repository(self, folder: Path) -> Path:
        """Where git keeps what all of a repository's work trees share: ``.git``, or what that leads to as a file."""
        git = folder / ".git"
        if not os.path.isfile(git):
            return git
        said = next((line for line in self._lines(git) or () if line.startswith("gitdir:")), "")
        own = Path(os.path.normpath(folder / said.removeprefix("gitdir:").strip()))
        return own.parents[1] if own.parent.name == "worktrees" else own

    def _lines(self, path: Path) -> Sequence[str] | None:
        self._stamps.setdefault(str(path), _stamp(str(path)))
        try:
            text = read_text(path)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (OSError, ValueError):
            return _EVERYTHING
        return [line.removesuffix("\r") for line in text.removeprefix("\ufeff").split("\n")]


def _stamp(path: str) -> Stamp:
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino
