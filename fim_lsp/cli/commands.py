"""The commands of ``fim-lsp``: a table from which ``--help`` and the greeting in a terminal are made.

A command is a module of this folder with two functions::

    def add_arguments(parser: argparse.ArgumentParser) -> None: ...
    def run(arguments: argparse.Namespace, environment: Mapping[str, str]) -> int: ...

``run`` returns the exit code and raises :class:`~fim_lsp.errors.UsageError` for a mistake. Only the module of the command
that was given is imported; what takes long to import it imports in ``run``.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType

import fim_lsp


class Command:
    """One row: what the command is for, and a command line that a reader can copy.

    Not a dataclass, which would take a tenth of the time of ``fim-lsp --version``.
    """

    def __init__(self, *, name: str, summary: str, example: str, module: str) -> None:
        self.name = name
        self.summary = summary
        self.example = example
        self.module = module


COMMANDS = MappingProxyType(
    {
        row.name: row
        for row in (
            Command(
                name="complete",
                summary="print the completion at a position in a file",
                example="fim-lsp complete main.py:42",
                module="fim_lsp.cli.complete",
            ),
            Command(
                name="doctor",
                summary="check settings, key, network, model, quota and editors",
                example="fim-lsp doctor",
                module="fim_lsp.cli.doctor",
            ),
            Command(
                name="why",
                summary="explain why there is a suggestion in a file, or none",
                example="fim-lsp why main.py",
                module="fim_lsp.cli.why",
            ),
            Command(
                name="stats",
                summary="print what suggestions were worth and what they cost",
                example="fim-lsp stats",
                module="fim_lsp.cli.stats",
            ),
            Command(
                name="config",
                summary="print the settings that apply and where each was set; check a file, write a first one",
                example="fim-lsp config",
                module="fim_lsp.cli.config",
            ),
            Command(
                name="key",
                summary="keep API keys, each for its own host; say where one comes from",
                example="fim-lsp key set codestral",
                module="fim_lsp.cli.key",
            ),
        )
    }
)
"""By name, in the order of ``--help``."""

_SERVING = (
    ("fim-lsp", "serve an editor on stdin and stdout"),
    ("fim-lsp --tcp 127.0.0.1:9257", "serve any number of editors"),
)


def epilog() -> str:
    """The end of ``--help``: each command's example and summary."""
    return f"commands, each with an example:\n{_aligned([*_SERVING, *_examples()])}\n\n{_HELP}"


def greeting() -> str:
    """What a person sees who starts the server in a terminal."""
    return (
        f"fim-lsp {fim_lsp.__version__} shows the next lines of your code as ghost text. It is a language server: your\n"
        f"editor starts it and talks to it on stdin and stdout. For you, in a terminal:\n\n{_aligned(_examples())}\n\n"
        f"{_HELP}, fim-lsp --help all options; fim-lsp --stdio serves here nevertheless."
    )


_HELP = "fim-lsp COMMAND --help explains a command"


def _examples() -> list[tuple[str, str]]:
    return [(row.example, row.summary) for row in COMMANDS.values()]


def _aligned(rows: Sequence[tuple[str, str]]) -> str:
    width = max(len(example) for example, _ in rows)
    return "\n".join(f"  {example:{width}}  {summary}" for example, summary in rows)
