"""Which files of a workspace may be sent, indexed or imported."""

from __future__ import annotations

import contextlib
import os
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote

from fim_lsp.workspace.exclusion import BUILT_IN, Exclusion
from fim_lsp.workspace.folder_rules import FolderName, FolderRules
from fim_lsp.workspace.ignore_files import IgnoreFiles
from fim_lsp.workspace.setting_globs import DEFAULT_EXCLUDES, SettingGlobs, has_known_home

_UNRESOLVABLE = (OSError, ValueError, RuntimeError)  # a NUL byte, half a surrogate pair, a loop of symbolic links
_MAX_QUERY = 8_192  # characters of a URI's query in which paths are looked for
_MAX_FOLDERS = 500  # cached folders before those of closed documents are dropped; each takes about a kilobyte


class FilePolicy:
    """Applies ``exclude``, ``local_only`` and the project's ignore files to the folders of a workspace.

    A policy is immutable apart from its caches: other roots or globs need a new one. Whatever can't be determined is
    decided in favor of privacy: the document is not sent, or only to back ends on this machine.
    """

    def __init__(
        self,
        roots: Sequence[Path],
        exclude: Sequence[str],
        local_only: Sequence[str] = (),
        *,
        ignore_case: bool = sys.platform in ("win32", "darwin"),
    ) -> None:
        self._roots = tuple(roots)
        self._globs = tuple(exclude), tuple(local_only)
        self._excluded = SettingGlobs(exclude)
        self._local_only = SettingGlobs(local_only, match_parents=True) if local_only else None
        self._real_roots = tuple(_resolved(root) for root in self._roots)
        self._all_roots = tuple(dict.fromkeys((*self._roots, *self._real_roots)))
        self._fold: Callable[[str], str] = (
            str.casefold if ignore_case else str
        )  # as the file systems of Windows and macOS
        self._prefixes = tuple(f"{root.as_posix().rstrip('/')}/" for root in self._all_roots)
        self._ignores = IgnoreFiles(self._all_roots)
        self._index_ignores = IgnoreFiles(self._all_roots)  # apart: the index walks thousands of folders in its thread
        self._index_rules: FolderRules | None = (
            None  # of the folder that was asked about last: a walk asks folder by folder
        )
        self._max_folders = _MAX_FOLDERS

    def applies_to(self, roots: Sequence[Path], exclude: Sequence[str], local_only: Sequence[str]) -> bool:
        """Whether this is the policy for these folders and globs."""
        return (self._roots, self._globs) == (tuple(roots), (tuple(exclude), tuple(local_only)))

    def may_send(self, uri: str, path: Path | None) -> bool:
        """Whether a document may leave this process at all.

        ``path`` is the document's file, if it has one on this machine. A document without one (an earlier revision, an
        unsaved buffer, a file on another machine) is judged by the names in its URI, a symbolic link also by its target.
        """
        try:
            names, targets = _all_names(uri, path)
            if not names or any(map(self.is_excluded, (*names, *targets))) or any(map(self._in_excluded_parent, names)):
                return False
            files = dict.fromkeys((*([path] if path else []), *targets))
            return not any(self._ignores.is_ignored(file) for file in files)
        except _UNRESOLVABLE:
            return False

    def exclusion(self, uri: str, path: Path | None) -> Exclusion | None:
        """Why :meth:`may_send` returns false for a document, None if it does not. Slow: to be asked by people only."""
        if self.may_send(uri, path):
            return None
        try:
            names, targets = _all_names(uri, path)
            found = self._find_exclusion(names, targets, path)
        except _UNRESOLVABLE:
            found = None
        return found or Exclusion(source="", because="because its name is unusual")

    def index_exclusion(self, path: Path) -> Exclusion | None:
        """The rule because of which :meth:`may_index` returns false for a file or folder, None if there is no such rule."""
        folder = os.path.isdir(path)
        for name in (path, path.resolve()):
            if found := self._glob_for("exclude", self._excluded, name) or self._index_ignores.explain(
                name, folder=folder
            ):
                return found
        return None

    def local_only_rule(self, uri: str, path: Path | None) -> Exclusion | None:
        """Why :meth:`local_only` returns true for a document, None if it does not."""
        if self._local_only is None or not self.local_only(uri, path):
            return None
        with contextlib.suppress(*_UNRESOLVABLE):
            names, targets = _all_names(uri, path)
            for place in (*names, *targets, *(self._roots if path is None else ())):
                if found := self._glob_for("local_only", self._local_only, place):
                    return found
        return Exclusion(source="", because="because its name is unusual")

    def local_only(self, uri: str, path: Path | None) -> bool:
        """Whether a document may only be sent to back ends on this machine; the arguments are those of :meth:`may_send`.

        A document without a file is local if any folder of the workspace is.
        """
        if self._local_only is None:
            return False
        try:
            names, targets = _all_names(uri, path)
            places = [*names, *targets, *(self._roots if path is None else ())]
            return not names or any(self._matches(self._local_only, place) for place in places)
        except _UNRESOLVABLE:
            return True

    def may_index(self, path: Path, is_folder: bool | None = None) -> bool:
        """Whether the workspace index may read a file or enter a folder: it is neither excluded nor ignored.

        ``is_folder`` saves a look at the disk. Call it from the workspace's folder downwards: parents are not checked against
        ``exclude`` again. Safe to call from any thread; :meth:`poll_changes` may notice a changed ignore file only after
        several calls.
        """
        folder = path.parent
        rules = self._index_rules
        if rules is None or rules.folder != folder:
            rules = self._index_rules = self._rules_in(folder, self._index_ignores)
        return rules.allow(path.name, is_folder=os.path.isdir(path) if is_folder is None else is_folder)

    def may_import(self, path: Path) -> bool:
        """Whether a file that an open document imports may be read."""
        return self._rules_in(path.parent, self._ignores).allow(path.name, is_folder=os.path.isdir(path))

    def relative_path(self, path: Path) -> str:
        """The path inside the workspace with forward slashes, or ``""`` for a file outside it."""
        root = self._root(path)
        return path.relative_to(root).as_posix() if root is not None else ""

    def contains(self, path: Path) -> bool:
        """Whether a file is in the workspace, and still is once symbolic links are resolved."""
        try:
            real = path.resolve()
        except _UNRESOLVABLE:
            return False
        return self._root(path) is not None and any(real.is_relative_to(root) for root in self._real_roots)

    def is_excluded(self, path: Path) -> bool:
        """Whether ``exclude`` matches a path; outside the workspace the whole path is matched."""
        return self._matches(self._excluded, path)

    def poll_changes(self) -> bool:
        """Check the next ignore files on disk; whether one has changed, which makes this policy's answers out of date."""
        return self._ignores.poll_changes() or self._index_ignores.poll_changes()

    def forget_closed_folders(self, recheck_open: Callable[[], None]) -> None:
        """Drop cached folders that only contain closed documents, once there are many.

        ``recheck_open`` queries everything still in use, which caches those folders again. Nothing is dropped while a
        changed ignore file is still to be reported by :meth:`poll_changes`.
        """
        if self._ignores.folder_count < self._max_folders or self._ignores.any_changed():
            return
        self._ignores = IgnoreFiles(self._all_roots)
        recheck_open()
        self._max_folders = max(_MAX_FOLDERS, 2 * self._ignores.folder_count)

    def _find_exclusion(self, names: Sequence[Path], targets: Sequence[Path], path: Path | None) -> Exclusion | None:
        """The first rule that excludes one of a document's names, or a file that it is a link to."""
        for place in (*names, *targets):
            found = self._glob_for("exclude", self._excluded, place)
            if found is None and place in names:
                found = self._glob_for("exclude", self._excluded, place, outside=True)
            if found is None and (place == path or place in targets):
                found = self._ignores.explain(place)
            if found is not None:
                return found if place in names else replace(found, target=str(place))
        return None

    def _glob_for(self, setting: str, globs: SettingGlobs, path: Path, *, outside: bool = False) -> Exclusion | None:
        """The glob that matches a path; with ``outside``, as if it were in no workspace."""
        for relative, absolute in [("", path.as_posix().lstrip("/"))] if outside else self._matched_names(path):
            for folder in (False, True):
                glob = globs.deciding_glob(relative, absolute, folder=folder)
                if glob is not None:
                    return self._by_glob(setting, glob)
        return None

    def _by_glob(self, setting: str, glob: str) -> Exclusion:
        if not glob:
            return Exclusion(source=f"the setting {setting}", because="which is too long to be matched")
        built_in = setting == "exclude" and glob in DEFAULT_EXCLUDES
        because = "" if has_known_home(glob) else "because there is no such home folder"
        return Exclusion(source=BUILT_IN if built_in else f"the setting {setting}", rule=glob, because=because)

    def _root(self, path: Path) -> Path | None:
        if ".." in path.parts:
            return None
        return next((root for root in self._roots if path.is_relative_to(root)), None)

    def _in_excluded_parent(self, path: Path) -> bool:
        """Whether the workspace itself is inside an excluded folder, like ``~/.ssh`` opened as a project."""
        absolute = path.as_posix().lstrip("/")
        return any(self._excluded.match("", absolute, folder=folder) for folder in (False, True))

    def _matches(self, globs: SettingGlobs, path: Path) -> bool:
        """Whether globs match a path as a file or as a folder: an editor may show a folder as a document."""
        return any(
            globs.match(relative, absolute, folder=folder)
            for relative, absolute in self._matched_names(path)
            for folder in (False, True)
        )

    def _matched_names(self, path: Path) -> list[tuple[str, str]]:
        """The path in each root that it is in, or ``""``, with its absolute path without the leading slash, or ``""``."""
        name = path.as_posix()
        absolute = name.lstrip("/") if path.is_absolute() or name[:1] == "/" else ""
        relatives = self._relative_paths(path) or ([""] if absolute else [name])
        return [(relative, absolute) for relative in relatives]

    def _relative_paths(self, path: Path) -> list[str]:
        """The path relative to each root it is in, whether or not the root is reached through symbolic links."""
        if ".." in path.parts:
            return []
        return [relative for relative in self._below_roots(path.as_posix()) if relative]

    def _below_roots(self, name: str) -> tuple[str, ...]:
        """What follows each root in a path."""
        found = (name[len(root) :] for root in self._prefixes if self._fold(name[: len(root)]) == self._fold(root))
        return tuple(dict.fromkeys(found))

    def _rules_in(self, folder: Path, ignores: IgnoreFiles) -> FolderRules:
        if ".." in folder.parts or (root := self._root(folder)) is None:
            return FolderRules(folder, ())
        # Links below a root are not followed, so the real path differs in its root only.
        real = self._real_roots[self._roots.index(root)] / folder.relative_to(root)
        names = [
            FolderName(
                path=(name := place.as_posix().rstrip("/") + "/"),
                relatives=self._below_roots(name),
                excluded=self._excluded.match,
                ignored=ignores.matcher(place),
            )
            for place in dict.fromkeys((folder, real))
        ]
        return FolderRules(folder, names)


def _all_names(uri: str, path: Path | None) -> tuple[list[Path], list[Path]]:
    """Every name of a document, and what the absolute ones resolve to."""
    names = [Path(name) for name in _uri_paths(uri)] + ([path] if path else [])
    return names, [name.resolve() for name in names if name.is_absolute()]


def _uri_paths(uri: str) -> list[str]:
    """The paths that a URI may refer to, which the globs are matched against: with and without its host.

    In ``file:`` URIs, some editors leave ``#`` and ``?`` of a file name unescaped. Elsewhere the file may be in the query or
    fragment alone (``diff:view?path=/repo/.env``): what looks like a path there counts as well. Other separators count as
    slashes: ``\\``, the ``:`` of ``gitsigns:///.git//:0:.env`` and the ``!`` of ``jar:``.
    """
    scheme, colon, rest = uri.partition(":")
    if not colon or len(scheme) == 1:  # a bare path, or one like C:\
        scheme, rest = "file", uri
    bare = re.split(r"[?#]", rest, maxsplit=1)[0]
    host = re.match(r"//[^/]*", bare)
    names = [bare, bare[host.end() :] if host else ""]
    names += [rest] if scheme.lower() == "file" else _paths_in_query(rest[len(bare) :])
    names = [unquote(name).replace("\\", "/") for name in names]
    names += [re.sub(r"[:!]", "/", name) for name in names]
    names = [re.sub(r"^///+", "/", re.sub(r"^//(?=[^/])", "", name)) for name in names]
    return [name for name in dict.fromkeys(names) if name]


def _paths_in_query(query: str) -> list[str]:
    """What may be a path in a query or fragment: ``?{"path": "/a/.env"}``, ``#/a/.env``, ``?file=%2Fa%2F.env&b=1``."""
    parts = re.split(r"[?#&=;,{}\[\]\"'\s]", unquote(query)[:_MAX_QUERY])
    return [part for part in parts if re.search(r"[./\\]", part)]


def _resolved(root: Path) -> Path:
    try:
        return root.resolve()
    except _UNRESOLVABLE:
        return root
