"""Reading TOML that somebody else may have written: in a time that grows with its length and no faster.

``tomllib`` builds every prefix of a dotted key, so one line of 195 kB, ``a.a.a. … = 1``, takes half a minute and gigabytes.
Settings are flat: a key of more than a few parts is refused before it is parsed.
"""

from __future__ import annotations

import re
import tomllib
from typing import Any

_PARTS_MOST = 8  # of one key, or of a table's name
# A comment, or a string of one of TOML's four kinds, which may contain any dots. An unfinished one ends with its line, or
# with the text.
_OPAQUE = re.compile(
    r"""#[^\n]*"""
    r"""|\"{3}(?:[^"\\]|\\[\s\S]|"(?!""))*+(?:"{3})?"""
    r"""|'{3}(?:[^']|'(?!''))*+(?:'{3})?"""
    r"""|"(?:[^"\\\n]|\\.)*+"?"""
    r"""|'[^'\n]*'?"""
)
_DEEP = re.compile(rf"(?<![A-Za-z0-9_-])(?:[A-Za-z0-9_-]++[ \t]*+\.[ \t]*+){{{_PARTS_MOST}}}")


def parse(text: str) -> dict[str, Any]:
    """``tomllib.loads``, also of a text that begins with a byte order mark, as some Windows editors write it.

    Raises its ``TOMLDecodeError``, ``ValueError`` or ``RecursionError``.
    """
    text = text.removeprefix("\ufeff")
    bare = _OPAQUE.sub(lambda found: "" if found[0].startswith("#") else "s", text)
    if _DEEP.search(bare):
        raise tomllib.TOMLDecodeError(f"a key has more than {_PARTS_MOST} parts")
    return tomllib.loads(text)
