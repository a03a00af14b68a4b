"""Which files may be sent, and which may be indexed."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import unquote

from fim_lsp.globs import Globs
from fim_lsp.ignores import Ignores


class Paths:
    """The workspace's folders, the globs of ``exclude`` and the project's own ignore files."""

    def __init__(self, roots: Sequence[Path], exclude: Sequence[str], local_only: Sequence[str] = ()) -> None:
        self.roots = tuple(roots)
        self.exclude = tuple(exclude)
        self.local_only = tuple(local_only)
        self._local = Globs([name.casefold() for glob in local_only for name in _absolute(glob)])
        self._excluded = Globs([glob.casefold() for glob in exclude])
        self._real_roots = tuple(_resolved(root) for root in self.roots)
        places = tuple(dict.fromkeys((*self.roots, *self._real_roots)))
        self._ignores = Ignores(places)
        self._index_ignores = Ignores(places)

    def relative(self, path: Path) -> str:
        """The path inside the workspace with forward slashes, or ``""`` for a file outside of it."""
        root = self._root(path)
        return path.relative_to(root).as_posix() if root is not None else ""

    def inside(self, path: Path) -> bool:
        """Whether a file lies in the workspace, with the links on the way to it followed."""
        try:
            real = path.resolve()
        except (OSError, ValueError, RuntimeError):
            return False
        return self._root(path) is not None and any(real.is_relative_to(root) for root in self._real_roots)

    def _root(self, path: Path) -> Path | None:
        if ".." in path.parts:
            return None
        return next((root for root in self.roots if path.is_relative_to(root)), None)

    def hidden(self, uri: str, path: Path | None) -> bool:
        """Whether a document is never to be sent, be it a file, an old version of one, on another machine, or not saved.

        ``path`` is its file, if it is one on this machine; a link is also what it leads to. What can't be told is hidden.
        """
        try:
            names = [Path(name) for name in _names(uri)] + ([path] if path else [])
            real = [name.resolve() for name in names if name.is_absolute()]
        except (OSError, ValueError, RuntimeError):  # a NUL, half a surrogate pair, links in a circle
            return True
        if not names or any(self.excluded(name) for name in (*names, *real)):
            return True
        return any(self._ignores.hides(name) for name in dict.fromkeys([*([path] if path else []), *real]))

    def stays(self, uri: str, path: Path | None) -> bool:
        """Whether a document may only be sent to back ends on this machine; see :meth:`hidden` for the arguments.

        A document without a file stays if one of the workspace's folders does, and so does what can't be told.
        """
        if not self.local_only:
            return False
        try:
            names = [Path(name) for name in _names(uri)] + ([path] if path else [])
            names += [name.resolve() for name in names if name.is_absolute()]
        except (OSError, ValueError, RuntimeError):
            return True
        return not names or any(map(self._is_local, names)) or (path is None and any(map(self._is_local, self.roots)))

    def _is_local(self, path: Path) -> bool:
        """Whether the globs of ``local_only`` match a path, seen from the workspace or from the file system's root."""
        names = {self.relative(path), self._really(path), path.as_posix().lstrip("/")} - {"", "."}
        plain = [name.casefold() for name in names]
        return any(self._local.match_file(name) or self._local.match_file(f"{name}/") for name in plain)

    def excluded(self, path: Path) -> bool:
        """Whether a file is never to be sent. Outside of the workspace its whole path is matched."""
        return self._matches(self.relative(path) or self._really(path) or path.as_posix().lstrip("/"))

    def _really(self, path: Path) -> str:
        """The same as :meth:`relative` for a path without links."""
        return next((path.relative_to(root).as_posix() for root in self._real_roots if path.is_relative_to(root)), "")

    def _matches(self, name: str) -> bool:
        """Whether the globs exclude a name, in whatever case: a file system may not tell ``.ENV`` from ``.env``."""
        return self._excluded.match_file(name.casefold())

    def indexable(self, path: Path) -> bool:
        """Whether a file or folder of the workspace may be read unasked: not excluded, not ignored.

        To be asked from the workspace's folder downwards: what lies in an excluded folder is not looked at again. For
        what reads many files, in whatever thread: a change of the rules may be noticed some calls of :meth:`stale` late.
        """
        return self._unasked(path, self._index_ignores)

    def importable(self, path: Path) -> bool:
        """The same for the few files that open documents import."""
        return self._unasked(path, self._ignores)

    def _unasked(self, path: Path, ignores: Ignores) -> bool:
        root = self._root(path)
        if root is None or path.name == ".git":
            return False
        folder = os.path.isdir(path)
        inner = path.relative_to(root)
        if self._matches(inner.as_posix() + "/" * folder):
            return False
        real = self._real_roots[self.roots.index(root)] / inner  # nobody follows the links below a root
        return not any(ignores.hides(name, folder=folder) for name in dict.fromkeys((path, real)))

    def stale(self) -> bool:
        """Whether a project's ignore files have changed, so that what was said of files may not hold."""
        return self._ignores.stale() or self._index_ignores.stale()


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


def _absolute(glob: str) -> tuple[str, ...]:
    """A glob that names a place from the file system's root or the user's home folder, as it is and without links.

    Editors open files by either name.
    """
    if glob == "~" or glob.startswith("~/"):
        try:
            glob = Path.home().as_posix() + glob[1:]
        except RuntimeError:  # there is none
            return (glob,)
    if not glob.startswith("/"):
        return (glob,)
    names = glob.split("/")
    fixed = next((at for at, name in enumerate(names) if re.search(r"[*?\[\\]", name)), len(names))
    try:
        real = Path("/".join(names[:fixed]) or "/").resolve().as_posix()
    except (OSError, ValueError, RuntimeError):
        return (glob,)
    rest = "/".join(names[fixed:])
    return tuple(dict.fromkeys((glob, f"{real.rstrip('/')}/{rest}" if rest or glob.endswith("/") else real)))


def _resolved(root: Path) -> Path:
    try:
        return root.resolve()
    except (OSError, ValueError, RuntimeError):
        return root
