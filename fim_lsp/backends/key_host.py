"""The hosts that keys are for, as users name them, and the one that the settings' own key is sent to."""

from __future__ import annotations

import contextlib
import ipaddress
import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from fim_lsp.backends.codestral import API_HOSTS
from fim_lsp.backends.factory import first_name, profile_of
from fim_lsp.backends.key_store import KeyStore, Origin
from fim_lsp.backends.profile import Profile
from fim_lsp.errors import SettingError, UsageError
from fim_lsp.http.urls import endpoint, is_loopback, origin_of
from fim_lsp.settings.schema import BACKENDS, FALLBACKS, Settings

_EXAMPLES: Final = "codestral, codestral.mistral.ai or https://llm.example:8443"
_LABEL: Final = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)", re.IGNORECASE)  # of a host's name, between dots
_MAX_HOST: Final = 253  # characters


def parse_host(text: str) -> Origin:
    """The origin that a user means: a back end's name, a host with or without a port (over https), or an address.

    Raises :class:`~fim_lsp.errors.UsageError`, without the text: it may be a key, given in the wrong place.
    """
    name = text.strip()
    if host := API_HOSTS.get(name.lower()):
        return origin_of(host.base_url)
    if name.lower() in BACKENDS:
        raise UsageError(
            "ngram runs inside fim-lsp and needs no key"
            if name.lower() == "ngram"
            else f"{name.lower()} has no host of its own: give its address, such as http://127.0.0.1:8012"
        )
    address = name if "://" in name else f"https://{name}"
    if not name.isascii():
        raise UsageError(f"HOST has letters that are not ASCII: {_in_ascii(address)}")
    try:
        endpoint(address, "/")
        scheme, host_name = origin_of(address)
    except (SettingError, ValueError):
        raise UsageError(f"HOST must be a back end's name, a host or its address, such as {_EXAMPLES}") from None
    plain = name.isprintable() and " " not in name and "\\" not in name
    if not plain or not ("://" in name or "." in host_name or ":" in host_name):
        raise UsageError(f"HOST must be a back end's name, a host or its address, such as {_EXAMPLES}")
    if not _can_exist(urlsplit(address).hostname or ""):
        raise UsageError(f"no host can have the name in HOST; it must be like {_EXAMPLES}")
    return scheme, host_name


def _in_ascii(address: str) -> str:
    """What to write instead of a host with other letters; a key has none, so it may be repeated."""
    with contextlib.suppress(UnicodeError, ValueError):
        name = (urlsplit(address).hostname or "").encode("idna").decode()
        if _can_exist(name):
            return f"write it as it is in the DNS (punycode), {name}"
    return "write it as it is in the DNS (punycode), such as xn--bcher-kva.example"


def _can_exist(name: str) -> bool:
    """Whether a host can have a name: an IP address, or labels as the DNS has them. A last one of digits is an address."""
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        labels = name.removesuffix(".").split(".")
        return len(name) <= _MAX_HOST and all(map(_LABEL.fullmatch, labels)) and not labels[-1].isdigit()
    return not (address.is_unspecified or address.is_multicast)


def is_unencrypted(origin: Origin) -> bool:
    """Whether others can read a key on its way to this host."""
    address = "://".join(origin)
    return origin[0] == "http" and not is_loopback(address)


def host_label(origin: Origin) -> str:
    """A host for the user: its name if it is reached over https, its address otherwise."""
    scheme, host = origin
    return host if scheme == "https" else f"{scheme}://{host}"


def origin_of_settings(settings: Settings, environment: Mapping[str, str], store: KeyStore | None) -> Origin | None:
    """Where a key in the settings is sent: the host of the back end that is asked first, None if there is none."""
    return _origin(first_name(settings, environment, {}, store), settings)


def origins_used(settings: Settings, environment: Mapping[str, str], store: KeyStore | None) -> tuple[Origin, ...]:
    """The hosts of all back ends that the settings name, the first one first."""
    fallbacks = (_origin(name, Settings(region=settings.region)) for name in settings.fallback if name in FALLBACKS)
    origins = (origin_of_settings(settings, environment, store), *fallbacks)
    return tuple(dict.fromkeys(origin for origin in origins if origin))


def profile_at(
    origin: Origin, settings: Settings, environment: Mapping[str, str], store: KeyStore | None
) -> Profile | None:
    """How the back end that uses this host asks it; None if it is neither known nor in the settings."""
    first = first_name(settings, environment, {}, store)
    if _origin(first, settings) == origin:
        return profile_of(first, settings)
    defaults = Settings(region=settings.region)
    return next((profile_of(name, defaults) for name in API_HOSTS if _origin(name, defaults) == origin), None)


def _origin(name: str, settings: Settings) -> Origin | None:
    if name == "ngram":
        return None
    try:
        return origin_of(profile_of(name, settings).base_url)
    except SettingError:
        return None
