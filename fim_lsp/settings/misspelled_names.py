"""Recognizes unknown names that were meant to be a restricting setting: ``excludes``, ``baseurl``, ``apiBase``.

Such a name counts as damage to that setting. If it were ignored, text that the user wanted to protect would be sent.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from itertools import islice, pairwise
from types import MappingProxyType

from fim_lsp.settings.schema import SPECS

SECTION = "fim-lsp"  # the section of an editor's settings, and the prefix of flat names

# The names of these settings in other tools: Continue, Tabby, llm-ls, minuet, the OpenAI libraries, git.
_ALIASES: Mapping[str, str] = MappingProxyType(
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
        **dict.fromkeys(("filetypes", "disabledlanguage", "disabledlanguages", "disabledfiletypes"), "languages"),
        **dict.fromkeys(("manual", "automatic", "autotrigger", "autosuggest", "triggermode"), "trigger"),
    }
)
# Words that identify a setting in a longer name: ``exclude_files``, ``openai_base_url``, ``contextSize``.
_KEYWORDS: Mapping[str, str] = MappingProxyType(
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
        **dict.fromkeys(("languages", "filetypes"), "languages"),
        "trigger": "trigger",
    }
)
_FUZZY_KEYWORDS = ("exclude", "ignore")  # recognized even when misspelled
_CONTAINERS = ("settings", "options", "config", "configuration", "initializationoptions")
_FOREIGN = ("languageserver",)  # coc.nvim's section, which is close to "languages"
_MIN_SIMILARITY = 0.78  # difflib's ratio: up to two wrong letters in a word of eight
_MAX_NAMES = 200  # names inside a table that are compared
_MAX_DEPTH = 8
_NOT_LETTERS = re.compile(r"[^a-z0-9]+")
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


def _normalized(name: str) -> str:
    """A name in lower case, without separators and without the section's prefix."""
    letters = _NOT_LETTERS.sub("", name[:200].casefold())
    return letters.removeprefix("fimlsp") if letters != "fimlsp" else ""


_SETTINGS: Mapping[str, str] = MappingProxyType({_normalized(name): name for name in SPECS})


def setting_named(name: str) -> str:
    """The setting that ``name`` is a spelling of, whatever its separators and case, or ``""``."""
    return _SETTINGS.get(_normalized(name), "")


def restricted_like(name: str) -> str:
    """The setting that restricts and that ``name`` was probably meant to be, or ``""``."""
    found = _ALIASES.get(_normalized(name)) or setting_like(name) or _by_keyword(name)
    return found if found and SPECS[found].restricts else ""


def setting_like(name: str) -> str:
    """The setting whose name differs in a few letters at most, or ``""``."""
    plain = _normalized(name)
    if plain in _SETTINGS or plain in _FOREIGN:
        return _SETTINGS.get(plain, "")
    close = difflib.get_close_matches(plain, _SETTINGS, n=1, cutoff=_MIN_SIMILARITY) if plain else []
    return _SETTINGS[close[0]] if close else ""


def _by_keyword(name: str) -> str:
    """The setting that one word of a name identifies, or ``""``."""
    words = [word.casefold() for word in _WORD.findall(name[:200])]
    if ("api", "key") in pairwise(words) or {"key", "command"} <= set(words):
        return "api_key"
    known = next((_KEYWORDS[word] for word in words if word in _KEYWORDS), "")
    return known or (
        "exclude" if any(difflib.get_close_matches(word, _FUZZY_KEYWORDS, 1, 0.8) for word in words) else ""
    )


def is_section(name: str) -> bool:
    """Whether a name is a spelling of this server's section: ``fim-lsp``, ``fimLsp``."""
    return _NOT_LETTERS.sub("", name[:200].casefold()) == "fimlsp"


def has_prefix(variable: str) -> bool:
    """Whether an environment variable was probably meant for fim-lsp: ``FIMLSP_EXCLUDE``, ``fim_lsp_exclude``."""
    return _NOT_LETTERS.sub("", variable[:200].casefold()).startswith("fimlsp")


def names_config(name: str) -> bool:
    """Whether an environment variable's name, without its prefix, was meant to be ``CONFIG``."""
    words = [word.casefold() for word in _WORD.findall(name[:200])]
    return bool(difflib.get_close_matches("config", words, 1, _MIN_SIMILARITY)) or "conf" in words


def may_hold_settings(name: str, value: object) -> bool:
    """Whether a table in an editor's settings may contain fim-lsp's, although its name is not exactly the section's."""
    if is_section(name) or _normalized(name) in _CONTAINERS or setting_like(name):
        return True
    return isinstance(value, Mapping) and any(
        is_section(inner) for inner in islice(_names_inside(value, 3), _MAX_NAMES)
    )


def restricted_inside(value: object) -> str:
    """A setting that restricts and was put inside a table, where it would not be read, or ``""``."""
    names = list(islice(_names_inside(value, _MAX_DEPTH), _MAX_NAMES + 1))
    settings = (setting_like(name) for name in names)
    found = next((name for name in settings if name and SPECS[name].restricts), "")
    return found or ("exclude" if len(names) > _MAX_NAMES else "")  # fail closed if there are too many to compare


def _names_inside(value: object, depth: int) -> Iterator[str]:
    if isinstance(value, Mapping) and depth:
        for name, inner in value.items():
            yield str(name)
            yield from _names_inside(inner, depth - 1)
    elif isinstance(value, list | tuple) and depth:
        for inner in value:
            yield from _names_inside(inner, depth - 1)
