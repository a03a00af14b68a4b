"""Which files may be sent, and which may be indexed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import unquote

from pathspec import GitIgnoreSpec

from fim_lsp.files import read_text

_MOST_STARS = 4  # in one name of a glob
_MOST_GLOBS = 5_000  # of one source; compiling takes 20 microseconds each


class Paths:
    """The workspace's folders and the globs of ``exclude``."""

    def __init__(self, roots: Sequence[Path], exclude: Sequence[str]) -> None:
        self.roots = tuple(roots)
        self.exclude = tuple(exclude)
        self._excluded = _spec([glob.casefold() for glob in exclude])
        self._real_roots = tuple(_resolved(root) for root in self.roots)
        self._ignores: dict[Path, GitIgnoreSpec | None] = {}

    def relative(self, path: Path) -> str:
        """The path inside the workspace with forward slashes, or ``""`` for a file outside of it."""
        for root in self.roots:
            if path.is_relative_to(root):
                return path.relative_to(root).as_posix()
        return ""

    def hidden(self, uri: str, path: Path | None) -> bool:
        """Whether a document is never to be sent, be it a file, an old version of one, on another machine, or not saved.

        ``path`` is its file, if it is one on this machine; a link is also what it leads to. What can't be told is hidden.
        """
        try:
            names = [Path(name) for name in _names(uri)] + ([path] if path else [])
            real = [name.resolve() for name in names if name.is_absolute()]
        except (OSError, ValueError, RuntimeError):  # a NUL, half a surrogate pair, links in a circle
            return True
        return not names or any(self.excluded(name) for name in (*names, *real))

    def excluded(self, path: Path) -> bool:
        """Whether a file is never to be sent. Outside of the workspace its whole path is matched."""
        return self._matches(self.relative(path) or self._really(path) or path.as_posix().lstrip("/"))

    def _really(self, path: Path) -> str:
        """The same as :meth:`relative` for a path without links."""
        return next((path.relative_to(root).as_posix() for root in self._real_roots if path.is_relative_to(root)), "")

    def _matches(self, name: str) -> bool:
        """Whether the globs exclude a name, in whatever case: a file system may not tell ``.ENV`` from ``.env``."""
        return self._excluded.match_file(name.casefold().replace("\n", "_"))  # which a regex's dot doesn't match

    def indexable(self, path: Path) -> bool:
        """Whether a file or folder of the workspace may be read unasked: not excluded, not ignored by git.

        To be asked from the workspace's folder downwards: what lies in an ignored folder is not looked at again.
        """
        root = next((root for root in self.roots if path.is_relative_to(root)), None)
        if root is None or path.name == ".git":
            return False
        folder = path.is_dir()
        inside = path.relative_to(root).as_posix() + ("/" if folder else "")
        if self._matches(inside):
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
                self._ignores[folder] = _spec(read_text(folder / ".gitignore").splitlines())
            except (FileNotFoundError, NotADirectoryError):
                self._ignores[folder] = None
            except (OSError, ValueError):
                self._ignores[folder] = _spec(["*"])
        return self._ignores[folder]


def _names(uri: str) -> list[str]:
    """What the globs are matched against: a URI's path without query and fragment, with its host and without.

    What else may part names in a URI does so too: ``\\``, the ``:`` of ``gitsigns:///.git//:0:.env`` and the ``!`` of
    ``jar:``. A ``file:`` URI has neither query nor fragment, but editors have sent ``#`` and ``?`` of names as they are.
    """
    scheme, colon, rest = uri.partition(":")
    if not colon or len(scheme) == 1:  # no URI but a name, or C:\
        scheme, rest = "file", uri
    bare = re.split(r"[?#]", rest, maxsplit=1)[0]
    host = re.match(r"//[^/]*", bare)
    names = [bare, bare[host.end() :] if host else "", rest if scheme.lower() == "file" else ""]
    names = [unquote(name).replace("\\", "/") for name in names]
    names += [re.sub(r"[:!]", "/", name) for name in names]
    return [name for name in dict.fromkeys(re.sub(r"^//+", "", name) for name in names) if name]


def _resolved(root: Path) -> Path:
    try:
        return root.resolve()
    except (OSError, ValueError, RuntimeError):
        return root


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


def _spec(globs: Sequence[str]) -> GitIgnoreSpec:
    """Compiled globs; one that isn't valid by itself is taken as the name of a file."""
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
