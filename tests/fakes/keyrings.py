"""Back ends for the library ``keyring``: one that keeps passwords in a file, and some that fail."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path

import keyring.backend
import keyring.errors


class FileKeyring(keyring.backend.KeyringBackend):
    """Keeps passwords in the file that the variable ``TEST_KEYRING`` names, so that processes can share it."""

    priority = 0.1  # type: ignore[assignment]

    @property
    def _path(self) -> Path:
        return Path(os.environ["TEST_KEYRING"])

    def _all(self) -> dict[str, str]:
        passwords: dict[str, str] = json.loads(self._path.read_text()) if self._path.exists() else {}
        return passwords

    def get_password(self, service: str, username: str) -> str | None:
        return self._all().get(f"{service} {username}")

    def set_password(self, service: str, username: str, password: str) -> None:
        self._path.write_text(json.dumps({**self._all(), f"{service} {username}": password}))

    def delete_password(self, service: str, username: str) -> None:
        passwords = self._all()
        del passwords[f"{service} {username}"]
        self._path.write_text(json.dumps(passwords))


class FailingKeyring(FileKeyring):
    """Every call ends in :meth:`failure`."""

    def failure(self) -> str | None:
        raise NotImplementedError

    def get_password(self, service: str, username: str) -> str | None:
        return self.failure()

    def set_password(self, service: str, username: str, password: str) -> None:
        self.failure()


class LockedKeyring(FailingKeyring):
    """Its user does not unlock it."""

    def failure(self) -> str | None:
        raise keyring.errors.KeyringLocked("the dialog hunter2 was dismissed")


class BrokenKeyring(FailingKeyring):
    """Raises what a plug-in may raise."""

    def failure(self) -> str | None:
        raise ConnectionRefusedError(111, "no D-Bus for hunter2")


class SilentKeyring(FailingKeyring):
    """Never answers, like a dialog that nobody sees."""

    def failure(self) -> str | None:
        threading.Event().wait()
        return None
