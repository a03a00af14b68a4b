"""Addresses: the URL of an endpoint, the host that a key belongs to, and whether an address is on this machine."""

from __future__ import annotations

import ipaddress
from typing import Final
from urllib.parse import urlsplit

from fim_lsp.errors import SettingError

_ENDPOINTS: Final = (
    "v1/models", "fim/completions", "chat/completions", "completions", "completion", "infill", "props",
    "api/generate", "api/chat", "api/show", "api/tags", "v1",
)  # fmt: skip
"""Ends of addresses that people copy from a server's documentation: paths of its API, not of where it is."""


def endpoint(base_url: str, path: str, *, beside: str = "") -> str:
    """``path`` under ``base_url``, which may end with slashes, with any beginning of ``path``, with all of it, or with
    another path of such an API; ``beside`` is one more that the host has. None of these parts is said twice.

    Raises :class:`~fim_lsp.errors.SettingError` for anything but a plain http(s) address: a user name in it would be
    sent as a login, a query would end up in the middle.

    >>> endpoint("https://api.example.org/mistral/eu/v1/", "/v1/fim/completions")
    'https://api.example.org/mistral/eu/v1/fim/completions'
    >>> endpoint("https://gateway.example.org//llm/v1/chat/completions", "/infill")
    'https://gateway.example.org/llm/infill'
    """
    try:
        parts = urlsplit(base_url)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    if not usable or parts.username is not None or parts.query or parts.fragment:
        raise SettingError("base_url must be like https://host or http://host:port/path, without login, ? and #")
    steps = [step for step in parts.path.split("/") if step]
    wanted = path.strip("/").split("/")
    beginnings = [wanted[:count] for count in range(len(wanted), 0, -1)]
    known = [*beginnings, *(it.split("/") for it in (*_ENDPOINTS, *([beside] if beside else [])))]
    while end := next((it for it in known if steps[-len(it) :] == it), None):
        del steps[-len(end) :]
    return "/".join([f"{parts.scheme}://{parts.netloc}", *steps, *wanted])


def path_of(url: str) -> str:
    """The path that ``url`` asks for, as a sentence names it."""
    return urlsplit(url).path or "/"


def host_of(url: str) -> str:
    """The host that ``url`` names, with its port if that is not the scheme's own."""
    parts = urlsplit(url)
    usual = {"http": 80, "https": 443}.get(parts.scheme)
    name = parts.hostname or ""
    name = f"[{name}]" if ":" in name else name
    return name if parts.port in (None, usual) else f"{name}:{parts.port}"


def origin_of(url: str) -> tuple[str, str]:
    """Scheme and host, which together decide whose a key is: the same host without TLS is another place."""
    return urlsplit(url).scheme, host_of(url)


def is_local(host: str) -> bool:
    """Whether a back end's ``host`` is this process or this machine."""
    return not host or is_loopback(f"//{host}")


def is_loopback(url: str) -> bool:
    """Whether ``url`` stays on this machine."""
    name = urlsplit(url).hostname or ""
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
