"""The hosts that keys are for, as users name them, and the one that the settings' own key is sent to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from fim_lsp.backends.codestral import API_HOSTS
from fim_lsp.backends.factory import first_name, profile_of
from fim_lsp.backends.key_store import KeyStore, Origin
from fim_lsp.errors import SettingError, UsageError
from fim_lsp.http.urls import endpoint, origin_of
from fim_lsp.settings.schema import BACKENDS, FALLBACKS, Settings

_EXAMPLES: Final = "codestral, codestral.mistral.ai or https://llm.example:8443"


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
    try:
        endpoint(address, "/")
        scheme, host_name = origin_of(address)
    except (SettingError, ValueError):
        raise UsageError(f"HOST must be a back end's name, a host or its address, such as {_EXAMPLES}") from None
    plain = name.isascii() and name.isprintable() and " " not in name and "\\" not in name
    if not plain or not ("://" in name or "." in host_name or ":" in host_name):
        raise UsageError(f"HOST must be a back end's name, a host or its address, such as {_EXAMPLES}")
    return scheme, host_name


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


def _origin(name: str, settings: Settings) -> Origin | None:
    if name == "ngram":
        return None
    try:
        return origin_of(profile_of(name, settings).base_url)
    except SettingError:
        return None
