"""The keys that ``fim-lsp key set`` has stored: in the system's keyring, or in a file that only the user can read.

An index beside them says which hosts have a key and where it is kept. It contains no key, and is all that is read before
a call needs one: neither is the library ``keyring`` imported until then, nor is anything unlocked. The index is also how
a running server notices that keys have changed.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Final, Literal, TypeAlias, TypeVar

from fim_lsp.backends import system_keyring
from fim_lsp.backends.system_keyring import KeyringUnavailable
from fim_lsp.errors import KeyStoreError
from fim_lsp.http.urls import origin_of
from fim_lsp.secret import Secret
from fim_lsp.settings.sources import ENVIRONMENT_PREFIX, config_folder, is_null_device
from fim_lsp.workspace.private_file import folder_lock, read_own, read_private, write_private
from fim_lsp.workspace.safe_read import Stamp, file_stamp

Origin: TypeAlias = tuple[str, str]
"""Scheme and host, with its port unless that is the scheme's default; see :func:`~fim_lsp.http.urls.origin_of`."""

Place: TypeAlias = Literal["keyring", "file"]

INDEX, KEYS = "key-index.json", "keys.json"

KEYRING_TIMEOUT: Final = 30.0
"""Seconds for the keyring, which may ask the user to unlock it."""

_MAX_KEYS: Final = 1_000
_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredKey:
    """An entry of the index: the key for ``origin`` is in ``place``. ``since`` is when it was stored, in ISO 8601."""

    origin: Origin
    place: Place
    since: str

    @property
    def address(self) -> str:
        """The origin as an address: ``https://codestral.mistral.ai``."""
        return "://".join(self.origin)


class KeyStore:
    """The user's stored keys, in ``folder``; None: nothing is stored and nothing can be.

    Each key is for one origin. Everything that raises :class:`~fim_lsp.errors.KeyStoreError` says what to do about it.
    """

    def __init__(self, folder: Path | None, *, keyring_timeout: float = KEYRING_TIMEOUT) -> None:
        self._index = str(folder / INDEX) if folder else ""
        self._folder = folder
        self._timeout = keyring_timeout
        self._stamp: Stamp = None
        self._entries: Mapping[Origin, StoredKey] = MappingProxyType({})
        self.problem = ""
        """A sentence for the user while the index can't be used; no key is used then."""

    @classmethod
    def of_user(cls, environment: Mapping[str, str]) -> KeyStore:
        """The keys in the user's config directory; none if ``FIM_LSP_CONFIG`` says that nothing is to be read."""
        nothing = is_null_device(environment.get(f"{ENVIRONMENT_PREFIX}CONFIG", ""))
        return cls(None if nothing else config_folder())

    @property
    def file(self) -> Path | None:
        """The file in which keys are kept that are not in the keyring."""
        return self._folder and self._folder / KEYS

    def entries(self) -> Mapping[Origin, StoredKey]:
        """The index as it is now, by origin: another object if it has changed. Takes microseconds if it has not."""
        if self._index:
            stamp = file_stamp(self._index)
            if stamp != self._stamp:
                self._stamp = stamp
                self._entries = MappingProxyType(self._read_index())
        return self._entries

    def start_reading(self, entry: StoredKey) -> Future[Secret]:
        """Read a key in a thread of its own. The future's exception is a :class:`~fim_lsp.errors.KeyStoreError`."""
        return _in_thread(lambda: self._read(entry))

    def read(self, entry: StoredKey) -> Secret:
        """The key of an entry; waits for the keyring up to :data:`KEYRING_TIMEOUT`. Raises KeyStoreError."""
        return self._limited(self.start_reading(entry))

    def save(self, origin: Origin, key: Secret, *, use_keyring: bool = True) -> tuple[StoredKey, str]:
        """Store a key, in the keyring if there is one, else in the file. Replaces the one that is stored for this origin.

        Returns the entry, and a sentence for the user if the keyring could not be used. Raises KeyStoreError: a keyring
        that is locked or does not answer is no reason to keep the key in a file.
        """
        if self._folder is None:
            raise KeyStoreError("keys can't be stored: there is no home folder, or FIM_LSP_CONFIG is the null device")
        place: Place = "file"
        note = ""
        if use_keyring and system_keyring.is_installed():
            try:
                self._limited(_in_thread(lambda: system_keyring.write("://".join(origin), key.reveal())))
                place = "keyring"
            except KeyringUnavailable as error:
                if error.locked:
                    in_file = f"keep the key in a file with `{key_set_command('://'.join(origin))} --file`"
                    raise KeyringUnavailable(f"{error}, or {in_file}", locked=True) from error
                note = f"{error}, so the key is kept in a file"
        entry = StoredKey(origin=origin, place=place, since=datetime.now(UTC).isoformat())
        before = self.entries().get(origin)
        self._update(entry.address, entry, key if place == "file" else None)
        if before is not None and before.place == "keyring" and place == "file":
            note = note or self._forget_in_keyring(before)
        return entry, note

    def remove(self, entry: StoredKey) -> str:
        """Forget a key. Returns a sentence for the user if it remains in the keyring, unused. Raises KeyStoreError."""
        self._update(entry.address, None, None)
        return self._forget_in_keyring(entry) if entry.place == "keyring" else ""

    def _forget_in_keyring(self, entry: StoredKey) -> str:
        try:
            self._limited(_in_thread(lambda: system_keyring.delete(entry.address)))
        except KeyringUnavailable as error:
            return f"the keyring still has an entry {system_keyring.SERVICE} for {entry.address}, which is not used: {error}"
        return ""

    def _read(self, entry: StoredKey) -> Secret:
        again = f"store it again with `{key_set_command(entry.address)}`"
        if entry.place == "keyring":
            try:
                found = system_keyring.read(entry.address)
            except KeyringUnavailable as error:
                raise KeyringUnavailable(
                    f"the key for {entry.origin[1]} is in the system's keyring, but {error}, or {again} --file",
                    locked=error.locked,
                ) from error
            where = "the system's keyring"
        else:
            found, where = self._read_keys().get(entry.address), str(self.file)
        if not found:
            raise KeyStoreError(f"the key for {entry.origin[1]} is no longer in {where}: {again}")
        return Secret(found)

    def _limited(self, future: Future[_Result]) -> _Result:
        try:
            return future.result(self._timeout)
        except TimeoutError:
            raise KeyringUnavailable(
                f"the system's keyring has not answered within {self._timeout:g} s: unlock it", locked=True
            ) from None

    # -- files

    def _read_index(self) -> dict[Origin, StoredKey]:
        """What the index says. A damaged one says nothing: no key is used rather than one for another host."""
        self.problem = ""
        try:
            listed = json.loads(read_own(Path(self._index)))["keys"]
            return {entry.origin: entry for entry in map(_entry, listed[:_MAX_KEYS])}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, TypeError, LookupError, RecursionError) as error:
            self.problem = f"no stored key is used, because of {self._index}: {_reason(error)}"
            return {}

    def _read_keys(self) -> dict[str, str]:
        """The keys in the file, by address. Raises KeyStoreError."""
        assert self.file is not None  # noqa: S101 - nobody asks without an entry
        try:
            keys = json.loads(read_private(self.file))["keys"]
            if not all(isinstance(key, str) for key in keys.values()):
                raise TypeError("not a key")
            return dict(keys)
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
            # without the cause, which holds the file's text
            raise KeyStoreError(f"{self.file} is not used: {_reason(error)}") from None

    def _update(self, address: str, entry: StoredKey | None, key: Secret | None) -> None:
        """Write ``entry`` into the index and ``key`` into the file, or remove what they say now about ``address``."""
        assert self._folder is not None  # noqa: S101 - nothing is stored then
        try:
            with folder_lock(self._folder):
                keys = self._read_keys()
                others = {one: value for one, value in keys.items() if one != address}
                changed = others | ({address: key.reveal()} if key else {})
                if changed != keys:
                    write_private(self._folder / KEYS, json.dumps({"keys": changed}, indent=1) + "\n")
                entries = [one for one in self._read_index().values() if one.address != address]
                if self.problem:
                    raise KeyStoreError(self.problem)
                listed = [
                    {"origin": one.address, "place": one.place, "since": one.since}
                    for one in (*entries, *([entry] if entry else []))
                ]
                write_private(Path(self._index), json.dumps({"keys": listed}, indent=1) + "\n")
        except OSError as error:
            raise KeyStoreError(
                f"{error.filename or self._folder} can't be written: {error.strerror or error}"
            ) from error


def key_set_command(url: str) -> str:
    """The command that stores a key for the host of an address."""
    scheme, host = origin_of(url)
    return f"fim-lsp key set {host if scheme == 'https' and '.' in host else f'{scheme}://{host}'}"


def _entry(value: object) -> StoredKey:
    """An entry of the index. Raises ValueError, TypeError or LookupError for anything else."""
    if not isinstance(value, dict):
        raise TypeError(value)
    address, place, since = (str(value[name]) for name in ("origin", "place", "since"))
    if place not in ("keyring", "file"):
        raise ValueError(place)
    origin = origin_of(address)
    if "://".join(origin) != address or not all(origin):
        raise ValueError(address)
    return StoredKey(origin=origin, place="keyring" if place == "keyring" else "file", since=since)


def _reason(error: Exception) -> str:
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    return "it is damaged; delete it, and store the keys again"


def _in_thread(work: Callable[[], _Result]) -> Future[_Result]:
    """Run ``work`` in a daemon thread: a keyring that never answers must not keep the process from ending."""
    future: Future[_Result] = Future()

    def run() -> None:
        if not future.set_running_or_notify_cancel():
            return
        try:
            future.set_result(work())
        except BaseException as error:  # noqa: BLE001 - raised where the result is asked for
            future.set_exception(error)

    threading.Thread(target=run, name="read key", daemon=True).start()
    return future
