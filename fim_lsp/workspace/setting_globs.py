"""The globs of ``exclude`` and ``local_only``: git's syntax, and places of the file system besides.

What they add to an ignore file's language, as they have no folder that they lie in:

* A glob without a slash is a name anywhere on the path: of a document also of the folders that the workspace lies in.
* A glob that begins with ``/`` is a path from the workspace's folder, and a path of the file system.
* ``~`` and ``~/…`` are in the user's home folder, ``~name`` and ``~name/…`` in another user's; a name is escaped: ``\\~name``.
  Where it isn't known which folder that is, everything is matched: better too little is sent than too much.
* Both are matched as they are written and with links resolved, since editors open files by either name.
* Case does not count, a ``#`` is a character, and so is what is invalid. An entry with line ends is several globs.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

from fim_lsp.workspace.globs import Globs, rules, trimmed

# Files with credentials. A later "!" pattern re-includes.
DEFAULT_EXCLUDES: Final = (
    ".env", ".env.*", "!.env.example", "!.env.sample", "!.env.template", ".envrc",
    "*.pem", "*.key", "*.p8", "*.p12", "*.pfx", "*.jks", "*.keystore", "*.kdbx", "*.gpg", "*.asc", "*.ovpn",
    "id_rsa*", "id_dsa*", "id_ecdsa*", "id_ed25519*", ".ssh/", ".gnupg/", ".aws/", ".azure/", ".kube/", ".docker/",
    ".netrc", "_netrc", ".npmrc", ".pypirc", ".pgpass", ".htpasswd", ".git-credentials", ".vault-token",
    *(f"{name}.{kind}" for name in ("credentials", "secrets", "secret") for kind in (
        "json", "yaml", "yml", "toml", "ini", "cfg", "conf", "properties", "xml", "txt", "csv", "db")),
    "*.tfvars", "*.tfstate*", ".terraformrc", "terraform.rc", "service-account*.json", ".git/",
)  # fmt: skip

_HOME = re.compile(r"~[\w.-]*(?=/|$)")
_ABSOLUTE = re.compile(r"/|[A-Za-z]:/")
_KEPT = 1_000  # folders whose answers are remembered, half a kilobyte each; files are asked about folder by folder

Numbered = tuple[int, str]


class SettingGlobs:
    """Ready to be asked about paths, from whatever thread."""

    def __init__(self, globs: Sequence[str], *, match_parents: bool = False) -> None:
        """``match_parents``: a glob without a slash may also be the name of a folder that the workspace lies in."""
        lines = [trimmed(line.removesuffix("\r")) for glob in globs for line in glob.split("\n")]
        self._above = match_parents
        self._folds = [_Folded(lines, _fold)]
        self._folds.append(self._folds[0] if all(map(str.isascii, lines)) else _Folded(lines, _fold_singly))
        self.rooted = self._folds[0].rooted
        """Whether it matters where in the file system the workspace is."""

    def match(self, relative: str, absolute: str, *, folder: bool) -> bool:
        """Whether a path or a folder above it is matched and not let through.

        ``relative`` is its path in the workspace, ``""`` outside of it; ``absolute`` its path from the file system's root,
        without the first slash, ``""`` if it has none.
        """
        if self._one(self._folds[0], relative, absolute, _fold, folder=folder):
            return True
        if relative.isascii() and absolute.isascii():
            return False
        return self._one(self._folds[1], relative, absolute, _fold_singly, folder=folder)

    def _one(self, globs: _Folded, relative: str, absolute: str, fold: Callable[[str], str], *, folder: bool) -> bool:
        relative, absolute = fold(relative), fold(absolute)
        if globs.match(relative, absolute, folder=folder):
            return True
        return self._above and bool(relative and absolute) and globs.match("", absolute, folder=folder)


class _Folded:
    """The globs in one way to look past case."""

    def __init__(self, lines: Sequence[str], fold: Callable[[str], str]) -> None:
        places = [(number, place) for number, line in enumerate(lines) for place in _places(line)]
        inside = [(number, line) for number, line in enumerate(lines) if not _HOME.match(line.removeprefix("!"))]
        self._negative = {number for number, line in enumerate(lines) if line.startswith("!")}
        self._everything = False
        self._inside = self._compiled(inside, fold)
        self._rooted = self._compiled([(number, place) for number, place in places if place is not None], fold)
        everywhere = sorted({*inside, *((number, place) for number, place in places if place)})
        self._outside = self._compiled(everywhere, fold) if places else self._inside
        self._everything |= any(place is None and number not in self._negative for number, place in places)
        self._folders: dict[tuple[bool, str, str], bool] = {}

    @property
    def rooted(self) -> bool:
        return bool(self._rooted)

    def _compiled(self, lines: Sequence[Numbered], fold: Callable[[str], str]) -> Globs:
        found = rules([(number, _normal(line)) for number, line in lines], comments=False)
        self._everything |= found is None
        return Globs(found or (), fold=fold)

    def match(self, relative: str, absolute: str, *, folder: bool) -> bool:
        if self._everything:
            return True
        if not (self._inside.fits(relative) and self._outside.fits(absolute)):
            return True
        return self._folder(relative, absolute) or self._hides(self._last(relative, absolute, folder=folder))

    def _folder(self, relative: str, absolute: str) -> bool:
        """Whether a folder above a path is matched; most paths that are asked about have theirs in common."""
        above = bool(relative), relative.rpartition("/")[0], absolute.rpartition("/")[0]
        known = self._folders.get(above)
        if known is None:
            known = any(map(self._hides, self._levels(*above)))
            if len(self._folders) >= _KEPT:
                self._folders.clear()
            self._folders[above] = known
        return known

    def _hides(self, number: int) -> bool:
        return number >= 0 and number not in self._negative

    def _last(self, relative: str, absolute: str, *, folder: bool) -> int:
        if not relative:
            return self._outside.last(absolute, folder=folder)
        found = self._inside.last(relative, folder=folder)
        return max(found, self._rooted.last(absolute, folder=folder)) if self._rooted and absolute else found

    def _levels(self, within: bool, relative: str, absolute: str) -> Iterator[int]:
        """For a folder and each above it the number of the last glob that matches it; ``within`` the workspace or not."""
        if not within:
            yield from self._outside.levels(absolute, folder=True) if absolute else ()
            return
        inside = self._inside.levels(relative, folder=True) if relative else []
        rooted = self._rooted.levels(absolute, folder=True) if self._rooted and absolute else []
        most = max(len(inside), len(rooted))
        for one, other in zip(_padded(inside, most), _padded(rooted, most), strict=True):
            yield max(one, other)


def _padded(levels: Sequence[int], most: int) -> list[int]:
    """Two rows of levels end at the same path, and begin at different folders."""
    return [-1] * (most - len(levels)) + list(levels)


def _places(glob: str) -> Iterator[str | None]:
    """The places of the file system that a glob names: as written and without links; ``None`` for one that isn't known."""
    negative = "!" * glob.startswith("!")
    bare = glob[len(negative) :]
    if home := _HOME.match(bare):
        folder = _home(home[0])
        if folder is None:
            yield None
            return
        bare = _escaped(folder.rstrip("/")) + bare[home.end() :] or "/"
    if _ABSOLUTE.match(bare):
        yield negative + bare
        real = _without_links(bare)
        if real is not None and real != bare:
            yield negative + real


def _home(tilde: str) -> str | None:
    """A user's home folder; ``None`` if there is none, or none such user."""
    folder = Path(os.path.expanduser(tilde)).as_posix()
    if tilde == "~" and os.environ.get("HOME") == "":  # expanduser says "/"
        return None
    return folder if os.path.isabs(folder) else None


def _without_links(glob: str) -> str | None:
    """The glob with the links resolved that lie before its first wildcard."""
    names = glob.rstrip("/").split("/")
    fixed = next((at for at, name in enumerate(names) if re.search(r"[*?\[]", re.sub(r"\\.", "", name))), len(names))
    plain = re.sub(r"\\(.)", r"\1", "/".join(names[:fixed]))
    try:
        real = Path(plain or "/").resolve().as_posix()
    except (OSError, ValueError, RuntimeError):
        return None
    parts = [_escaped(real.rstrip("/")), *names[fixed:]]
    return "/".join(parts) + "/" * glob.endswith("/")


def _escaped(path: str) -> str:
    return re.sub(r"([*?\[\\])", r"\\\1", path)


def _normal(text: str) -> str:
    """With letters and their accents as one character where there is one: macOS hands them out apart."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def _fold(text: str) -> str:
    return _normal(text).casefold()


def _fold_singly(text: str) -> str:
    """The same, but a character stays one, as ``?`` takes it: ``ß`` is not ``ss``."""
    return "".join(char.lower() if len(char.lower()) == 1 else char for char in _normal(text))
