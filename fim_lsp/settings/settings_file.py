"""A file of settings. While it is damaged, half written or briefly missing, its restrictions remain in force."""

from __future__ import annotations

import errno
import os
import re
import threading
import time
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from fim_lsp.settings import messages
from fim_lsp.settings.merge import Layer
from fim_lsp.settings.misspelled_names import SECTION
from fim_lsp.settings.schema import SPECS
from fim_lsp.settings.sources import flatten
from fim_lsp.workspace.safe_read import MAX_BYTES, Stamp, file_stamp, read_text

GRACE_PERIOD = 3.0
"""Seconds until the settings of a file that was emptied or removed are dropped: editors save by emptying a file, or by
moving it away, before they write it."""

MAX_PROJECT_BYTES = 16 << 10  # a project's file, which anybody could have written; a long one has a few hundred bytes
_READ_TIMEOUT = 1.0  # seconds; a slow file system must not block the editor

_MISSING: Stamp = (-errno.ENOENT, 0, 0)
_NEVER_READ: Stamp = (0, -1, 0)  # no file has this stamp, so the next refresh reads the file


class SettingsFile:
    """A TOML file as a layer of settings, :attr:`layer`.

    If the file can't be read or parsed, its last valid layer remains in force; without one, the layer is not readable. A
    file that was emptied, truncated or removed may be in the middle of being saved, and so may one that has just lost a
    setting that restricts. Its new content is accepted only after :data:`GRACE_PERIOD`.
    """

    def __init__(
        self,
        path: Path,
        *,
        trusted: bool,
        required: bool = False,
        clock: Callable[[], float] = time.monotonic,
        read: Callable[[Path, int], str] = lambda path, max_bytes: read_text(path, max_bytes=max_bytes),
    ) -> None:
        """``required``: the user named the file, so a missing file is an error. ``clock`` counts seconds."""
        self.path = path
        self.problem = ""
        """A message for the user while the file can't be used."""
        self.layer = Layer(origin=str(path), values={}, trusted=trusted)
        self._trusted = trusted
        self._required = required
        self._clock = clock
        self._reader = _TimedReader(path, read, MAX_BYTES if trusted else MAX_PROJECT_BYTES)
        self._valid: Layer | None = None  # the last valid layer
        self._text = ""  # the text of the last valid layer
        self._stamp: Stamp = None
        self._first = True
        self._recheck_at: float | None = None  # when the grace period of a suspicious state ends

    @property
    def exists(self) -> bool:
        """Whether there was a file at the last :meth:`refresh`, even one that can't be read."""
        return self._stamp not in (None, _MISSING)

    def refresh(self) -> bool:
        """Read the file if it has changed; whether the layer may be different. Takes microseconds if nothing changed."""
        stamp = file_stamp(self.path)
        changed = self._first or stamp != self._stamp
        settled = not changed and self._recheck_at is not None and self._clock() >= self._recheck_at
        if not changed and not settled:
            return False
        if changed:
            self._recheck_at = None
        first, self._first = self._first, False
        self._stamp = stamp
        self._load(first=first, settled=settled)
        return True

    def _load(self, *, first: bool, settled: bool) -> None:
        """``settled``: the file has not changed during the grace period."""
        try:
            text = self._reader.read()
            values = parse_toml(text)
        except FileNotFoundError:
            self._handle_missing(first=first, settled=settled)
        except tomllib.TOMLDecodeError as error:
            self._reject(f"is not valid TOML: {error}")
        except (OSError, ValueError, RecursionError) as error:
            if isinstance(error, _ReadTimeout):
                self._stamp = _NEVER_READ
            self._reject(f"can't be read: {_reason(error)}")
        else:
            self._handle_content(text, values, first=first, settled=settled)

    def _handle_content(self, text: str, values: Mapping[str, Any], *, first: bool, settled: bool) -> None:
        if not isinstance(values.get(SECTION, {}), Mapping):
            self._reject(f'contains "{SECTION}", which is not a table')
            return
        values = flatten(values, exclusive=True)
        if not settled and self._may_be_truncated(text, values, first=first):
            self._wait()
        elif not settled and self._lost_restriction(values) and _is_recent(self._stamp):
            self._wait()
            self.layer = replace(self.layer, readable=False)
        else:
            self._text = text
            self._accept(values, "is empty" if settled and not values else "")

    def _handle_missing(self, *, first: bool, settled: bool) -> None:
        is_link = os.path.islink(self.path)
        if self._required or is_link:
            self._reject("is a link to a file that does not exist" if is_link else "does not exist")
        elif settled or first or (self._valid is not None and not self._valid.values):
            self._text = ""
            self._accept({}, "" if first else "no longer exists")
        else:
            self._wait()

    def _may_be_truncated(self, text: str, values: Mapping[str, Any], *, first: bool) -> bool:
        """Whether the file may be in the middle of being saved."""
        if first:
            return not text.strip() and _is_recent(self._stamp)
        had_values = self._valid is None or bool(self._valid.values)
        return had_values and (not values or (text != self._text and self._text.startswith(text)))

    def _lost_restriction(self, values: Mapping[str, Any]) -> bool:
        """Whether a setting that restricts has disappeared. If the file is only half written, it may still follow: a key may
        already be there, but not yet the address that it belongs to.
        """
        before = self._valid.values if self._valid else {}
        lost = [SPECS[name] for name in before if name in SPECS and name not in values]
        return any(spec.restricts and (self._trusted or not spec.user_only) for spec in lost)

    def _accept(self, values: Mapping[str, Any], dropped: str) -> None:
        """Use valid content. ``dropped``: why the earlier settings, if there were any, are not part of it."""
        had_values = self._valid is not None and bool(self._valid.values)
        self._valid = self.layer = Layer(origin=str(self.path), values=values, trusted=self._trusted)
        self.problem = messages.settings_dropped(str(self.path), dropped) if dropped and had_values else ""
        self._recheck_at = None

    def _wait(self) -> None:
        """Keep the last valid layer for the grace period."""
        self._recheck_at = self._clock() + GRACE_PERIOD
        self._keep_valid_layer()
        self.problem = ""

    def _reject(self, reason: str) -> None:
        self._recheck_at = None
        self.problem = messages.unusable_source(str(self.path), reason, last_good=self._valid is not None)
        self._keep_valid_layer()

    def _keep_valid_layer(self) -> None:
        self.layer = self._valid or Layer(origin=str(self.path), values={}, trusted=self._trusted, readable=False)


class _ReadTimeout(OSError):
    """The file system has not answered in time."""


class _TimedReader:
    """Reads a file in a thread, because a file system may hang. Never runs more than one thread."""

    def __init__(self, path: Path, read: Callable[[Path, int], str], max_bytes: int) -> None:
        self._path = path
        self._read = read
        self._max_bytes = max_bytes
        self._thread: threading.Thread | None = None

    def read(self) -> str:
        """The file's text. Raises :class:`_ReadTimeout` after :data:`_READ_TIMEOUT` seconds, or what reading it raised."""
        if self._thread is not None and self._thread.is_alive():
            raise _ReadTimeout(0, "its file system does not answer")
        results: SimpleQueue[str | BaseException] = SimpleQueue()

        def run() -> None:
            try:
                results.put(self._read(self._path, self._max_bytes))
            except BaseException as error:  # noqa: BLE001 - raised in the caller's thread below
                results.put(error)

        self._thread = threading.Thread(target=run, name="read settings", daemon=True)
        self._thread.start()
        try:
            result = results.get(timeout=_READ_TIMEOUT)
        except Empty:
            raise _ReadTimeout(0, "its file system does not answer") from None
        self._thread = None
        if isinstance(result, BaseException):
            raise result
        return result


_MAX_KEY_PARTS = 8  # of a dotted key or a table's name
# A comment, or a string of one of TOML's four kinds, which may contain dots. An unterminated one ends with its line, or
# with the text.
_COMMENT_OR_STRING = re.compile(
    r"""#[^\n]*"""
    r"""|\"{3}(?:[^"\\]|\\[\s\S]|"(?!""))*+(?:"{3})?"""
    r"""|'{3}(?:[^']|'(?!''))*+(?:'{3})?"""
    r"""|"(?:[^"\\\n]|\\.)*+"?"""
    r"""|'[^'\n]*'?"""
)
_DEEP_KEY = re.compile(rf"(?<![A-Za-z0-9_-])(?:[A-Za-z0-9_-]++[ \t]*+\.[ \t]*+){{{_MAX_KEY_PARTS}}}")


def parse_toml(text: str) -> dict[str, Any]:
    """``tomllib.loads`` in linear time, also for a text that begins with a byte order mark, as some Windows editors write.

    ``tomllib`` builds every prefix of a dotted key: a single line of 195 kB, ``a.a.a. … = 1``, takes half a minute and
    gigabytes. Settings are flat, so long keys are refused before parsing. Raises ``TOMLDecodeError``, ``ValueError`` or
    ``RecursionError``.
    """
    text = text.removeprefix("\ufeff")
    bare = _COMMENT_OR_STRING.sub(lambda found: "" if found[0].startswith("#") else "s", text)
    if _DEEP_KEY.search(bare):
        raise tomllib.TOMLDecodeError(f"a key has more than {_MAX_KEY_PARTS} parts")
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        from fim_lsp.settings.toml_text import explain  # the start should not wait for it

        raise tomllib.TOMLDecodeError(explain(error, text)) from None


def _reason(error: OSError | ValueError | RecursionError) -> str:
    match error:
        case PermissionError():
            return f"{error.strerror} (see the mode of the file and its folder)"
        case OSError():
            return error.strerror or type(error).__name__
        case UnicodeDecodeError():
            return "it is not UTF-8, the encoding in which it must be saved"
        case RecursionError():
            return "it is nested too deep"
    return "it contains a number with too many digits, or its name is not valid"


def _is_recent(stamp: Stamp) -> bool:
    """Whether a file was written just now, so that it may still be being written. Its file system's clock may be ahead."""
    return stamp is not None and abs(time.time() - stamp[0] / 1e9) < GRACE_PERIOD
