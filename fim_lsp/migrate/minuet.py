"""minuet-ai.nvim's ``setup`` table, as far as it is made of literals. It is read from Lua source, which is not run.

The settings: https://github.com/milanglacier/minuet-ai.nvim#configuration.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from fim_lsp.errors import UsageError
from fim_lsp.migrate.address import backend_at, take_address, take_model
from fim_lsp.migrate.literals import LUA, UNKNOWN, listed, read_table
from fim_lsp.migrate.result import Collector, Migration

_SETUP: Final = re.compile(
    r"require\s{0,9}\(?\s{0,9}['\"]minuet['\"]\s{0,9}\)?\s{0,9}\.\s{0,9}setup\s{0,9}\(?\s{0,99}\{"
)
_OPTS: Final = re.compile(r"\bopts\s{0,9}=\s{0,99}\{")
_PLUGIN: Final = "minuet-ai.nvim"
_MAX_SPEC: Final = 4_000  # characters from the plugin's name to its `opts`

# What a provider uses unless it is set: address, model, variable with the key
_DEFAULTS: Final[Mapping[str, tuple[str, str, str]]] = MappingProxyType(
    {
        "codestral": ("https://codestral.mistral.ai", "codestral-latest", "CODESTRAL_API_KEY"),
        "openai_fim_compatible": ("https://api.deepseek.com/beta", "deepseek-chat", "DEEPSEEK_API_KEY"),
    }
)
_CHARACTERS_PER_TOKEN: Final = 4
_COMPUTED: Final = "it is computed when Neovim runs; set it by hand"
_NOTES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "throttle": "typing along costs no request, so no pause is needed; `requests_per_minute` sets a limit",
        "n_completions": "one suggestion is requested; others when you ask for them",
        "proxy": "set HTTPS_PROXY in the editor's environment",
        "notify": "each problem is shown once",
        "add_single_line_entry": "the editor accepts a word or a line of a suggestion",
        "after_cursor_filter_length": "repeated text is always removed",
        "before_cursor_filter_length": "repeated text is always removed",
        "presets": "only one set of settings is kept; a project's `.fim-lsp.toml` can differ",
        "enabled": "functions have no counterpart; see `trigger`, `languages` and `exclude`",
        "enable_predicates": "functions have no counterpart; see `trigger`, `languages` and `exclude`",
        "cmp": "the setting `menu` decides about the completion menu",
        "blink": "the setting `menu` decides about the completion menu",
        "lsp": "the setting `menu` decides about the completion menu",
        "duet": "next-edit suggestions have no counterpart",
    }
)
_PROVIDER_NOTES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "template": "the format follows from the model's family; `fim_template` selects another one",
        "transform": "functions have no counterpart",
        "get_text_fn": "functions have no counterpart",
        "stream": "fim-lsp streams",
        "name": "",
    }
)


def read_minuet(text: str) -> Migration:
    """The settings in Lua source. Raises :class:`~fim_lsp.errors.UsageError` if there are none."""
    values, _ = read_table(text, _beginning(text), LUA)
    found = Collector("minuet-ai.nvim")
    provider = values.get("provider", "codestral")
    if isinstance(provider, str) and provider in _DEFAULTS:
        options = values.get("provider_options")
        own = options.get(provider) if isinstance(options, dict) else None
        _take_provider(found, provider, own if isinstance(own, dict) else {})
    else:
        reason = (
            _COMPUTED
            if provider is UNKNOWN
            else "it is a chat model, and fim-lsp fills in the middle: choose `backend`"
        )
        found.leave("provider", reason)
    _take_general(found, values)
    return found.result()


def _beginning(text: str) -> int:
    """Where the table begins."""
    for setup in _SETUP.finditer(text):
        if "--" not in text[text.rfind("\n", 0, setup.start()) + 1 : setup.start()]:
            return setup.end() - 1
    plugin = text.find(_PLUGIN)
    opts = _OPTS.search(text, plugin, plugin + _MAX_SPEC) if plugin >= 0 else None
    if opts is None:
        raise UsageError("it has neither require('minuet').setup {…} nor a table `opts` for minuet-ai.nvim")
    return opts.end() - 1


def _take_provider(found: Collector, provider: str, own: Mapping[str, Any]) -> None:
    where = f"provider_options.{provider}"
    address, model, variable = _DEFAULTS[provider]
    address, model = own.get("end_point", address), own.get("model", model)
    if address is UNKNOWN:
        found.leave(f"{where}.end_point", _COMPUTED)
    else:
        backend = "codestral" if provider == "codestral" else backend_at(address, own.get("name", ""))
        take_address(found, address, f"{where}.end_point" if "end_point" in own else "provider", backend=backend)
        _take_key(found, own.get("api_key", variable), where)
    if model is UNKNOWN:
        found.leave(f"{where}.model", _COMPUTED)
    else:
        take_model(found, model, f"{where}.model" if "model" in own else "provider")
    for name, value in own.items():
        if name == "optional" and isinstance(value, dict):
            _take_optional(found, value, f"{where}.optional")
        elif name not in ("end_point", "model", "api_key") and _PROVIDER_NOTES.get(name, "no counterpart"):
            found.leave(f"{where}.{name}", _PROVIDER_NOTES.get(name, "no counterpart"))


def _take_key(found: Collector, variable: object, where: str) -> None:
    """minuet's ``api_key`` is a variable's name; for servers without a key any variable, such as ``TERM``."""
    if not isinstance(variable, str):
        found.leave(f"{where}.api_key", _COMPUTED)
        found.found_key()
    elif re.fullmatch(r"\w{0,90}(KEY|TOKEN|SECRET)\w{0,9}", variable.upper()):
        found.found_key(variable=variable)


def _take_optional(found: Collector, options: Mapping[str, Any], where: str) -> None:
    for name, value in options.items():
        source = f"{where}.{name}"
        if value is UNKNOWN:
            found.leave(source, _COMPUTED)
        elif name in ("max_tokens", "temperature", "top_p", "stop"):
            if value is not None:
                found.take(name, value if not isinstance(value, dict) else listed(value), source)
        else:
            found.leave(source, "no counterpart: the server's default applies")


def _take_general(found: Collector, values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        if name in ("provider", "provider_options"):
            continue
        if name == "virtualtext" and isinstance(value, dict):
            _take_virtualtext(found, value)
        elif name in ("context_window", "context_ratio", "debounce", "request_timeout"):
            _take_number(found, name, value)
        else:
            found.leave(name, _NOTES.get(name, "no counterpart"))


def _take_number(found: Collector, name: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        found.leave(name, _COMPUTED if value is UNKNOWN else "it must be a number")
    elif name == "context_window":
        found.take("prompt_tokens", int(value) // _CHARACTERS_PER_TOKEN, name)
    elif name == "context_ratio":
        found.take("suffix_share", round(1 - value, 4), name)
    else:
        found.take("debounce" if name == "debounce" else "timeout", value, name)


def _take_virtualtext(found: Collector, values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        source, names = f"virtualtext.{name}", listed(value)
        if name == "auto_trigger_ft" and names is not None:
            if not names:
                found.take("trigger", "manual", source)
            elif "*" not in names:
                found.leave(
                    source, "suggestions come in every language; `languages` turns one off: { markdown = false }"
                )
        elif name == "auto_trigger_ignore_ft" and names:
            if "*" in names:
                found.take("trigger", "manual", source)
            else:
                found.take("languages", {one: False for one in names if isinstance(one, str)}, source)
        elif name == "keymap":
            found.leave(source, "keys are set in the editor: see editors/neovim")
        elif names is None:
            found.leave(source, "no counterpart")
