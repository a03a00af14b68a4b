"""Names that are no settings but were meant to be one that restricts: ``excludes``, ``baseurl``, ``apiBase``.

Such a name is damage to the setting it stands for. Ignoring it would let out what its author wanted to keep in.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from itertools import islice

from fim_lsp.config import RULES

SECTION = "fim-lsp"  # of an editor's settings, and the prefix of the flat names there

# What other tools call them: Continue, Tabby, llm-ls, minuet, the OpenAI libraries, git.
_ELSEWHERE: Mapping[str, str] = {
    **dict.fromkeys(
        ("url", "uri", "endpoint", "apibase", "apiurl", "baseuri", "host", "server", "address"), "base_url"
    ),
    **dict.fromkeys(("key", "apitoken", "secret", "bearer"), "api_key"),
    **dict.fromkeys(("provider", "engine", "backends"), "backend"),
    **dict.fromkeys(("ignore", "ignored", "ignores", "denylist", "blocklist", "blacklist", "disabledfiles"), "exclude"),
    **dict.fromkeys(("private", "local", "onlylocal", "stayslocal"), "local_only"),
}
_ALIKE = 0.78  # of difflib's ratio: one or two letters wrong in a word of eight
_NAMES_MOST = 200  # names inside a table that are looked at
_DEPTH = 8
_NOT_LETTERS = re.compile(r"[^a-z0-9]+")


def _plain(name: str) -> str:
    """A name without case, separators and the section's prefix."""
    letters = _NOT_LETTERS.sub("", name[:200].casefold())
    return letters.removeprefix("fimlsp") if letters != "fimlsp" else ""


_PLAIN: Mapping[str, str] = {_plain(name): name for name in RULES}


def restricted_like(name: str) -> str:
    """The setting that restricts and that ``name`` was probably meant for, ``""`` if there is none."""
    plain = _plain(name)
    found = _ELSEWHERE.get(plain) or _PLAIN.get(plain)
    if not found and plain:
        near = difflib.get_close_matches(plain, _PLAIN, n=1, cutoff=_ALIKE)
        found = _PLAIN[near[0]] if near else ""
    return found if found and RULES[found].restricts else ""


def restricted_inside(value: object) -> str:
    """The setting that restricts and stands inside a table, where nobody looks for settings, ``""`` if there is none."""
    names = list(islice(_names_inside(value, _DEPTH), _NAMES_MOST + 1))
    found = (_PLAIN.get(_plain(name), "") for name in names)
    inside = next((name for name in found if name and RULES[name].restricts), "")
    return inside or ("exclude" if len(names) > _NAMES_MOST else "")  # too many to look at: better too little is sent


def _names_inside(value: object, depth: int) -> Iterator[str]:
    if isinstance(value, Mapping) and depth:
        for name, inner in value.items():
            yield str(name)
            yield from _names_inside(inner, depth - 1)
