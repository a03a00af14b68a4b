"""URLs: those of endpoints, the host that a key belongs to, and whether a host is this machine."""

from __future__ import annotations

import ipaddress
import re
from typing import Final
from urllib.parse import SplitResult, urlsplit

from fim_lsp.errors import SettingError

_API_PATHS: Final = (
    "v1/models", "fim/completions", "chat/completions", "completions", "completion", "infill", "props",
    "api/generate", "api/chat", "api/show", "api/tags", "v1",
)  # fmt: skip
"""Ends of URLs that people copy from a server's documentation: paths of the API, not part of the base URL."""

_NAMED: Final = re.compile(r"[A-Za-z0-9._-]+(?::[0-9]*)?")  # the letters of names in the DNS, and of IPv4 addresses
_BRACKETED: Final = re.compile(r"\[([0-9A-Fa-f:.]+)\](?::[0-9]*)?")


def endpoint(base_url: str, path: str, *, other_api: str = "") -> str:
    """``path`` under ``base_url``, without repeating any part of it.

    ``base_url`` may end with slashes, with all or the beginning of ``path``, or with another path of such an API;
    ``other_api`` is one more that this host has. Raises :class:`~fim_lsp.errors.SettingError` for anything but a plain
    http(s) URL: a user name would be sent as a login, and a query would end up in the middle.

    >>> endpoint("https://api.example.org/mistral/eu/v1/", "/v1/fim/completions")
    'https://api.example.org/mistral/eu/v1/fim/completions'
    >>> endpoint("https://gateway.example.org//llm/v1/chat/completions", "/infill")
    'https://gateway.example.org/llm/infill'
    """
    parts = _split_base_url(base_url)
    base = [step for step in parts.path.split("/") if step]
    wanted = path.strip("/").split("/")
    beginnings = [wanted[:count] for count in range(len(wanted), 0, -1)]
    known = [*beginnings, *(end.split("/") for end in (*_API_PATHS, *([other_api] if other_api else [])))]
    while end := next((end for end in known if base[-len(end) :] == end), None):
        del base[-len(end) :]
    return "/".join([f"{parts.scheme}://{parts.netloc}", *base, *wanted])


def _split_base_url(base_url: str) -> SplitResult:
    if not is_plain(base_url):
        raise SettingError("base_url must be like https://host or http://host:port/path, without login, ? and #")
    return urlsplit(base_url)


def is_plain(url: str) -> bool:
    """Whether a URL means the same host to everybody who reads it.

    Parsers disagree about what is not in it: logins, backslashes, spaces and control characters, letters that are not ASCII,
    escapes in the host, and zones of IPv6 addresses. A key that one of them takes for its host's would be sent to another.
    """
    if not (url.isascii() and url.isprintable()) or re.search(r"[\s\\?#@]", url):
        return False
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and parts.port != 0
        if (bracketed := _BRACKETED.fullmatch(parts.netloc)) is not None:
            ipaddress.IPv6Address(bracketed[1])
    except ValueError:
        return False
    return usable and (bracketed or _NAMED.fullmatch(parts.netloc)) is not None


def path_of(url: str) -> str:
    """The URL's path, for error messages."""
    return urlsplit(url).path or "/"


def host_of(url: str) -> str:
    """The URL's host, with its port unless that is the scheme's default."""
    parts = urlsplit(url)
    default = {"http": 80, "https": 443}.get(parts.scheme)
    name = parts.hostname or ""
    name = f"[{name}]" if ":" in name else name
    return name if parts.port in (None, default) else f"{name}:{parts.port}"


def origin_of(url: str) -> tuple[str, str]:
    """Scheme and host, which together decide where a key may be sent: without TLS, the same host is another origin."""
    return urlsplit(url).scheme, host_of(url)


def is_local(host: str) -> bool:
    """Whether a back end's ``host`` is this process (an empty string) or this machine."""
    return not host or is_loopback(f"//{host}")


def is_loopback(url: str) -> bool:
    """Whether the URL's host is this machine."""
    name = urlsplit(url).hostname or ""
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
