"""The keyring of the user's system, through the library ``keyring``, if that is installed.

Every function may block until the user has unlocked the keyring, and is meant for a thread of its own. Importing
``keyring`` takes a tenth of a second and may start D-Bus services, so nothing is imported before it is called.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from importlib.util import find_spec
from types import ModuleType
from typing import Final

from fim_lsp.errors import KeyStoreError

SERVICE: Final = "fim-lsp"
"""The name under which the keyring lists the keys; the account is the origin that a key is for."""

INSTALL: Final = "pip install 'fim-lsp[keyring]'"


class KeyringUnavailable(KeyStoreError):
    """There is no usable keyring. ``locked`` is true if there is one that the user has not unlocked."""

    def __init__(self, sentence: str, *, locked: bool = False) -> None:
        super().__init__(sentence)
        self.locked = locked


def is_installed() -> bool:
    """Whether the library is installed. Does not import it."""
    return find_spec("keyring") is not None


def read(account: str) -> str | None:
    """The key of an account, None if there is none. Raises :class:`KeyringUnavailable`."""
    with _translated():
        found: object = _library().get_password(SERVICE, account)
        return found if isinstance(found, str) else None


def write(account: str, key: str) -> str:
    """Store a key; returns the name of the keyring's kind. Raises :class:`KeyringUnavailable`, too if it does not keep it."""
    with _translated():
        library = _library()
        library.set_password(SERVICE, account, key)
        kept = library.get_password(SERVICE, account) == key  # keyring's null back end forgets at once
        name = str(getattr(library.get_keyring(), "name", ""))
    if not kept:
        raise KeyringUnavailable("the system's keyring does not keep keys")
    return name


def delete(account: str) -> bool:
    """Remove a key; whether there was one. Raises :class:`KeyringUnavailable`."""
    with _translated():
        library = _library()
        if library.get_password(SERVICE, account) is None:
            return False
        library.delete_password(SERVICE, account)
        return True


def _library() -> ModuleType:
    import keyring

    return keyring


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    """Turn every error of the library and of its back ends into a sentence, without their messages' contents."""
    try:
        yield
    except ImportError as error:
        raise KeyringUnavailable(f"the library keyring is not installed here: run {INSTALL}") from error
    except KeyringUnavailable:
        raise
    except Exception as error:  # noqa: BLE001 - back ends are plug-ins and raise what they like: D-Bus, win32, pass
        kinds = {kind.__name__ for kind in type(error).__mro__}
        if "NoKeyringError" in kinds:
            raise KeyringUnavailable("the library keyring finds no keyring here") from None
        if "KeyringLocked" in kinds:
            raise KeyringUnavailable("the system's keyring is locked: unlock it", locked=True) from None
        raise KeyringUnavailable(f"the system's keyring can't be used ({type(error).__name__})") from None
