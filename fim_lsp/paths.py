"""Which files may be sent, and which may be indexed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pathspec import GitIgnoreSpec


class Paths:
    """The workspace's folders and the globs of ``exclude``."""

    def __init__(self, roots: Sequence[Path], exclude: Sequence[str]) -> None:
        self.roots = tuple(roots)
        self.exclude = tuple(exclude)
        self._excluded = _spec(exclude)
        self._ignores: dict[Path, GitIgnoreSpec | None] = {}

    def relative(self, path: Path) -> str:
        """The path inside the workspace with forward slashes, or ``""`` for a file outside of it."""
        for root in self.roots:
            if path.is_relative_to(root):
                return path.relative_to(root).as_posix()
        return ""

    def excluded(self, path: Path) -> bool:
        """Whether a file is never to be sent. Outside of the workspace its whole path is matched."""
        return self._excluded.match_file(self.relative(path) or path.as_posix().lstrip("/"))

    def indexable(self, path: Path) -> bool:
        """Whether a file or folder of the workspace may be read unasked: not excluded, not ignored by git.

        To be asked from the workspace's folder downwards: what lies in an ignored folder is not looked at again.
        """
        root = next((root for root in self.roots if path.is_relative_to(root)), None)
        if root is None or path.name == ".git":
            return False
        folder = path.is_dir()
        inside = path.relative_to(root).as_posix() + ("/" if folder else "")
        if self._excluded.match_file(inside):
            return False
        verdict = False
        for above in (root, *reversed([p for p in path.parents if p != root and p.is_relative_to(root)])):
            spec = self._ignore(above)
            if spec is not None:
                found = spec.check_file(path.relative_to(above).as_posix() + ("/" if folder else "")).include
                verdict = verdict if found is None else found
        return not verdict

    def _ignore(self, folder: Path) -> GitIgnoreSpec | None:
        """The folder's ``.gitignore``. One that can't be read ignores everything: better too little than too much."""
        if folder not in self._ignores:
            try:
                self._ignores[folder] = _spec((folder / ".gitignore").read_text("utf-8").splitlines())
            except (FileNotFoundError, NotADirectoryError):
                self._ignores[folder] = None
            except (OSError, UnicodeDecodeError):
                self._ignores[folder] = _spec(["*"])
        return self._ignores[folder]


def _spec(globs: Sequence[str]) -> GitIgnoreSpec:
    """Compiled globs; one that isn't valid by itself is taken as the name of a file."""
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
