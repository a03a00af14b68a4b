"""Continue's ``config.json`` and ``config.yaml``: the model for autocompletion and its options.

The formats: https://docs.continue.dev/reference, and for ``config.json`` https://docs.continue.dev/json-reference.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from fim_lsp.errors import UsageError
from fim_lsp.migrate.address import backend_at, take_address, take_default_address, take_model
from fim_lsp.migrate.result import Collector, Migration
from fim_lsp.secret import Secret

INSTALL_YAML: Final = "pip install 'fim-lsp[continue]'"

# Servers with OpenAI's completions API, and where Continue looks for each unless `apiBase` is set.
_OPENAI_LIKE: Final[Mapping[str, str]] = MappingProxyType(
    {
        "openai": "", "vllm": "http://localhost:8000/v1", "lmstudio": "http://localhost:1234/v1",
        "deepseek": "https://api.deepseek.com", "openrouter": "https://openrouter.ai/api/v1",
        "together": "https://api.together.xyz/v1", "fireworks": "https://api.fireworks.ai/inference/v1",
        "siliconflow": "https://api.siliconflow.cn/v1", "inception": "https://api.inceptionlabs.ai/v1",
        "nebius": "", "huggingface-tgi": "", "text-gen-webui": "http://127.0.0.1:5000/v1", "llamastack": "",
        "scaleway": "", "ovhcloud": "", "novita": "", "sambanova": "", "groq": "", "xai": "",
    }
)  # fmt: skip

_ALWAYS_ON: Final = "fim-lsp always does this"
_OPTION_NOTES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "prefixPercentage": "what `suffix_share` and `context_tokens` leave is for the text before the cursor",
        "modelTimeout": "lines are shown as soon as they are complete; `timeout` limits a whole request, in seconds",
        "showWhateverWeHaveAtXMs": "lines are shown as soon as they are complete",
        "useCache": "answers are cached in memory, never on disk",
        "onlyMyCode": "only open and imported files are used, never libraries",
        "useRecentlyEdited": "open and imported files are used; `context_tokens` limits them",
        "useImports": f"{_ALWAYS_ON}; `context_tokens` limits it",
        "useCopyBuffer": "the clipboard is never used",
        "template": "the format follows from the model's family; `fim_template` selects another one",
        "transform": _ALWAYS_ON,
        "contextLength": "fim-lsp asks the server",
        "stream": "fim-lsp streams",
    }
)
_REQUEST_NOTES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "proxy": "set HTTPS_PROXY in the editor's environment",
        "noProxy": "set NO_PROXY in the editor's environment",
        "caBundlePath": "the system's certificates are trusted; set SSL_CERT_FILE to this file for others",
        "verifySsl": "certificates are always checked; set SSL_CERT_FILE to the CA's file",
        "headers": "only the key is sent",
        "extraBodyProperties": "only documented parameters are sent",
        "clientCertificate": "no counterpart: client certificates are not supported",
    }
)
_SECRET: Final = re.compile(r"\$?\{\{\s{0,9}secrets\.([A-Za-z0-9_./-]{1,200})\s{0,9}\}\}")
_MAX_MODELS: Final = 200


def read_json(text: str) -> Migration:
    """``config.json``, in which comments are allowed. Raises :class:`~fim_lsp.errors.UsageError` if it is not JSON."""
    try:
        return read_values(json.loads(_without_comments(text)))
    except json.JSONDecodeError as error:
        raise UsageError(f"line {error.lineno} is not valid JSON: {error.msg}") from None
    except (ValueError, RecursionError):
        raise UsageError("it is not valid JSON: it is nested too deeply, or has numbers of too many digits") from None


def read_yaml(text: str) -> Migration:
    """``config.yaml``. Raises :class:`~fim_lsp.errors.UsageError` if it is not YAML, or nothing here can read YAML."""
    try:
        import yaml
    except ImportError:
        raise UsageError(f"reading YAML needs PyYAML: run {INSTALL_YAML} (or pipx inject fim-lsp pyyaml)") from None
    try:
        return read_values(yaml.safe_load(text))
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise UsageError(f"line {line} is not valid YAML") from None
    except (yaml.YAMLError, ValueError, RecursionError, TypeError, AttributeError):
        raise UsageError("it is not valid YAML") from None


def read_values(values: object) -> Migration:
    """What the parsed file contains. Raises :class:`~fim_lsp.errors.UsageError` if it configures no autocompletion."""
    if not isinstance(values, dict):
        raise UsageError("it contains no settings of Continue")
    found = Collector("Continue")
    model = _autocomplete_model(values, found)
    _take_model(found, model)
    for name in ("tabAutocompleteOptions", "autocompleteOptions"):
        _take_options(found, values.get(name), name)
        _take_options(found, model.get(name), name)
    for name in ("completionOptions", "defaultCompletionOptions"):
        _take_completion_options(found, values.get(name) if name == "completionOptions" else None, name)
        _take_completion_options(found, model.get(name), name)
    _take_request_options(found, values.get("requestOptions"))
    _take_request_options(found, model.get("requestOptions"))
    return found.result()


def _autocomplete_model(values: Mapping[Any, Any], found: Collector) -> Mapping[Any, Any]:
    given, listed = values.get("tabAutocompleteModel"), values.get("models")
    if given is not None:
        candidates = given if isinstance(given, list) else [given]
    else:
        candidates = [one for one in listed if _completes(one)] if isinstance(listed, list) else []
    models: list[dict[Any, Any]] = [one for one in candidates[:_MAX_MODELS] if isinstance(one, dict)]
    if not models:
        raise UsageError(
            "it has no model for autocompletion: neither `tabAutocompleteModel`, nor a model with the role autocomplete"
        )
    for other in models[1:]:
        found.leave(f"model {other.get('title') or other.get('name') or other.get('model')}", "only the first is taken")
    return models[0]


def _completes(model: object) -> bool:
    roles = model.get("roles") if isinstance(model, dict) else None
    return isinstance(roles, list) and "autocomplete" in roles


def _take_model(found: Collector, model: Mapping[Any, Any]) -> None:
    if "provider" not in model:
        reason = "its provider and model are not in this file; name them in it, or choose `backend` and `model`"
        found.leave("uses" if "uses" in model else "provider", reason)
        return
    provider, address = str(model["provider"]).lower(), model.get("apiBase")
    name = _backend(provider, model, address)
    if not name:
        found.leave("provider", "it offers no fill-in-the-middle that fim-lsp can use; choose another `backend`")
        return
    if address:
        take_address(found, address, "apiBase", backend=name)
    elif name == "openai":
        usual = _OPENAI_LIKE.get(provider, "")
        if not usual:
            found.leave("provider", "the address of its server is not in this file: set `backend` and `base_url`")
            return
        take_address(found, usual, "provider", backend=name)
    else:
        take_default_address(found, name, "provider")
    take_model(found, model.get("model"), "model")
    _take_key(found, model.get("apiKey"))
    if isinstance(model.get("promptTemplates"), dict) and model["promptTemplates"].get("autocomplete"):
        found.leave("promptTemplates.autocomplete", _OPTION_NOTES["template"])


def _backend(provider: str, model: Mapping[Any, Any], address: object) -> str:
    """The back end for a provider; ``""`` if there is none."""
    if provider == "mistral":
        return "codestral" if address or "codestral" in str(model.get("model", "")) else "mistral"
    if provider in ("ollama", "llama.cpp", "llamafile"):
        return "ollama" if provider == "ollama" else "llamacpp"
    return backend_at(address or "", provider) if provider in _OPENAI_LIKE else ""


def _take_key(found: Collector, key: object) -> None:
    if not isinstance(key, str) or not key.strip() or key.strip().upper() in ("EMPTY", "NONE", "NULL"):
        return
    if secret := _SECRET.search(key[:500]):
        found.found_key(variable=secret[1])
    elif "<" in key or key.upper().startswith("YOUR"):
        found.leave("apiKey", "it is a placeholder, not a key")
    else:
        found.found_key(Secret(key.strip()))


def _take_options(found: Collector, options: object, where: str) -> None:
    """``tabAutocompleteOptions``, or the model's ``autocompleteOptions``."""
    if not isinstance(options, dict):
        return
    direct = {
        "debounceDelay": "debounce", "maxPromptTokens": "prompt_tokens", "maxSuffixPercentage": "suffix_share",
        "multilineCompletions": "multiline",
    }  # fmt: skip
    for name, value in options.items():
        source = f"{where}.{name}"
        if name in direct:
            found.take(direct[name], value, source)
        elif name == "disableInFiles":
            _take_globs(found, value, source)
        elif name in ("useSuffix", "useFileSuffix"):
            if value is False:
                found.take("suffix_share", 0, source)
        elif name == "useOtherFiles":
            if value is False:
                found.take("context_tokens", 0, source)
        elif name == "disable":
            if value is True:
                found.leave(source, 'fim-lsp is on while it runs; `trigger = "manual"` suggests only when asked')
        else:
            found.leave(source, _OPTION_NOTES.get(str(name), "no counterpart"))


def _take_globs(found: Collector, value: object, source: str) -> None:
    globs = value if isinstance(value, list) else [value]
    if any(str(glob).startswith("!") for glob in globs):
        found.leave(source, "it has a glob with !; add the others to `exclude` by hand")
    else:
        found.take("exclude", globs, source)


def _take_completion_options(found: Collector, options: object, where: str) -> None:
    if not isinstance(options, dict):
        return
    direct = {"temperature": "temperature", "topP": "top_p", "maxTokens": "max_tokens", "stop": "stop"}
    for name, value in options.items():
        source = f"{where}.{name}"
        if name in direct:
            if value not in (None, []):
                found.take(direct[name], value, source)
        else:
            found.leave(source, _OPTION_NOTES.get(str(name), "no counterpart: the server's default applies"))


def _take_request_options(found: Collector, options: object) -> None:
    for name, value in options.items() if isinstance(options, dict) else ():
        if name == "timeout":
            found.take("timeout", value, "requestOptions.timeout")
        elif name != "verifySsl" or value is False:
            found.leave(f"requestOptions.{name}", _REQUEST_NOTES.get(str(name), "no counterpart"))


_COMMENT_OR_STRING: Final = re.compile(r'"(?:[^"\\\n]|\\.)*"?|//[^\n]*|/\*.*?(?:\*/|\Z)', re.DOTALL)


def _without_comments(text: str) -> str:
    """The text with comments replaced by spaces, so that lines keep their numbers."""

    def blank(found: re.Match[str]) -> str:
        return found[0] if found[0].startswith('"') else re.sub(r"[^\n]", " ", found[0])

    return _COMMENT_OR_STRING.sub(blank, text)
