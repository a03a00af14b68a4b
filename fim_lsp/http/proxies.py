"""Which way a request takes: through the proxy that the environment names, or straight. As httpx reads the environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from fim_lsp.http.urls import is_loopback


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """The way to a host. ``proxy`` is the address without a login, ``variable`` the one that names it; both ``""`` without.

    ``because`` is why a proxy that is set for other hosts is not used for this one.
    """

    proxy: str = ""
    variable: str = ""
    because: str = ""

    def __str__(self) -> str:
        if self.proxy:
            return f"through the proxy {self.proxy} ({self.variable})"
        return "without a proxy" + (f" ({self.because})" if self.because else "")


def route_to(url: str, environment: Mapping[str, str]) -> Route:
    """The way to ``url``. Never raises: a proxy's address that is not valid is shown as it is, without its login."""
    variables = _variables(environment)
    scheme = urlsplit(url).scheme
    name = next((name for name in (scheme, "all") if variables.get(name)), "")
    if not name:
        return Route()
    variable, address = variables[name]
    if is_loopback(url):
        return Route(because=f"{variable} is not used for this machine")
    if "no" in variables and _is_excepted(urlsplit(url).netloc, variables["no"][1]):
        return Route(because=f"{variables['no'][0]} contains its name")
    return Route(proxy=without_login(address), variable=variable)


def without_login(address: str) -> str:
    """The address of a proxy without its user and password."""
    scheme, separator, rest = address.rpartition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}{separator}{host.rpartition('@')[2]}{slash and '/'}{path}".rstrip("/")


def _is_excepted(host: str, exceptions: str) -> bool:
    """Whether a host, with its port if it has one, is among the names and domains of ``NO_PROXY``."""
    names = [name.strip().lstrip(".").lower() for name in exceptions.split(",")]
    forms = {host.lower(), host.lower().rpartition(":")[0] or host.lower()}
    return "*" in names or any(form == name or form.endswith(f".{name}") for form in forms for name in names if name)


def _variables(environment: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """By scheme, ``"all"`` or ``"no"``: the variable and its value. The lower-case variable has precedence, even if empty."""
    found: dict[str, tuple[str, str]] = {}
    for lower in (False, True):
        for variable, value in environment.items():
            name = variable.lower()
            if name.endswith("_proxy") and (variable == name) is lower:
                found.pop(name.removesuffix("_proxy"), None)
                if value:
                    found[name.removesuffix("_proxy")] = (variable, value)
    return found
