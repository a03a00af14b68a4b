"""The globs of ``exclude`` and ``local_only``: git's syntax, extended to the whole file system.

Unlike the lines of an ignore file, they do not belong to a folder:

* A glob without a slash matches a name anywhere on the path, including the folders that contain the workspace.
* A glob that begins with ``/`` is relative to the workspace's folder, and also an absolute path.
* ``~`` and ``~/…`` refer to the user's home directory, ``~name`` and ``~name/…`` to another user's; ``\\~name`` is a name. If
  the directory is unknown, everything is matched (fail closed).
* Absolute paths are matched as written and with symbolic links resolved, since editors open files by either name.
* ``\\`` before a letter, and in a path like ``C:\\work\\``, separates folders as on Windows, besides what it means to git.
* Case is ignored, ``#`` has no special meaning, and invalid syntax is literal. An entry with line breaks is several globs.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

from fim_lsp.workspace.globs import Globs, parse_rules, trimmed

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
_WINDOWS_PATH = re.compile(r"(?!!)(?:[A-Za-z]:\\|~\\|.*\\[\w.])")
_MAX_CACHED = 1_000  # folders, half a kilobyte each; most queries are for files of the same folders

Numbered = tuple[int, str]


class SettingGlobs:
    """Matches paths, from any thread."""

    def __init__(self, globs: Sequence[str], *, match_parents: bool = False) -> None:
        """``match_parents``: a glob without a slash also matches the folders that contain the workspace."""
        lines = [trimmed(line.removesuffix("\r")) for glob in globs for line in glob.split("\n")]
        self._lines = lines
        self._above = match_parents
        self._folds = [_Folded(lines, _fold)]
        self._folds.append(self._folds[0] if all(map(str.isascii, lines)) else _Folded(lines, _fold_singly))
        self.rooted = self._folds[0].rooted
        """Whether it matters where in the file system the workspace is."""

    def match(self, relative: str, absolute: str, *, folder: bool) -> bool:
        """Whether a path or a folder above it is matched and not re-included.

        ``relative`` is its path in the workspace, or ``""`` outside; ``absolute`` is its absolute path without the leading
        slash, or ``""`` if it has none.
        """
        if self._match_folded(self._folds[0], relative, absolute, _fold, folder=folder):
            return True
        if relative.isascii() and absolute.isascii():
            return False
        return self._match_folded(self._folds[1], relative, absolute, _fold_singly, folder=folder)

    def deciding_glob(self, relative: str, absolute: str, *, folder: bool) -> str | None:
        """The glob because of which :meth:`match` returns true; ``""`` if the globs, or the path, are too long to be matched."""
        for globs, fold in zip(self._folds, (_fold, _fold_singly), strict=True):
            for names in ((relative, absolute), *([("", absolute)] if self._above and relative and absolute else [])):
                number = globs.deciding(*map(fold, names), folder=folder)
                if number is not None:
                    return self._lines[number] if number >= 0 else ""
        return None

    def _match_folded(
        self, globs: _Folded, relative: str, absolute: str, fold: Callable[[str], str], *, folder: bool
    ) -> bool:
        relative, absolute = fold(relative), fold(absolute)
        if globs.match(relative, absolute, folder=folder):
            return True
        return self._above and bool(relative and absolute) and globs.match("", absolute, folder=folder)


class _Folded:
    """The globs with one kind of case folding."""

    def __init__(self, lines: Sequence[str], fold: Callable[[str], str]) -> None:
        spelled = [(number, glob) for number, line in enumerate(lines) for glob in _spellings(line)]
        places = [(number, place) for number, glob in spelled for place in _absolute_globs(glob)]
        inside = [(number, glob) for number, glob in spelled if not _HOME.match(glob.removeprefix("!"))]
        self._negative = {number for number, line in enumerate(lines) if line.startswith("!")}
        self._everything = False
        self._inside = self._compiled(inside, fold)
        self._rooted = self._compiled([(number, place) for number, place in places if place is not None], fold)
        everywhere = sorted({*inside, *((number, place) for number, place in places if place)})
        self._outside = self._compiled(everywhere, fold) if places else self._inside
        self._homeless = [number for number, place in places if place is None and number not in self._negative]
        self._everything |= bool(self._homeless)
        self._folders: dict[tuple[bool, str, str], bool] = {}

    @property
    def rooted(self) -> bool:
        return bool(self._rooted)

    def _compiled(self, lines: Sequence[Numbered], fold: Callable[[str], str]) -> Globs:
        found = parse_rules([(number, _normal(line)) for number, line in lines], comments=False)
        self._everything |= found is None
        return Globs(found or (), fold=fold)

    def match(self, relative: str, absolute: str, *, folder: bool) -> bool:
        if self._everything:
            return True
        if not (self._inside.can_match(relative) and self._outside.can_match(absolute)):
            return True
        return self._matches_folder(relative, absolute) or self._is_positive(
            self._last(relative, absolute, folder=folder)
        )

    def deciding(self, relative: str, absolute: str, *, folder: bool) -> int | None:
        """The number of the glob that makes :meth:`match` return true; -1 if that is none in particular."""
        if not self.match(relative, absolute, folder=folder):
            return None
        if self._everything or not (self._inside.can_match(relative) and self._outside.can_match(absolute)):
            return next(iter(self._homeless), -1)
        above = bool(relative), relative.rpartition("/")[0], absolute.rpartition("/")[0]
        numbers = (*self._levels(*above), self._last(relative, absolute, folder=folder))
        return next(filter(self._is_positive, numbers), -1)

    def _matches_folder(self, relative: str, absolute: str) -> bool:
        """Whether a folder above a path is matched. Cached, since most paths share their folders."""
        above = bool(relative), relative.rpartition("/")[0], absolute.rpartition("/")[0]
        known = self._folders.get(above)
        if known is None:
            known = any(map(self._is_positive, self._levels(*above)))
            if len(self._folders) >= _MAX_CACHED:
                self._folders.clear()
            self._folders[above] = known
        return known

    def _is_positive(self, number: int) -> bool:
        return number >= 0 and number not in self._negative

    def _last(self, relative: str, absolute: str, *, folder: bool) -> int:
        if not relative:
            return self._outside.last(absolute, folder=folder)
        found = self._inside.last(relative, folder=folder)
        return max(found, self._rooted.last(absolute, folder=folder)) if self._rooted and absolute else found

    def _levels(self, within: bool, relative: str, absolute: str) -> Iterator[int]:
        """The number of the last glob that matches a folder, for it and each folder above; ``within`` the workspace or not."""
        if not within:
            yield from self._outside.levels(absolute, folder=True) if absolute else ()
            return
        inside = self._inside.levels(relative, folder=True) if relative else []
        rooted = self._rooted.levels(absolute, folder=True) if self._rooted and absolute else []
        length = max(len(inside), len(rooted))
        for one, other in zip(_padded(inside, length), _padded(rooted, length), strict=True):
            yield max(one, other)


def _padded(levels: Sequence[int], length: int) -> list[int]:
    """Levels that end at the same path but begin at a lower folder, padded at the front."""
    return [-1] * (length - len(levels)) + list(levels)


def _spellings(line: str) -> Iterator[str]:
    r"""A glob as git reads it, and as someone on Windows may have meant it: ``C:\work\`` is ``C:/work/``.

    Both are matched, so a path that is written the system's way restricts what it names. A glob that re-includes is read as git
    reads it: it never lets more through than it says.
    """
    yield line
    if _WINDOWS_PATH.match(line):
        yield re.sub("^//+", "/", line.replace("\\", "/"))  # a share, too, is matched without its leading slashes


def _absolute_globs(glob: str) -> Iterator[str | None]:
    """A glob as absolute globs, as written and with links resolved; ``None`` for a home directory that is unknown."""
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
        real = _resolved(bare)
        if real is not None and real != bare:
            yield negative + real


def has_known_home(glob: str) -> bool:
    """Whether a glob refers to no home directory, or to one that exists."""
    home = _HOME.match(glob.removeprefix("!"))
    return home is None or _home(home[0]) is not None


def _home(tilde: str) -> str | None:
    """A user's home directory; ``None`` if there is no such user or directory."""
    folder = Path(os.path.expanduser(tilde)).as_posix()
    if tilde == "~" and os.environ.get("HOME") == "":  # expanduser returns "/"
        return None
    return folder if os.path.isabs(folder) else None


def _resolved(glob: str) -> str | None:
    """The glob with the symbolic links before its first wildcard resolved."""
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
    """With accented letters as single characters where possible: macOS decomposes them."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def _fold(text: str) -> str:
    return _normal(text).casefold()


def _fold_singly(text: str) -> str:
    """Like :func:`_fold`, but each character remains one, for ``?``: ``ß`` does not become ``ss``."""
    return "".join(char.lower() if len(char.lower()) == 1 else char for char in _normal(text))
