"""Names that are no settings but were meant to be one that restricts: ``excludes``, ``baseurl``, ``apiBase``.

Such a name is damage to the setting it stands for. Ignoring it would let out what its author wanted to keep in.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from itertools import islice, pairwise
from types import MappingProxyType

from fim_lsp.settings.schema import RULES

SECTION = "fim-lsp"  # of an editor's settings, and the prefix of the flat names there

# What other tools call them: Continue, Tabby, llm-ls, minuet, the OpenAI libraries, git.
_ELSEWHERE: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(
            ("url", "uri", "endpoint", "apibase", "apiurl", "baseuri", "host", "server", "address"), "base_url"
        ),
        **dict.fromkeys(("key", "apitoken", "secret", "bearer"), "api_key"),
        **dict.fromkeys(("provider", "engine", "backends"), "backend"),
        **dict.fromkeys(
            ("ignore", "ignored", "ignores", "denylist", "blocklist", "blacklist", "disabledfiles"), "exclude"
        ),
        **dict.fromkeys(("include", "includes", "only", "allow", "allowlist", "whitelist", "files"), "exclude"),
        **dict.fromkeys(("private", "local", "onlylocal", "stayslocal"), "local_only"),
    }
)
# A name that is made of several words is told by one of them: ``exclude_files``, ``openai_base_url``, ``contextSize``.
_WORDS: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(("url", "uri", "endpoint", "hostname", "address"), "base_url"),
        **dict.fromkeys(("backend", "backends", "provider"), "backend"),
        **dict.fromkeys(
            ("exclude", "excludes", "exclusions", "ignore", "ignored", "deny", "denied", "send"), "exclude"
        ),
        **dict.fromkeys(("local", "locals", "private", "leave"), "local_only"),
        **dict.fromkeys(("apikey", "apikeys", "password"), "api_key"),
        "region": "region",
        "context": "context_tokens",
        "fallback": "fallback",
        "fallbacks": "fallback",
    }
)
_TRIMMED = ("exclude", "ignore")  # words that are told though they are misspelt: they keep text in
_CONTAINERS = ("settings", "options", "config", "configuration", "initializationoptions")
_ALIKE = 0.78  # of difflib's ratio: one or two letters wrong in a word of eight
_NAMES_MOST = 200  # names inside a table that are looked at
_DEPTH = 8
_NOT_LETTERS = re.compile(r"[^a-z0-9]+")
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


def _plain(name: str) -> str:
    """A name without case, separators and the section's prefix."""
    letters = _NOT_LETTERS.sub("", name[:200].casefold())
    return letters.removeprefix("fimlsp") if letters != "fimlsp" else ""


_PLAIN: Mapping[str, str] = MappingProxyType({_plain(name): name for name in RULES})


def restricted_like(name: str) -> str:
    """The setting that restricts and that ``name`` was probably meant for, ``""`` if there is none."""
    found = _ELSEWHERE.get(_plain(name)) or _near(name) or _by_word(name)
    return found if found and RULES[found].restricts else ""


def _near(name: str) -> str:
    """The setting whose name differs in a few letters, ``""`` if there is none."""
    plain = _plain(name)
    near = difflib.get_close_matches(plain, _PLAIN, n=1, cutoff=_ALIKE) if plain not in _PLAIN else [plain]
    return _PLAIN[near[0]] if plain and near else ""


def _by_word(name: str) -> str:
    """The setting that one word of a name stands for, ``""`` if none does."""
    words = [word.casefold() for word in _WORD.findall(name[:200])]
    if ("api", "key") in pairwise(words) or {"key", "command"} <= set(words):
        return "api_key"
    known = next((_WORDS[word] for word in words if word in _WORDS), "")
    return known or ("exclude" if any(difflib.get_close_matches(word, _TRIMMED, 1, 0.8) for word in words) else "")


def is_section(name: str) -> bool:
    """Whether a name stands for this server's section, however it is written: ``fim-lsp``, ``fimLsp``."""
    return _NOT_LETTERS.sub("", name[:200].casefold()) == "fimlsp"


def has_prefix(variable: str) -> bool:
    """Whether an environment variable was probably meant for us: ``FIMLSP_EXCLUDE``, ``fim_lsp_exclude``."""
    return _NOT_LETTERS.sub("", variable[:200].casefold()).startswith("fimlsp")


def names_config(name: str) -> bool:
    """Whether an environment variable's name, without its prefix, was meant for the one that names a file of settings."""
    words = [word.casefold() for word in _WORD.findall(name[:200])]
    return bool(difflib.get_close_matches("config", words, 1, _ALIKE)) or "conf" in words


def may_hold_settings(name: str, value: object) -> bool:
    """Whether a table in the settings of an editor may be ours, though its name is not quite the section's."""
    if is_section(name) or _plain(name) in _CONTAINERS or _near(name):
        return True
    return isinstance(value, Mapping) and any(
        is_section(inner) for inner in islice(_names_inside(value, 3), _NAMES_MOST)
    )


def restricted_inside(value: object) -> str:
    """The setting that restricts and stands inside a table, where nobody looks for settings, ``""`` if there is none."""
    names = list(islice(_names_inside(value, _DEPTH), _NAMES_MOST + 1))
    found = (_near(name) for name in names)
    inside = next((name for name in found if name and RULES[name].restricts), "")
    return inside or ("exclude" if len(names) > _NAMES_MOST else "")  # too many to look at: better too little is sent


def _names_inside(value: object, depth: int) -> Iterator[str]:
    if isinstance(value, Mapping) and depth:
        for name, inner in value.items():
            yield str(name)
            yield from _names_inside(inner, depth - 1)
    elif isinstance(value, list | tuple) and depth:
        for inner in value:
            yield from _names_inside(inner, depth - 1)
