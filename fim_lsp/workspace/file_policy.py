"""Which files may be sent, and which may be indexed."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import unquote

from fim_lsp.workspace.ignore_files import IgnoreFiles
from fim_lsp.workspace.setting_globs import SettingGlobs

_UNKNOWABLE = (OSError, ValueError, RuntimeError)  # a NUL, half a surrogate pair, links in a circle
_MANY = 500  # folders of documents, a kilobyte each


class FilePolicy:
    """The workspace's folders, the globs of ``exclude`` and the project's own ignore files."""

    def __init__(self, roots: Sequence[Path], exclude: Sequence[str], local_only: Sequence[str] = ()) -> None:
        self.roots = tuple(roots)
        self.exclude = tuple(exclude)
        self.local_only = tuple(local_only)
        self._local = SettingGlobs(local_only, above=True)
        self._excluded = SettingGlobs(exclude)
        self._real_roots = tuple(_resolved(root) for root in self.roots)
        places = tuple(dict.fromkeys((*self.roots, *self._real_roots)))
        self._places = places
        self._many = _MANY
        self._tops = tuple(f"{root.as_posix().rstrip('/')}/" for root in places)
        self._ignores = IgnoreFiles(places)
        self._index_ignores = IgnoreFiles(places)

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
            names, real = _all_names(uri, path)
            if (
                not names
                or any(self.excluded(name) for name in (*names, *real))
                or any(map(self._excluded_above, names))
            ):
                return True
            return any(self._ignores.hides(name) for name in dict.fromkeys([*([path] if path else []), *real]))
        except _UNKNOWABLE:
            return True

    def stays(self, uri: str, path: Path | None) -> bool:
        """Whether a document may only be sent to back ends on this machine; see :meth:`hidden` for the arguments.

        A document without a file stays if one of the workspace's folders does, and so does what can't be told.
        """
        if not self.local_only:
            return False
        try:
            names, real = _all_names(uri, path)
            places = [*names, *real, *(self.roots if path is None else ())]
            return not names or any(self._matches(self._local, name) for name in places)
        except _UNKNOWABLE:
            return True

    def excluded(self, path: Path) -> bool:
        """Whether a file is never to be sent. Outside of the workspace its whole path is matched."""
        return self._matches(self._excluded, path)

    def _excluded_above(self, path: Path) -> bool:
        """Whether a folder that the workspace lies in, or is, excludes it: who opens ``~/.ssh`` has secrets before them."""
        absolute = path.as_posix().lstrip("/")
        return any(self._excluded.match("", absolute, folder=folder) for folder in (False, True))

    def _matches(self, globs: SettingGlobs, path: Path) -> bool:
        """Whether globs match a document's path, as a file or as a folder: who knows what an editor shows under its name."""
        name = path.as_posix()
        absolute = name.lstrip("/") if path.is_absolute() or name[:1] == "/" else ""
        inner = self._relatives(path)
        if not inner and not absolute:
            return any(globs.match(name, "", folder=folder) for folder in (False, True))
        return any(globs.match(one, absolute, folder=folder) for one in inner or [""] for folder in (False, True))

    def _relatives(self, path: Path) -> list[str]:
        """The path as seen from each of the workspace's folders that it lies in, with links on the way there or without."""
        if ".." in path.parts:
            return []
        name = path.as_posix()
        return list(dict.fromkeys(name[len(top) :] for top in self._tops if name.startswith(top) and name != top))

    def indexable(self, path: Path) -> bool:
        """Whether a file or folder of the workspace may be read unasked: not excluded, not ignored.

        To be asked from the workspace's folder downwards: what lies in an excluded folder is not looked at again. For
        what reads many files, in whatever thread: a change of the rules may be noticed some calls of :meth:`stale` late.
        """
        return self._unasked(path, self._index_ignores)

    def importable(self, path: Path) -> bool:
        """The same for the few files that open documents import."""
        return self._unasked(path, self._ignores)

    def _unasked(self, path: Path, ignores: IgnoreFiles) -> bool:
        root = self._root(path)
        if root is None or path.name == ".git":
            return False
        folder = os.path.isdir(path)
        real_root = self._real_roots[self.roots.index(root)]
        real = (
            path if real_root == root else real_root / path.relative_to(root)
        )  # nobody follows the links below a root
        return not any(self._is_ruled_out(name, ignores, folder=folder) for name in dict.fromkeys((path, real)))

    def _is_ruled_out(self, path: Path, ignores: IgnoreFiles, *, folder: bool) -> bool:
        absolute = path.as_posix().lstrip("/")
        return any(self._excluded.match(inner, absolute, folder=folder) for inner in self._relatives(path)) or (
            ignores.hides(path, folder=folder)
        )

    def forget_closed(self, ask_again: Callable[[], None]) -> None:
        """Let go of folders that only closed documents lay in, once there are many.

        ``ask_again`` asks about all that is in use, so that changes there are noticed as before. If there is one already,
        everything stays until :meth:`stale` has noticed it.
        """
        if self._ignores.folders < self._many or self._ignores.changed():
            return
        self._ignores = IgnoreFiles(self._places)
        ask_again()
        self._many = max(_MANY, 2 * self._ignores.folders)

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
    names = [re.sub(r"^///+", "/", re.sub(r"^//(?=[^/])", "", name)) for name in names]
    return [name for name in dict.fromkeys(names) if name]


def _all_names(uri: str, path: Path | None) -> tuple[list[Path], list[Path]]:
    """What a document is called, and what those names lead to."""
    names = [Path(name) for name in _names(uri)] + ([path] if path else [])
    return names, [name.resolve() for name in names if name.is_absolute()]


def _resolved(root: Path) -> Path:
    try:
        return root.resolve()
    except (OSError, ValueError, RuntimeError):
        return root
