"""``fim-lsp config --from-continue`` and its like: prints another program's settings as lines for ``config.toml``."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from fim_lsp.cli.output import answer, say
from fim_lsp.errors import KeyStoreError, UsageError
from fim_lsp.workspace.safe_read import read_text

if TYPE_CHECKING:
    from fim_lsp.migrate.result import FoundKey, Migration


MAX_BYTES: Final = 256 << 10  # of a file of settings; a long init.lua has a tenth of that


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A program whose settings can be read: its name, and the files that it reads, the first one that exists."""

    title: str
    files: tuple[str, ...]


PROGRAMS: Final[Mapping[str, Program]] = MappingProxyType(
    {
        "continue": Program(title="Continue", files=("~/.continue/config.yaml", "~/.continue/config.json")),
        "tabby": Program(title="Tabby", files=("~/.tabby-client/agent/config.toml",)),
        "minuet": Program(title="minuet-ai.nvim", files=()),
        "llama-vim": Program(title="llama.vim", files=()),
    }
)
"""By the end of their option."""


def add_arguments(parser: argparse.ArgumentParser | argparse._ArgumentGroup) -> None:
    """Add one option for each program."""
    for name, program in PROGRAMS.items():
        usual = f"; default: {' or '.join(program.files)}" if program.files else ""
        may_leave_out: dict[str, Any] = {"nargs": "?", "const": ""} if program.files else {}
        parser.add_argument(
            f"--from-{name}",
            metavar="FILE",
            help=f"print the settings of {program.title} as lines for config.toml{usual}",
            **may_leave_out,
        )


def chosen(arguments: argparse.Namespace) -> tuple[str, str] | None:
    """The program whose settings were asked for and the file that was named, ``""`` for the usual one; None for none."""
    given = ((name, getattr(arguments, f"from_{name.replace('-', '_')}")) for name in PROGRAMS)
    return next(((name, file) for name, file in given if file is not None), None)


def run(name: str, file: str, environment: Mapping[str, str]) -> int:
    """Print the settings that were found. Returns 0, or 1 if there are none.

    Raises :class:`~fim_lsp.errors.UsageError` for a file that can't be read.
    """
    path = Path(file) if file else _usual_file(PROGRAMS[name])
    found = read(name, path)
    for line in lines(found, path, environment):
        answer(line)
    if found.key is not None and found.key.secret is not None:
        _offer_to_store(found.key, path, environment)
    return 0 if found.taken else 1


def read(name: str, path: Path) -> Migration:
    """What a program's file contains. Raises :class:`~fim_lsp.errors.UsageError`, with the file and the line."""
    try:
        text = read_text(path, max_bytes=MAX_BYTES).removeprefix("\ufeff")
    except OSError as error:
        raise UsageError(f"{path} can't be read: {error.strerror or error}") from None
    except ValueError:
        raise UsageError(f"{path} can't be read: it is not UTF-8 text") from None
    try:
        return _reader(name, path)(text)
    except UsageError as error:
        raise UsageError(f"{path}: {error}") from None


def _reader(name: str, path: Path) -> Callable[[str], Migration]:
    from fim_lsp.migrate import continue_dev, llama_vim, minuet, tabby

    if name == "continue":
        return continue_dev.read_yaml if path.suffix in (".yaml", ".yml") else continue_dev.read_json
    return {"tabby": tabby.read_tabby, "minuet": minuet.read_minuet, "llama-vim": llama_vim.read_llama_vim}[name]


def _usual_file(program: Program) -> Path:
    """The file that the program itself reads. Raises :class:`~fim_lsp.errors.UsageError` if there is none."""
    for name in program.files:
        if (path := Path(os.path.expanduser(name))).exists():
            return path
    raise UsageError(f"there is no {' and no '.join(program.files)}: name {program.title}'s file of settings")


def lines(found: Migration, path: Path, environment: Mapping[str, str]) -> Iterator[str]:
    """The lines of ``config.toml``; what is said in words is in comments. They contain no key."""
    from fim_lsp.settings.sources import user_file
    from fim_lsp.settings.toml_text import write_value

    target = user_file(environment)
    yield f"# From {_comment(str(path))} ({found.program})" + (f", for {_comment(str(target))}:" if target else ":")
    settings = [f"{taken.setting} = {write_value(taken.value)}" for taken in found.taken]
    width = max((len(line) for line in settings if len(line) <= _MAX_WIDTH), default=0)
    for line, taken in zip(settings, found.taken, strict=True):
        yield f"{line:{width}}  # {_comment(taken.source)}"
    if not settings:
        yield "# nothing that fim-lsp has a setting for"
    if found.left:
        yield ""
        yield "# Not taken over:"
        for left in found.left:
            yield f"#   {_comment(left.source)}: {_comment(left.reason)}"
    if found.key is not None:
        yield ""
        yield f"# {_comment(_about_key(found.key, environment))}"


_MAX_WIDTH: Final = 60


def _about_key(key: FoundKey, environment: Mapping[str, str]) -> str:
    """How the key comes to where fim-lsp finds it."""
    from fim_lsp.backends.credentials import HOST_VARIABLES

    if key.variable and HOST_VARIABLES.get(key.origin[1]) == key.variable and key.origin[0] == "https":
        return f"The key in the variable {key.variable} is used, if your editor has that variable."
    if key.variable and environment.get(key.variable):
        return f"The key is in the variable {key.variable}. Store it: printenv {key.variable} | {key.command}"
    where = f"called {key.variable} and not in this file" if key.variable else "not copied"
    return f"The key is {where}. Store it: {key.command}"


def _offer_to_store(key: FoundKey, path: Path, environment: Mapping[str, str]) -> None:
    """Ask a person at a terminal whether the key in the file shall be stored."""
    if not all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stdout)) or key.secret is None:
        return
    from fim_lsp.backends.key_host import host_label
    from fim_lsp.backends.key_store import KeyStore
    from fim_lsp.cli.key_input import checked_key

    try:
        agreed = input(f"\nStore the key from {path} for {host_label(key.origin)} now? [y/N] ")
        if agreed.strip().lower() not in ("y", "yes"):
            return
        store = KeyStore.of_user(environment)
        entry, note = store.save(key.origin, checked_key(key.secret.reveal()))
    except EOFError:
        return
    except (KeyStoreError, UsageError) as error:
        say(str(error))
        return
    if note:
        say(note)
    where = "the system's keyring" if entry.place == "keyring" else str(store.file)
    answer(
        f"# The key for {host_label(key.origin)} is in {where}. Remove it from {path} if you no longer need it there."
    )


def _comment(text: str) -> str:
    """Text for a comment, which is one line without control characters."""
    return "".join(character if character.isprintable() else "�" for character in text)
