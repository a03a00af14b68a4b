"""The rules that apply to the entries of one folder, prepared once for all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from fim_lsp.workspace.ignore_files import IgnoreMatcher


class ExcludeMatcher(Protocol):
    """Like :meth:`~fim_lsp.workspace.setting_globs.SettingGlobs.match`."""

    def __call__(self, relative: str, absolute: str, *, folder: bool) -> bool:
        """Whether a path is excluded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderName:
    """One of the names of a folder: with a root as it is written, or with its links resolved.

    ``path`` is absolute, and ``relatives`` are relative to the roots that it is in; all end with a slash, or are empty for a
    root itself. ``excluded`` and ``ignored`` are the rules.
    """

    path: str
    relatives: Sequence[str]
    excluded: ExcludeMatcher
    ignored: IgnoreMatcher


@dataclass(frozen=True, slots=True)
class FolderRules:
    """What may be read in ``folder``: under none of its names may an entry be excluded or ignored.

    A folder without names is outside the workspace, and nothing in it may be read.
    """

    folder: Path
    names: Sequence[FolderName]

    def allow(self, name: str, *, is_folder: bool) -> bool:
        """Whether the entry with this name may be read, or entered."""
        if name in ("", "..", ".git"):
            return False
        return bool(self.names) and not any(self._ruled_out(place, name, is_folder) for place in self.names)

    @staticmethod
    def _ruled_out(place: FolderName, name: str, is_folder: bool) -> bool:
        path = place.path + name
        absolute = path.lstrip("/")
        if any(place.excluded(relative + name, absolute, folder=is_folder) for relative in place.relatives):
            return True
        return place.ignored(path, is_folder)
