"""llama.vim's ``g:llama_config``, as far as it is made of literals. It is read from Vimscript or Lua, which is not run.

The settings: https://github.com/ggml-org/llama.vim/blob/master/doc/llama.txt.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final

from fim_lsp.errors import UsageError
from fim_lsp.migrate.address import take_address, take_default_address, take_model
from fim_lsp.migrate.literals import LUA, UNKNOWN, VIM, Dialect, listed, read_table
from fim_lsp.migrate.result import Collector, Migration
from fim_lsp.secret import Secret

_COMPUTED: Final = "it is computed when the editor runs; set it by hand"
_TABLE: Final = re.compile(r"\bg:llama_config\s{0,99}=\s{0,99}\{|\bvim\.g\.llama_config\s{0,99}=\s{0,99}\{")
_ENTRY: Final = re.compile(
    r"\bg:llama_config\.(\w{1,40})\s{0,99}=(?!=)|\bg:llama_config\[['\"](\w{1,40})['\"]\]\s{0,99}=(?!=)"
)
_LINE: Final = re.compile(r"[^\n|]{0,2000}")
_ON_SERVER: Final = "the server decides: it was started with its own limits"
_NOTES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "n_prefix": "`prompt_tokens` limits the text, in tokens instead of lines",
        "n_suffix": "`suffix_share` of `prompt_tokens`, in tokens instead of lines",
        "t_max_prompt_ms": "`timeout` limits a whole request, in seconds",
        "t_max_predict_ms": "`timeout` limits a whole request, in seconds; lines are shown as soon as they are complete",
        "max_line_suffix": "one line is suggested in front of code, wherever the cursor is",
        "max_cache_keys": "answers are cached in memory",
        "show_info": "the command fim-lsp.status and the editor's status line show the state",
        "ring_chunk_size": "open and imported files are used; `context_tokens` limits them",
        "ring_scope": "open and imported files are used; `context_tokens` limits them",
        "ring_update_ms": "open and imported files are used; `context_tokens` limits them",
        "endpoint_inst": "instructions have no counterpart",
        "model_inst": "instructions have no counterpart",
        "enable_at_startup": 'fim-lsp is on while it runs; `trigger = "manual"` suggests only when asked',
    }
)


def read_llama_vim(text: str) -> Migration:
    """The settings in Vimscript or Lua. Raises :class:`~fim_lsp.errors.UsageError` if there are none."""
    values = _values(text)
    found = Collector("llama.vim")
    endpoint = values.get("endpoint_fim", values.get("endpoint"))
    if isinstance(endpoint, str):
        name = "endpoint_fim" if "endpoint_fim" in values else "endpoint"
        take_address(found, endpoint, name, backend="llamacpp")
    else:
        take_default_address(found, "llamacpp", "endpoint")
        if endpoint is not None:
            found.leave("endpoint", _COMPUTED)
    for name, value in values.items():
        if name in ("endpoint", "endpoint_fim"):
            continue
        if value is UNKNOWN:
            found.leave(name, _COMPUTED)
            if name == "api_key":
                found.found_key()
        else:
            _take(found, name, value)
    return found.result()


def _take(found: Collector, name: str, value: Any) -> None:
    match name:
        case "api_key":
            if isinstance(value, str) and value.strip():
                found.found_key(Secret(value.strip()))
        case "model" | "model_fim":
            take_model(found, value, name)
        case "n_predict":
            found.take("max_tokens", value, name)
        case "stop" | "stop_strings":
            if names := listed(value):
                found.take("stop", names, name)
        case "auto_fim":
            if value in (False, 0):
                found.take("trigger", "manual", name)
        case "ring_n_chunks":
            if value == 0:
                found.take("context_tokens", 0, name)
            else:
                found.leave(name, "open and imported files are used; `context_tokens` limits them")
        case _ if name.startswith("keymap_"):
            found.leave(name, "keys are set in the editor")
        case _:
            found.leave(name, _NOTES.get(name, "no counterpart"))


def _values(text: str) -> dict[str, Any]:
    """The last table, and what is assigned to its entries. Raises UsageError if there is neither."""
    values: dict[str, Any] = {}
    ends = 0
    for start, dialect in _tables(text):
        if start >= ends:
            values, ends = read_table(text, start, dialect)
    entries = [entry for entry in _ENTRY.finditer(text) if not _is_comment(text, entry.start(), '"')]
    for entry in entries:
        line = _LINE.match(text, entry.end())
        assigned, _ = read_table(f"{{'value': {line[0] if line else ''}\n}}", 0, VIM)
        values[entry[1] or entry[2]] = assigned.get("value", UNKNOWN)
    if not values and not entries and not ends:
        raise UsageError("it has no g:llama_config = {…} and no vim.g.llama_config = {…}")
    return values


def _tables(text: str) -> Iterator[tuple[int, Dialect]]:
    for table in _TABLE.finditer(text):
        in_lua = table[0].startswith("vim")
        if not _is_comment(text, table.start(), "--" if in_lua else '"'):
            yield table.end() - 1, LUA if in_lua else VIM


def _is_comment(text: str, position: int, mark: str) -> bool:
    """Whether a line's text before ``position`` begins a comment."""
    return text[max(0, text.rfind("\n", 0, position) + 1) : position].lstrip().startswith(mark)
