"""Guesses from a document's import lines, in any language, which files it may import."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence

IMPORT_LINES = 200
"""Lines at the top of a document that are searched for imports."""

_MAX_CANDIDATES = 60  # for one document
_MAX_LINE = 300  # characters
_FIRST_WORDS = ("from", "import", "use", "pub", "mod", "#", "export", "@import", "@use", "using")
_IMPORT = re.compile(
    r"""(?:
        from\s+(?P<module>[\w.]+)\s+import\s+(?P<members>[\w*][\w\s,*]*|\()      # Python
      | (?:pub\s+)?use\s+(?P<use>[\w:]+(?:\{[^}]*\})?)                   # Rust
      | (?:pub\s+)?mod\s+(?P<mod>\w+)\s*;
      | \#\s*include\s+"(?P<include>[^"]+)"                              # C
      | (?:import|export|@import|@use)\b[^'"]*['"](?P<quoted>[^'"]+)['"] # JavaScript, Go, Dart, CSS
      | .*\brequire(?:_relative)?\s*\(?\s*['"](?P<required>[^'"]+)['"]   # JavaScript, Lua, Ruby
      | (?:_\s+|\w+\s+)?"(?P<go_listed>[\w.~/-]+/[\w./-]+)"\s*$          # a line of a Go list
      | import\s+(?:static\s+|qualified\s+)?(?P<named>[\w.]+(?:\s*,\s*[\w.]+)*)  # Python, Java, Kotlin, Scala, Haskell
      | using\s+(?P<using>[\w.]+)\s*;                                    # C#
    )""",
    re.VERBOSE,
)


def import_candidates(lines: Sequence[str], path: str) -> tuple[str, ...]:
    """Paths without suffixes that the lines may refer to, relative to the workspace or to some folder in it.

    ``path`` is the document's own. A candidate that begins with ``/`` is relative to the workspace and nothing else.
    """
    folder = posixpath.dirname(path)
    found: dict[str, None] = {}
    for line in lines[:IMPORT_LINES]:
        content = line[:_MAX_LINE].strip()
        if _may_import(content) and (match := _IMPORT.match(content)):
            for candidate in _candidates(match, folder):
                if candidate.strip("/") and ".." not in candidate.split("/") and "\\" not in candidate:
                    found.setdefault(candidate)
        if len(found) >= _MAX_CANDIDATES:
            break
    return tuple(found)


def _may_import(content: str) -> bool:
    """Whether a line is worth trying the pattern, which takes ten times as long."""
    return content.startswith(_FIRST_WORDS) or content.endswith('"') or "require" in content


def _candidates(match: re.Match[str], folder: str) -> Iterator[str]:
    groups = {name: value for name, value in match.groupdict().items() if value is not None}
    kind, value = next(iter(groups.items()))
    if kind == "module":
        yield from _python(value, groups["members"], folder)
    elif kind == "use":
        yield from _rust(value)
    elif kind == "mod":
        yield _relative(folder, value)
    elif kind in ("named", "using"):
        yield from (name.replace(".", "/") for name in re.split(r"\s*,\s*", value))
    elif kind == "include":
        yield from (_relative(folder, value), value)
    elif value.startswith("."):
        yield _relative(folder, value)
    else:
        yield value.removeprefix("@/").removeprefix("~/")
        if "." in value and "/" not in value:
            yield value.replace(".", "/")  # Lua


def _python(module: str, members: str, folder: str) -> Iterator[str]:
    name = module.lstrip(".")
    dots = len(module) - len(name)
    base = name.replace(".", "/")
    imported = [member for member in re.split(r"[\s,]+", members.split(" as ")[0]) if member.isidentifier()]
    for path in [base, *(f"{base}/{member}".lstrip("/") for member in imported)]:
        yield _relative(folder, "../" * (dots - 1) + path) if dots else path


def _rust(path: str) -> Iterator[str]:
    parts = [part for part in re.split(r"::|\{.*", path) if part not in ("crate", "self", "super", "")]
    for length in range(len(parts), 0, -1):
        yield "/".join(parts[:length])


def _relative(folder: str, path: str) -> str:
    """A path relative to the workspace; empty for one outside of it."""
    joined = posixpath.normpath(posixpath.join(folder, path))
    return "" if joined.startswith("..") else "/" + joined
