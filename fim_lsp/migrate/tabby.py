"""Tabby's settings: the agent's ``~/.tabby-client/agent/config.toml``, and the server's ``~/.tabby/config.toml``.

The agent talks to Tabby's server, which has an API of its own. The server may use a model over HTTP, which fim-lsp can
use as well. The formats: https://tabby.tabbyml.com/docs/extensions/configurations,
https://tabby.tabbyml.com/docs/references/models-http-api/.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from fim_lsp.errors import UsageError
from fim_lsp.migrate.address import backend_at, take_address, take_model
from fim_lsp.migrate.result import Collector, Migration
from fim_lsp.secret import Secret

_PLACE: Final = re.compile(r"at line (\d+)")
_KINDS: Final[Mapping[str, str]] = MappingProxyType(
    {"mistral": "codestral", "ollama": "ollama", "llama.cpp": "llamacpp", "openai": "openai", "vllm": "openai",
     "deepseek": "openai"}
)  # fmt: skip
_CONTEXT: Final = "open and imported files are used; `context_tokens` limits them"
_NOTES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "server.endpoint": "Tabby's server has an API of its own: choose the model behind it, as `backend` and `base_url`; "
        "--from-tabby ~/.tabby/config.toml reads the server's own settings",
        "server.token": "it is for Tabby's server only",
        "server.requestHeaders": "only the key is sent",
        "proxy.url": "set HTTPS_PROXY in the editor's environment",
        "proxy.authorization": "put the login into the address in HTTPS_PROXY",
        "completion.prompt.maxPrefixLines": "`prompt_tokens` limits the text, in tokens instead of lines",
        "completion.prompt.maxSuffixLines": "`suffix_share` of `prompt_tokens`, in tokens instead of lines",
        "completion.prompt.fillDeclarations": _CONTEXT,
        "completion.prompt.collectSnippetsFromRecentChangedFiles": _CONTEXT,
        "completion.prompt.collectSnippetsFromRecentOpenedFiles": _CONTEXT,
        "completion.prompt.clipboard": "the clipboard is never used",
        "completion.solution": "one suggestion is requested; others when you ask for them",
        "postprocess": "what is shown is always cleaned up",
        "tls.caCerts": "the system's certificates are trusted; set SSL_CERT_FILE to a file for others",
        "logs.level": "fim-lsp --log-file PATH --log-level LEVEL",
        "anonymousUsageTracking": "nothing is ever reported to anybody",
        "chat": "fim-lsp only completes",
    }
)


def read_tabby(text: str) -> Migration:
    """The settings of an agent or a server. Raises :class:`~fim_lsp.errors.UsageError` if the text is not TOML."""
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line = found[1] if (found := _PLACE.search(str(error))) else str(text.count("\n") + 1)
        raise UsageError(f"line {line} is not valid TOML") from None
    except (ValueError, RecursionError):
        raise UsageError("it is not valid TOML: it is nested too deeply, or has numbers of too many digits") from None
    found_all = Collector("Tabby")
    if isinstance(model := _inner(values, "model", "completion", "http"), dict):
        _take_server(found_all, model)
    _take_agent(found_all, values)
    return found_all.result()


def _inner(values: object, *names: str) -> object:
    for name in names:
        values = values.get(name) if isinstance(values, dict) else None
    return values


def _take_server(found: Collector, model: Mapping[str, Any]) -> None:
    where = "model.completion.http"
    kind = str(model.get("kind", "")).partition("/")[0].lower()
    if kind not in _KINDS:
        found.leave(f"{where}.kind", "no back end speaks this API: choose another `backend`")
        return
    address = model.get("api_endpoint")
    if _KINDS[kind] == "openai":
        take_address(found, address, f"{where}.api_endpoint", backend=backend_at(address or ""))
    else:
        take_address(found, address, f"{where}.api_endpoint", backend=_KINDS[kind])
    take_model(found, model.get("model_name"), f"{where}.model_name")
    if isinstance(key := model.get("api_key"), str) and key.strip():
        found.found_key(Secret(key.strip()))
    if "prompt_template" in model:
        found.leave(f"{where}.prompt_template", "the format follows from the model's family; see `fim_template`")


def _take_agent(found: Collector, values: Mapping[str, Any]) -> None:
    debounce = _inner(values, "completion", "debounce")
    if isinstance(debounce, dict):
        if debounce.get("mode") == "fixed":
            found.take("debounce", debounce.get("interval"), "completion.debounce.interval")
        elif debounce.get("mode") == "adaptive":
            found.take("debounce", "adaptive", "completion.debounce.mode")
    timeout = _inner(values, "server", "requestTimeout")
    if isinstance(timeout, int | float) and not isinstance(timeout, bool):
        found.take("timeout", timeout / 1000, "server.requestTimeout")
    for name, reason in _NOTES.items():
        if _inner(values, *name.split(".")) is not None:
            found.leave(name, reason)
