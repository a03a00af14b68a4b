"""Reads an API key from a terminal, without echo, or from a pipe."""

from __future__ import annotations

import getpass
import sys
import warnings
from typing import Final

from fim_lsp.errors import UsageError
from fim_lsp.secret import Secret

MAX_KEY: Final = 4_096  # characters, as for the setting api_key


def ask_key(host: str) -> Secret:
    """A key from the terminal, without echo, or from standard input if that is not a terminal.

    Raises :class:`~fim_lsp.errors.UsageError` if it is no usable key.
    """
    if sys.stdin is None:
        raise UsageError("standard input is closed: there is nothing to read the key from")
    if not sys.stdin.isatty():
        return checked_key(sys.stdin.read(MAX_KEY + 3))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", getpass.GetPassWarning)
            return checked_key(getpass.getpass(f"API key for {host} (it is not shown): "))
    except getpass.GetPassWarning:
        raise UsageError("this terminal would show the key: pipe it into the command instead") from None
    except EOFError:
        raise UsageError("no key was typed") from None


def checked_key(text: str) -> Secret:
    """A key without the whitespace around it. Raises :class:`~fim_lsp.errors.UsageError` for what can't be a key."""
    key = text.strip()
    if not key:
        raise UsageError("the key is empty, so nothing was changed")
    if len(key) > MAX_KEY:
        raise UsageError(f"this is no key: it has more than {MAX_KEY:,} characters")
    if any(character.isspace() for character in key):
        raise UsageError("this is no key: it has spaces or more than one line")
    if not (key.isascii() and key.isprintable()):
        raise UsageError("this is no key: it has characters that no key has")
    if key[0] in "\"'`" or key[-1] in "\"'`":
        raise UsageError("this is no key: leave out the quotes")
    return Secret(key)
