"""The files that a project's ``.gitignore`` and ``.fimignore`` ignore.

Both follow git's syntax and precedence: the nearest file above decides, its last matching line wins, and nothing in an
ignored folder can be re-included. A ``.fimignore`` can't re-include what git ignores.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TypeAlias

from fim_lsp.workspace.exclusion import Exclusion
from fim_lsp.workspace.globs import IgnoreRules, Match
from fim_lsp.workspace.safe_read import Stamp, file_stamp, read_text

_NAMES = (".gitignore", ".fimignore")

_EVERYTHING = ("*",)
_FILES_PER_POLL = 300  # checking one takes some 2 microseconds

IgnoreMatcher: TypeAlias = Callable[[str, bool], bool]
"""Called with a path, and whether it is a folder."""

_Files: TypeAlias = tuple[tuple[IgnoreRules, int], ...]
"""Ignore files of one kind from the top down, each with the length of the path to it."""


@dataclass(frozen=True, slots=True)
class _Folder:
    """The rules in a folder.

    ``ignored`` is true if the folder itself is. ``files`` are, for each of :data:`_NAMES`, the ignore files from ``top``,
    the uppermost folder that counts, down to the folder.
    """

    top: str
    ignored: bool
    files: tuple[_Files, ...]


class IgnoreFiles:
    """Reads and caches ignore files. ``roots`` are the workspace's folders.

    Safe to use from several threads: the first stamp of a file is kept, so at worst a change is reported needlessly.
    """

    def __init__(self, roots: Sequence[Path]) -> None:
        self._roots = tuple(roots)
        self._stamps: dict[str, Stamp] = {}
        self._folders: dict[str, _Folder] = {}
        self._to_poll: Iterator[tuple[str, Stamp]] = iter(())

    def is_ignored(self, path: Path, *, folder: bool = False) -> bool:
        """Whether a file or ``folder``, or a folder above it, is ignored."""
        parent = self._folder(path.parent)
        return parent.ignored or _ignores(parent, str(path), folder=folder)

    def matcher(self, folder: Path) -> IgnoreMatcher:
        """Whether a file or folder in ``folder``, given with its whole path, is ignored; for many of them."""
        rules = self._folder(folder)
        return lambda path, is_folder: rules.ignored or _ignores(rules, path, folder=is_folder)

    def explain(self, path: Path, *, folder: bool = False) -> Exclusion | None:
        """The line by which a file or ``folder``, or a folder above it, is ignored. Reads the file with the line again."""
        top = self._top(path.parent)
        places = [path, *(place for place in path.parents if place != top and place.is_relative_to(top))]
        for place in reversed(places):
            above = self._folder(place.parent)
            for kind, files in zip(_NAMES, above.files, strict=True):
                is_folder = folder or place != path
                if (deciding := _deciding(files, str(place), folder=is_folder)) is not None:
                    rules, length = deciding
                    number = rules.last_line(_relative(str(place), length), folder=is_folder)
                    return self._line(Path(str(place)[:length]) / kind, number)
        return None

    def matches(self, path: Path, *, folder: bool) -> bool:
        """Whether a file or folder itself is ignored, regardless of the folders above it."""
        return _ignores(self._folder(path.parent), str(path), folder=folder)

    def poll_changes(self) -> bool:
        """Whether an ignore file was created, changed or deleted since it was read.

        If there are many, each call checks only the next ones.
        """
        batch = list(islice(self._to_poll, _FILES_PER_POLL))
        if len(batch) < _FILES_PER_POLL:
            self._to_poll = iter(self._stamps.copy().items())
            batch += islice(self._to_poll, _FILES_PER_POLL - len(batch))
        return any(file_stamp(path) != stamp for path, stamp in batch)

    @property
    def folder_count(self) -> int:
        """The number of cached folders."""
        return len(self._folders)

    def any_changed(self) -> bool:
        """Like :meth:`poll_changes`, but checks all files."""
        return any(file_stamp(path) != stamp for path, stamp in self._stamps.copy().items())

    def _folder(self, folder: Path) -> _Folder:
        """Caches the folder and its parents, from the top down and without recursion: a path may have thousands of parts."""
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
            known = self._read(place, top, known)
            known = self._folders.setdefault(str(place), known) if known.top == str(top) else known
        assert known is not None, "the folder itself is among the unknown"  # noqa: S101
        return known

    def _read(self, folder: Path, top: Path, above: _Folder | None) -> _Folder:
        name = str(folder)
        ignored = above is not None and (above.ignored or _ignores(above, name, folder=True))
        length = len(name) + (not name.endswith(os.sep))
        files = []
        for index, kind in enumerate(_NAMES):
            inherited = above.files[index] if above else ()
            file = self._ignore_file(folder, kind)
            files.append((*inherited, (file, length)) if file else inherited)
        return _Folder(str(top), ignored, tuple(files))

    def _top(self, folder: Path) -> Path:
        """The uppermost folder that counts: the repository that contains the workspace, or the file, else that folder."""
        root = next((root for root in self._roots if folder.is_relative_to(root)), folder)
        repository = next((place for place in (root, *root.parents) if os.path.exists(place / ".git")), None)
        return repository or root

    def _ignore_file(self, folder: Path, name: str) -> IgnoreRules | None:
        """A file that can't be read ignores everything (fail closed)."""
        files = [(file, lines) for file in self._sources(folder, name) if (lines := self._lines(file)) is not None]
        return IgnoreRules([line for _, lines in files for line in lines]) if files else None

    def _sources(self, folder: Path, name: str) -> tuple[Path, ...]:
        """The files whose lines are the rules of one kind in a folder."""
        file = folder / name
        return (self._repository(folder) / "info" / "exclude", file) if name == ".gitignore" else (file,)

    def _line(self, file: Path, number: int) -> Exclusion:
        """Where the line with this number is written, and its text; -1 for no line in particular."""
        for source in self._sources(file.parent, file.name):
            lines = self._lines(source) or ()
            if 0 <= number < len(lines):
                if lines is _EVERYTHING:
                    return Exclusion(source=str(source), because="which can't be read")
                return Exclusion(source=str(source), line=number + 1, rule=lines[number])
            number -= len(lines)
        return Exclusion(source=str(file), because="which is too large to be matched")

    def _repository(self, folder: Path) -> Path:
        """The git directory that all work trees of a repository share: ``.git``, or the one that a ``.git`` file points to."""
        git = folder / ".git"
        if not os.path.isfile(git):
            return git
        pointer = next((line for line in self._lines(git) or () if line.startswith("gitdir:")), "")
        target = Path(os.path.normpath(folder / pointer.removeprefix("gitdir:").strip()))
        return target.parents[1] if target.parent.name == "worktrees" else target

    def _lines(self, path: Path) -> Sequence[str] | None:
        self._stamps.setdefault(str(path), file_stamp(str(path)))
        try:
            text = read_text(path)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (OSError, ValueError):
            return _EVERYTHING
        return [line.removesuffix("\r") for line in text.removeprefix("\ufeff").split("\n")]


def _ignores(parent: _Folder, path: str, *, folder: bool) -> bool:
    """Whether the rules in a folder ignore a path in it."""
    return any(_deciding(files, path, folder=folder) is not None for files in parent.files)


def _deciding(files: _Files, path: str, *, folder: bool) -> tuple[IgnoreRules, int] | None:
    """The file of one kind that ignores a path: the nearest one with a verdict decides."""
    for file, length in reversed(files):
        match = file.match(_relative(path, length), folder=folder)
        if match is Match.IGNORED:
            return file, length
        if match is Match.INCLUDED:
            break
    return None


def _relative(path: str, length: int) -> str:
    return path[length:].replace(os.sep, "/")
