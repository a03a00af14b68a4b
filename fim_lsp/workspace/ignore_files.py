"""``.gitignore`` and ``.fimignore``: which files a project wants left alone.

Both have git's syntax and git's rules for folders: the nearest file above decides, the last line that matches wins, and
nothing in an ignored folder can be let through again. ``.fimignore`` only ever adds: it can't let through what git ignores.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from fim_lsp.workspace.globs import IgnoreFile
from fim_lsp.workspace.safe_read import Stamp, file_stamp, read_text

NAMES = (".gitignore", ".fimignore")

_EVERYTHING = ("*",)
_LOOKS = 300  # at ignore files for one :meth:`Ignores.stale`, some 2 microseconds each


@dataclass(frozen=True, slots=True)
class _Folder:
    """What holds in a folder: whether it is ignored, and its and its parents' ignore files, each with the length of the path
    to where it is. ``top`` is the uppermost folder whose ignore files count.
    """

    top: str
    hidden: bool
    files: tuple[tuple[tuple[IgnoreFile, int], ...], ...]


class IgnoreFiles:
    """Reads each ignore file once. ``roots`` are the workspace's folders.

    Threads may ask at the same time: what was noted first stays, so at worst a change is noticed that was seen already.
    """

    def __init__(self, roots: Sequence[Path]) -> None:
        self._roots = tuple(roots)
        self._stamps: dict[str, Stamp] = {}
        self._folders: dict[str, _Folder] = {}
        self._looked: Iterator[tuple[str, Stamp]] = iter(())

    def is_ignored(self, path: Path, *, folder: bool = False) -> bool:
        """Whether a file or ``folder``, or a folder above it, is ignored."""
        above = self._folder(path.parent)
        return above.hidden or _matched(above, str(path), folder=folder)

    def matches(self, path: Path, *, folder: bool) -> bool:
        """Whether a file or folder is ignored by itself, whatever is said of the folders above it."""
        return _matched(self._folder(path.parent), str(path), folder=folder)

    def poll_changes(self) -> bool:
        """Whether an ignore file that was looked for has come, gone or changed since.

        Where there are many, each call looks at the next of them.
        """
        some = list(islice(self._looked, _LOOKS))
        if len(some) < _LOOKS:
            self._looked = iter(self._stamps.copy().items())
            some += islice(self._looked, _LOOKS - len(some))
        return any(file_stamp(path) != stamp for path, stamp in some)

    @property
    def folder_count(self) -> int:
        """How many folders are remembered."""
        return len(self._folders)

    def any_changed(self) -> bool:
        """The same as :meth:`stale`, of all files at once."""
        return any(file_stamp(path) != stamp for path, stamp in self._stamps.copy().items())

    def _folder(self, folder: Path) -> _Folder:
        """From the uppermost folder that is not known yet downwards: a path may have thousands of names."""
        known = self._folders.get(str(folder))
        if known is not None:
            return known
        top = self._top(folder)
        unknown = [folder]
        for place in folder.parents if folder != top else ():
            known = self._folders.get(str(place))
            if known is not None and known.top == str(top):
                break
            unknown.append(place)
            if place == top:
                known = None
                break
        for place in reversed(unknown):
            known = self._enter(place, top, known)
            known = self._folders.setdefault(str(place), known) if known.top == str(top) else known
        assert known is not None, "the folder itself is among the unknown"  # noqa: S101
        return known

    def _enter(self, folder: Path, top: Path, above: _Folder | None) -> _Folder:
        name = str(folder)
        hidden = above is not None and (above.hidden or _matched(above, name, folder=True))
        length = len(name) + (not name.endswith(os.sep))
        files = []
        for index, kind in enumerate(NAMES):
            own = self._ignore_file(folder, kind)
            files.append((*(above.files[index] if above else ()), *(((own, length),) if own else ())))
        return _Folder(str(top), hidden, tuple(files))

    def _top(self, folder: Path) -> Path:
        """Where to begin: the workspace's folder, or the repository's that it lies in; else the nearest repository's."""
        root = next((root for root in self._roots if folder.is_relative_to(root)), folder)
        repository = next((place for place in (root, *root.parents) if os.path.exists(place / ".git")), None)
        return repository or root

    def _ignore_file(self, folder: Path, name: str) -> IgnoreFile | None:
        """One that can't be read ignores everything: better too little than too much."""
        lines = self._lines(folder / name)
        if name == ".gitignore" and (more := self._lines(self._repository(folder) / "info" / "exclude")):
            lines = [*more, *(lines or ())]
        return None if lines is None else IgnoreFile(lines)

    def _repository(self, folder: Path) -> Path:
        """Where git keeps what all of a repository's work trees share: ``.git``, or what that leads to as a file."""
        git = folder / ".git"
        if not os.path.isfile(git):
            return git
        said = next((line for line in self._lines(git) or () if line.startswith("gitdir:")), "")
        own = Path(os.path.normpath(folder / said.removeprefix("gitdir:").strip()))
        return own.parents[1] if own.parent.name == "worktrees" else own

    def _lines(self, path: Path) -> Sequence[str] | None:
        self._stamps.setdefault(str(path), file_stamp(str(path)))
        try:
            text = read_text(path)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (OSError, ValueError):
            return _EVERYTHING
        return [line.removesuffix("\r") for line in text.removeprefix("\ufeff").split("\n")]


def _matched(above: _Folder, path: str, *, folder: bool) -> bool:
    """Whether a folder's ignore files and those above it ignore a path in it: of each kind the nearest that speaks of it."""
    for files in above.files:
        for file, length in reversed(files):
            verdict = file.verdict(path[length:].replace(os.sep, "/"), folder=folder)
            if verdict is not None:
                if verdict:
                    return True
                break
    return False
