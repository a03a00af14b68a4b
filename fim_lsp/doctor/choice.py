"""Which back end is used, and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from fim_lsp.backends.backend import Backend
from fim_lsp.backends.codestral import API_HOSTS
from fim_lsp.backends.credentials import HOST_VARIABLES, KeyPlace, environment_key
from fim_lsp.backends.discovery import USUAL_PORTS, LocalServer
from fim_lsp.backends.factory import first_name
from fim_lsp.backends.http_backend import HttpBackend
from fim_lsp.backends.key_store import KeyStore, key_set_command
from fim_lsp.doctor.check import Check, error, info, ok, warning
from fim_lsp.doctor.host_checks import Server
from fim_lsp.doctor.remedies import Facts, remedy_for
from fim_lsp.errors import KeyStoreError, SettingError
from fim_lsp.http.proxies import route_to
from fim_lsp.http.urls import host_of, is_local, origin_of
from fim_lsp.settings.schema import Settings


def reason_for_first(
    settings: Settings, environment: Mapping[str, str], servers: Mapping[str, LocalServer], store: KeyStore | None
) -> str:
    """Why the first back end is the one that :func:`~fim_lsp.backends.factory.first_name` returns."""
    name = first_name(settings, environment, servers, store)
    if settings.backend != "auto":
        return "the setting backend"
    if settings.base_url:
        return f"auto: base_url is an address of {host_of(settings.base_url)}"
    if settings.api_key or settings.api_key_command:
        return f"auto: {'api_key' if settings.api_key else 'api_key_command'} is set, without a base_url"
    if name in API_HOSTS:
        host = host_of(API_HOSTS[name].base_url)
        if environment_key(API_HOSTS[name].base_url, environment):
            return f"auto: {HOST_VARIABLES[host]} is set"
        return f"auto: a key for {host} is stored"
    if name in servers:
        return f"auto: there is no key, and it runs on this machine at {servers[name].base_url}"
    return "auto: there is no key, and no server on this machine can fill in the middle"


def check_choice(
    backends: Sequence[Backend], problems: Sequence[str], reason: str, *, failed_closed: bool
) -> Iterator[Check]:
    """The back end that is asked first. ``problems`` are sentences about back ends that can't be made."""
    for problem in problems:
        yield error("back end", problem, remedy_for(SettingError(problem), Facts()))
    if failed_closed:
        yield warning(
            "back end",
            "ngram, because damaged settings let nothing leave this machine",
            "correct the settings above: until then it is unknown what they restrict",
        )
        return
    if not backends:
        yield error("back end", "none can be used", "set `backend` or `fallback` in config.toml to one that can")
        return
    first = backends[0]
    place = f" at {first.host}" if first.host else ", inside fim-lsp"
    yield ok("back end", f"{first.name}{place} ({reason})")
    if first.name == "ngram" and reason.startswith("auto"):
        yield info(
            "key",
            "there is none, so suggestions come from your own files (ngram)",
            "for Codestral, make a key at console.mistral.ai and keep it with: fim-lsp key set codestral.mistral.ai",
        )


def check_key_store(store: KeyStore) -> Iterator[Check]:
    """Whether the index of the stored keys can be used, if there is one."""
    store.entries()
    if store.problem:
        yield error("key", store.problem, remedy_for(KeyStoreError(store.problem), Facts()))


def check_local_servers(servers: Sequence[LocalServer], busy_ports: Sequence[int]) -> Check:
    """The servers on this machine, whether they are used or not. ``busy_ports`` have another program, or no usable model."""
    if servers:
        found = "; ".join(f"{one.name} at {one.base_url}, {one.model or 'with its loaded model'}" for one in servers)
        return ok("local servers", found)
    ports = ", ".join(str(port.port) for port in USUAL_PORTS)
    if busy_ports:
        busy = " and ".join(map(str, busy_ports))
        return info(
            "local servers",
            f"what listens on port {busy} is neither a llama.cpp nor an Ollama server whose model can fill in the middle",
            "for one that can: llama-server --fim-qwen-1.5b-default, or ollama pull qwen2.5-coder:1.5b-base",
        )
    return info("local servers", f"nothing listens on the ports of llama.cpp and Ollama ({ports})")


def with_key(environment: Mapping[str, str]) -> tuple[str, ...]:
    """The back ends for which there is a key in the environment."""
    return tuple(name for name, host in API_HOSTS.items() if environment_key(host.base_url, environment))


def how_to_keep_key(place: KeyPlace | None, url: str, origins: Sequence[str]) -> str:
    """How another key for ``url`` is kept where the present one is: a place that is looked at later would have no effect.

    ``origins`` are where the setting api_key is set.
    """
    match place:
        case KeyPlace(kind="setting"):
            return f"set api_key in {' or '.join(origins) or 'config.toml'} to it"
        case KeyPlace(kind="command"):
            return "let the command in api_key_command print it"
        case KeyPlace(kind="variable", name=variable):
            return f"set {variable} to it where your editor is started"
    scheme, host = origin_of(url)
    other = HOST_VARIABLES.get(host) if scheme == "https" else None
    instead = f" (or set {other} where your editor is started)" if other else ""
    return f"keep it with: {key_set_command(url)}{instead}"


def describe_server(
    backend: HttpBackend,
    environment: Mapping[str, str],
    *,
    key_origins: Sequence[str],
    model_origins: Sequence[str],
    temperature: float | None,
) -> Server:
    """What is known about a back end's server; the origins are where the settings api_key and model are set."""
    url, place = backend.profile.base_url, backend.key_place
    return Server(
        name=backend.name,
        host=backend.host,
        address="://".join(origin_of(url)),
        model=backend.model,
        key_place=str(place) if place else "",
        missing_key=(backend.profile.missing_key_message or "") if place is None else "",
        keep_key=how_to_keep_key(place, url, key_origins),
        model_origin=next(iter(model_origins), "config.toml"),
        other_keys=with_key(environment),
        route=str(route_to(url, environment)),
        certificates=_certificates(url, environment),
        temperature=temperature,
    )


def _certificates(url: str, environment: Mapping[str, str]) -> str:
    if not url.startswith("https:"):
        return "without TLS"
    named = [f"{name}={environment[name]}" for name in ("SSL_CERT_FILE", "SSL_CERT_DIR") if environment.get(name)]
    return " and ".join(["trusting the system's certificates", *(f"those of {one}" for one in named)])


def is_remote(backend: Backend) -> bool:
    """Whether its text leaves this machine."""
    return not is_local(backend.host)
