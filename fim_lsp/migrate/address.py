"""Which back end stands for an address that another program was told to use."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from fim_lsp.backends import llamacpp, ollama
from fim_lsp.backends.codestral import API_HOSTS, RETIRED
from fim_lsp.errors import SettingError
from fim_lsp.http.urls import endpoint, host_of, is_loopback, origin_of
from fim_lsp.migrate.result import Collector

_LOCAL_DEFAULTS: Final = (("llamacpp", llamacpp.BASE_URL), ("ollama", ollama.BASE_URL))


def take_address(found: Collector, address: object, source: str, *, backend: str) -> None:
    """Take over an address; ``backend`` is the one for hosts that are not known."""
    if not isinstance(address, str) or not _is_usable(address):
        found.leave(source, "not an http or https address without login and query")
        return
    address = address.strip()
    known = next((name for name, host in API_HOSTS.items() if origin_of(host.base_url) == origin_of(address)), "")
    if known == "langdock":
        _take_langdock(found, address, source)
        return
    if usual := _usual_address(backend, address):
        found.origin = origin_of(usual)
    elif known or found.take("base_url", endpoint(address, "/").rstrip("/"), source):
        found.origin = origin_of(address)
    else:
        return
    found.take("backend", known or backend, source)


def _take_langdock(found: Collector, address: str, source: str) -> None:
    steps = [step for step in urlsplit(address).path.split("/") if step]
    if steps[:1] not in ([], ["mistral"]):
        found.leave(source, f"Langdock completes code under /mistral/REGION only, not under /{steps[0]}")
        return
    if len(steps) > 1 and not found.take("region", steps[1], source):
        return
    found.take("backend", "langdock", source)
    found.origin = origin_of(address)


def take_default_address(found: Collector, name: str, source: str) -> None:
    """Take over a back end at its usual address."""
    found.take("backend", name, source)
    base = API_HOSTS[name].base_url if name in API_HOSTS else dict(_LOCAL_DEFAULTS).get(name, "")
    found.origin = origin_of(base) if base else None


def take_model(found: Collector, model: object, source: str) -> None:
    """Take over a model, unless Mistral has retired it and no other host may still have it."""
    if isinstance(model, str) and (date := RETIRED.get(model)) and model != API_HOSTS["langdock"].model:
        found.leave(source, f"Mistral retired this model on {date}, so the back end's default is used")
    elif model not in (None, "", "AUTODETECT"):
        found.take("model", model, source)


def backend_at(address: object, name: object = "") -> str:
    """The back end for a server with OpenAI's API, by its address and the name that it was given."""
    text = str(name).lower()
    try:
        host = host_of(str(address))
        port = host.rpartition(":")[2] if is_loopback(str(address)) else ""
    except ValueError:
        return "openai"
    if "ollama" in text or port == "11434":
        return "ollama"
    return "llamacpp" if "llama.cpp" in text or "llamacpp" in text or port == "8012" else "openai"


def _usual_address(name: str, address: str) -> str:
    """The address that the back end has anyway, on this machine, if ``address`` is the same place; else ``""``."""
    usual = dict(_LOCAL_DEFAULTS).get(name, "")
    same = bool(usual) and host_of(address).rpartition(":")[2] == host_of(usual).rpartition(":")[2]
    return usual if same and is_loopback(address) and not _own_path(address) else ""


def _own_path(address: str) -> str:
    """The path, without the API's."""
    return urlsplit(endpoint(address, "/")).path.strip("/")


def _is_usable(address: str) -> bool:
    try:
        endpoint(address.strip(), "/")
    except (SettingError, ValueError):
        return False
    return address.strip().isascii() and address.strip().isprintable() and " " not in address.strip()
