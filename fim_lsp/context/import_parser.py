"""Which files a document's import lines may mean, in whatever language: guesses, for somebody else to look for."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence

HEAD = 200  # lines among which imports are looked for
_MOST = 60  # guesses' stems for one document
_LONGEST = 300  # characters of a line
_FIRST = ("from", "import", "use", "pub", "mod", "#", "export", "@import", "@use", "using")
_LINE = re.compile(
    r"""(?:
        from\s+(?P<of>[\w.]+)\s+import\s+(?P<what>[\w*][\w\s,*]*|\()      # Python
      | (?:pub\s+)?use\s+(?P<use>[\w:]+(?:\{[^}]*\})?)                   # Rust
      | (?:pub\s+)?mod\s+(?P<mod>\w+)\s*;
      | \#\s*include\s+"(?P<include>[^"]+)"                              # C
      | (?:import|export|@import|@use)\b[^'"]*['"](?P<quoted>[^'"]+)['"] # JavaScript, Go, Dart, CSS
      | .*\brequire(?:_relative)?\s*\(?\s*['"](?P<required>[^'"]+)['"]   # JavaScript, Lua, Ruby
      | (?:_\s+|\w+\s+)?"(?P<listed>[\w.~/-]+/[\w./-]+)"\s*$             # a line of Go's list
      | import\s+(?:static\s+|qualified\s+)?(?P<named>[\w.]+(?:\s*,\s*[\w.]+)*)  # Python, Java, Kotlin, Scala, Haskell
      | using\s+(?P<using>[\w.]+)\s*;                                    # C#
    )""",
    re.VERBOSE,
)


def stems(lines: Sequence[str], path: str) -> tuple[str, ...]:
    """Paths without their suffixes, relative to the workspace or to some folder in it, that the lines may import.

    ``path`` is the document's own; one that begins with ``/`` is meant from the workspace's folder and nowhere else.
    """
    folder = posixpath.dirname(path)
    found: dict[str, None] = {}
    for line in lines[:HEAD]:
        bare = line[:_LONGEST].strip()
        if _may_import(bare) and (match := _LINE.match(bare)):
            for stem in _stems(match, folder):
                if stem.strip("/") and ".." not in stem.split("/") and "\\" not in stem:
                    found.setdefault(stem)
        if len(found) >= _MOST:
            break
    return tuple(found)


def _may_import(bare: str) -> bool:
    """Whether a line is worth the pattern, which costs ten times as much."""
    return bare.startswith(_FIRST) or bare.endswith('"') or "require" in bare


def _stems(match: re.Match[str], folder: str) -> Iterator[str]:
    groups = {name: value for name, value in match.groupdict().items() if value is not None}
    if "of" in groups:
        yield from _python(groups["of"], groups["what"], folder)
    elif "use" in groups:
        parts = [part for part in re.split(r"::|\{.*", groups["use"]) if part not in ("crate", "self", "super", "")]
        for length in range(len(parts), 0, -1):
            yield "/".join(parts[:length])
    elif "mod" in groups:
        yield _from(folder, groups["mod"])
    elif "named" in groups or "using" in groups:
        for name in re.split(r"\s*,\s*", groups.get("named") or groups["using"]):
            yield name.replace(".", "/")
    else:
        name = next(iter(groups.values()))
        if "include" in groups:
            yield _from(folder, name)
            yield name
        elif name.startswith("."):
            yield _from(folder, name)
        else:
            yield name.removeprefix("@/").removeprefix("~/")
            if "." in name and "/" not in name:
                yield name.replace(".", "/")  # Lua


def _python(module: str, what: str, folder: str) -> Iterator[str]:
    bare = module.lstrip(".")
    dots = len(module) - len(bare)
    base = bare.replace(".", "/")
    imported = [name for name in re.split(r"[\s,]+", what.split(" as ")[0]) if name.isidentifier()]
    for tail in [base, *(f"{base}/{name}".lstrip("/") for name in imported)]:
        yield _from(folder, "../" * (dots - 1) + tail) if dots else tail


def _from(folder: str, relative: str) -> str:
    """From the workspace's folder; nothing above it."""
    joined = posixpath.normpath(posixpath.join(folder, relative))
    return "" if joined.startswith("..") else "/" + joined
