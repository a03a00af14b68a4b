"""``.gitignore`` and ``.fimignore``: which files a project wants left alone.

Both have git's syntax and git's rules for folders: the nearest file above decides, the last line that matches wins, and
nothing in an ignored folder can be let through again. ``.fimignore`` only ever adds: it can't let through what git ignores.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pathspec import GitIgnoreSpec

from fim_lsp.files import read_text

NAMES = (".gitignore", ".fimignore")

_MOST_STARS = 4  # in one name of a glob
_MOST_GLOBS = 5_000  # of one source; compiling takes 20 microseconds each
_EVERYTHING = ("*",)

Stamp = tuple[int, int, int] | None


class Ignores:
    """Reads each ignore file once. ``roots`` are the workspace's folders; not for several threads at once."""

    def __init__(self, roots: Sequence[Path]) -> None:
        self._roots = tuple(roots)
        self._specs: dict[Path, GitIgnoreSpec | None] = {}
        self._stamps: dict[Path, Stamp] = {}
        self._folders: dict[Path, bool] = {}
        self._tops: dict[Path, Path] = {}

    def hides(self, path: Path) -> bool:
        """Whether a file, or a folder above it, is ignored."""
        return self._folder_hidden(path.parent) or self.matches(path, folder=False)

    def matches(self, path: Path, *, folder: bool) -> bool:
        """Whether a file or folder is ignored by itself, whatever is said of the folders above it."""
        top = self._top(path.parent)
        if path == top:
            return False
        above = [top, *(parent for parent in reversed(path.parents) if parent != top and parent.is_relative_to(top))]
        return any(self._verdict(path, above, name, folder=folder) for name in NAMES)

    def stale(self) -> bool:
        """Whether an ignore file that was looked for has come, gone or changed since."""
        return any(_stamp(path) != stamp for path, stamp in self._stamps.items())

    def _verdict(self, path: Path, above: Sequence[Path], name: str, *, folder: bool) -> bool:
        verdict = False
        for place in above:
            spec = self._spec(place, name)
            if spec is not None:
                found = spec.check_file(path.relative_to(place).as_posix() + "/" * folder).include
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
            repository = next((place for place in (root, *root.parents) if (place / ".git").exists()), None)
            self._tops[folder] = repository or root
        return self._tops[folder]

    def _spec(self, folder: Path, name: str) -> GitIgnoreSpec | None:
        """One that can't be read ignores everything: better too little than too much."""
        path = folder / name
        if path not in self._specs:
            lines = self._lines(path)
            if name == ".gitignore" and (more := self._lines(folder / ".git" / "info" / "exclude")):
                lines = [*more, *(lines or ())]
            self._specs[path] = None if lines is None else compiled(lines)
        return self._specs[path]

    def _lines(self, path: Path) -> Sequence[str] | None:
        self._stamps[path] = _stamp(path)
        try:
            return read_text(path).splitlines()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (OSError, ValueError):
            return _EVERYTHING


def _stamp(path: Path) -> Stamp:
    try:
        status = path.stat()
    except (OSError, ValueError):
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino


def compiled(globs: Sequence[str]) -> GitIgnoreSpec:
    """Globs in git's syntax; one that isn't valid by itself is taken as the name of a file."""
    globs = [short for glob in globs[:_MOST_GLOBS] if (short := _bounded(glob))]
    try:
        return GitIgnoreSpec.from_lines(globs)
    except ValueError:
        lines = []
        for glob in globs:
            try:
                GitIgnoreSpec.from_lines([glob])
                lines.append(glob)
            except ValueError:
                lines.append("".join("\\" + c if c in "*?[]!#\\" else c for c in glob))
        return GitIgnoreSpec.from_lines(lines)


def _bounded(glob: str) -> str:
    """A glob that can be matched in good time: with many stars in one name, each doubles the ways to fail.

    What is cut off makes it match more, which is the safe side; one that lets through is left out instead.
    """
    names = glob.split("/")
    if all(name.count("*") <= _MOST_STARS for name in names):
        return glob
    if glob.startswith("!"):
        return ""
    return "/".join(
        "*".join(name.split("*")[:_MOST_STARS]) + "*" if name.count("*") > _MOST_STARS else name for name in names
    )
