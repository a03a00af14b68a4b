"""``fim-lsp config --init``: writes the user's first ``config.toml``, and asks for the back end and its key."""

from __future__ import annotations

import contextlib
import os
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from fim_lsp.cli.commands import COMMANDS
from fim_lsp.cli.output import answer
from fim_lsp.errors import KeyStoreError, UsageError
from fim_lsp.settings.reference import config_file
from fim_lsp.settings.schema import SPECS
from fim_lsp.settings.sources import is_null_device, user_file
from fim_lsp.workspace.private_file import close_folder

CHOICES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "auto": "the host for which there is a key, else a server on this machine, else ngram",
        "codestral": "codestral.mistral.ai, with a Codestral key",
        "mistral": "api.mistral.ai, with a Mistral key",
        "langdock": "api.langdock.com, with your company's Langdock key",
        "llamacpp": "llama.cpp's server on this machine",
        "ollama": "Ollama on this machine",
        "openai": "any other server with OpenAI's /v1/completions",
        "ngram": "no server: learns from your own files, without key or network",
    }
)
"""What the values of ``backend`` mean to someone who chooses one."""

_WITH_KEY: Final = ("codestral", "mistral", "langdock")


def init(environment: Mapping[str, str]) -> int:
    """Write the file, which must not exist. Raises UsageError if it does, or if there is no place for it."""
    path = _new_file(environment)
    is_asked = sys.stdin is not None and sys.stdin.isatty() and sys.stdout is not None and sys.stdout.isatty()
    chosen = _ask() if is_asked else {}
    _write(path, config_file(chosen))
    shown = ", ".join(f"{name} = {value}" for name, value in chosen.items()) or "all of them are commented out"
    answer(f"Wrote {path}, which explains every setting; {shown}.")
    if is_asked:
        _ask_key(chosen, environment)
    if "doctor" in COMMANDS:
        answer("fim-lsp doctor checks that it works.")
    return 0


def _new_file(environment: Mapping[str, str]) -> Path:
    path = user_file(environment)
    if path is None:
        raise UsageError("there is no home folder for config.toml: name a file in the variable FIM_LSP_CONFIG")
    if is_null_device(str(path)):
        raise UsageError("FIM_LSP_CONFIG is the null device, so no config.toml is read: unset it first")
    if os.path.lexists(path):
        move = f"mv {shlex.quote(str(path))} {shlex.quote(f'{path}.old')}"
        raise UsageError(f"{path} exists and is left as it is; move it away first: {move}")
    return path


def _write(path: Path, text: str) -> None:
    """Create the file for the user alone: it may come to contain a key."""
    if not path.parent.exists():
        close_folder(path.parent)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise UsageError(f"{path} exists by now and is left as it is") from None
    with open(handle, "w", encoding="utf-8", newline="\n") as file:
        file.write(text)


def _ask() -> dict[str, Any]:
    """The settings that a person chooses; nothing for what Enter stands for."""
    answer("Which back end should complete?")
    answer("")
    for name, meaning in CHOICES.items():
        answer(f"  {name:9}  {meaning}")
    backend = _answer_to("\nBack end [auto]: ", "backend")
    if backend in ("", "auto"):
        return {}
    if backend != "openai":
        return {"backend": backend}
    base_url = _answer_to("Its address, such as https://llm.example.com/v1: ", "base_url")
    return {"backend": backend, "base_url": base_url} if base_url else {"backend": backend}


def _answer_to(question: str, setting: str) -> str:
    """A valid value for a setting, asked for until it is one; ``""`` for Enter or the end of the input."""
    with contextlib.suppress(EOFError):
        while given := input(question).strip():
            try:
                return str(SPECS[setting].validator.accept(given.lower() if setting == "backend" else given))
            except ValueError:
                answer(f"That must be {SPECS[setting].validator.allowed.removesuffix(', or null')}.")
    return ""


def _ask_key(chosen: Mapping[str, Any], environment: Mapping[str, str]) -> None:
    """Store the key for the chosen back end, or name the command that does: the file is written in any case."""
    backend, base_url = chosen.get("backend"), chosen.get("base_url")
    if backend not in _WITH_KEY and base_url is None:
        return
    from fim_lsp.cli.key import Keys

    host = base_url or str(backend)
    answer("")
    answer("Its key is not kept in that file. Press Enter if it needs none, or to store one later.")
    try:
        Keys(environment).set(host, use_keyring=True, test=False)
    except (UsageError, KeyStoreError) as error:
        answer(f"No key is stored ({error}). Later: fim-lsp key set {host}")
