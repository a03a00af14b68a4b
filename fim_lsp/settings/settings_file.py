"""One file of settings. While it is damaged, half written or gone for a moment, what it restricted stays restricted."""

from __future__ import annotations

import os
import threading
import time
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from fim_lsp.settings import messages, toml
from fim_lsp.settings.merge import Layer
from fim_lsp.settings.schema import RULES
from fim_lsp.settings.setting_names import SECTION
from fim_lsp.settings.sources import flat
from fim_lsp.workspace.safe_read import MOST, read_text

SETTLES_AFTER = 3.0
"""Seconds for which a file that was emptied or removed must stay so before its settings are dropped: editors save by
emptying a file, or by moving it away, and then writing it."""

PROJECT_BYTES = 16 << 10  # of a project's file, which anybody may have written; a long one has some hundreds
_READ_WITHIN = 1.0  # seconds; a file system that takes longer must not hold up the editor

_Stamp = tuple[int, int, int] | None
_UNKNOWN: _Stamp = (0, -1, 0)  # no file has it: the next look reads again


class SettingsFile:
    """A TOML file as a layer of settings.

    A file that can't be read or parsed keeps its last good layer in force; without one its layer is not usable. A file that
    became empty, shorter by its end, or that was removed is believed only once it has stayed so; so is one that has just
    lost a setting that restricts, and until then nothing leaves.
    """

    def __init__(
        self,
        path: Path,
        *,
        trusted: bool,
        required: bool = False,
        clock: Callable[[], float] = time.monotonic,
        read: Callable[[Path, int], str] = lambda path, most: read_text(path, most=most),
    ) -> None:
        """``required``: the user named the file, so one that is not there is damage. ``clock`` counts seconds."""
        self.path = path
        self.problem = ""
        """A sentence for the user, while the file can't be used."""
        self.layer = Layer(origin=str(path), values={}, trusted=trusted)
        self._trusted = trusted
        self._required = required
        self._clock = clock
        self._read_text = read
        self._most = MOST if trusted else PROJECT_BYTES
        self._good: Layer | None = None
        self._text = ""
        self._stamp: _Stamp = None
        self._looked = False
        self._settled_at: float | None = None
        self._reader: threading.Thread | None = None

    def changed(self) -> bool:
        """Look at the file, which costs microseconds if it is as before. Whether its layer may be another one now."""
        stamp = _stamp(self.path)
        due = self._settled_at is not None and self._clock() >= self._settled_at
        if self._looked and stamp == self._stamp and not due:
            return False
        first, self._looked = not self._looked, True
        if stamp != self._stamp:
            self._settled_at = None
            due = False
        self._stamp = stamp
        self._take(first=first, settled=due)
        return True

    def _take(self, *, first: bool, settled: bool) -> None:
        try:
            text = self._in_time()
            values = toml.parse(text)
        except FileNotFoundError:
            self._gone(first=first, settled=settled)
        except tomllib.TOMLDecodeError as error:
            self._damaged(f"is not valid TOML ({error})")
        except (OSError, ValueError, RecursionError) as error:
            self._damaged(f"can't be read: {_reason(error)}")
        else:
            self._parsed(text, values, first=first, settled=settled)

    def _parsed(self, text: str, values: Mapping[str, Any], *, first: bool, settled: bool) -> None:
        if not isinstance(values.get(SECTION, {}), Mapping):
            self._damaged(f'has "{SECTION}" that is no table')
            return
        values = flat(values, alone=True)
        if not settled and self._may_be_half_written(text, values, first=first):
            self._wait()
            return
        if not settled and self._lost(values) and _is_fresh(self._stamp):
            self._wait()
            self.layer = replace(self.layer, usable=False)
            return
        self._text = text
        self._accept(values, "is empty" if settled and not values else "")

    def _may_be_half_written(self, text: str, values: Mapping[str, Any], *, first: bool) -> bool:
        """Whether a save may be going on that has not yet written all that restricts."""
        if first:
            return not text.strip() and _is_fresh(self._stamp)
        had_any = self._good is None or bool(self._good.values)
        return had_any and (not values or (text != self._text and self._text.startswith(text)))

    def _lost(self, values: Mapping[str, Any]) -> bool:
        """Whether a setting that restricts is not there any more: what was written of a new text may end before it, and a
        key may stand there already without its address."""
        before = self._good.values if self._good else {}
        lost = [RULES[name] for name in before if name in RULES and name not in values]
        return any(rule.restricts and (self._trusted or not rule.user_only) for rule in lost)

    def _gone(self, *, first: bool, settled: bool) -> None:
        if self._required or os.path.islink(self.path):
            self._damaged(
                "does not exist" if not os.path.islink(self.path) else "is a link to a file that does not exist"
            )
        elif settled or first or (self._good is not None and not self._good.values):
            self._text = ""
            self._accept({}, "" if first else "does not exist any more")
        else:
            self._wait()

    def _accept(self, values: Mapping[str, Any], dropped: str) -> None:
        """A good layer. ``dropped`` says why the settings that were in force until now are not in it."""
        had = self._good is not None and bool(self._good.values)
        self._good = self.layer = Layer(origin=str(self.path), values=values, trusted=self._trusted)
        self.problem = messages.settings_dropped(str(self.path), dropped) if dropped and had else ""
        self._settled_at = None

    def _wait(self) -> None:
        """Keep what was in force until it is clear that the file is meant to be so."""
        self._settled_at = self._clock() + SETTLES_AFTER
        self._keep()
        self.problem = ""

    def _damaged(self, what: str) -> None:
        self._settled_at = None
        self.problem = messages.source_damaged(str(self.path), what, last_good=self._good is not None)
        self._keep()

    def _keep(self) -> None:
        self.layer = self._good or Layer(origin=str(self.path), values={}, trusted=self._trusted, usable=False)

    def _in_time(self) -> str:
        """The text, read in a thread: a file system may hang. Raises ``TimeoutError``, an ``OSError``."""
        if self._reader is not None and self._reader.is_alive():
            self._stamp = _UNKNOWN
            raise TimeoutError(0, "its file system does not answer")
        results: SimpleQueue[str | BaseException] = SimpleQueue()

        def read() -> None:
            try:
                results.put(self._read_text(self.path, self._most))
            except BaseException as error:  # noqa: BLE001 - it is raised where it was asked for
                results.put(error)

        self._reader = threading.Thread(target=read, name="read settings", daemon=True)
        self._reader.start()
        try:
            result = results.get(timeout=_READ_WITHIN)
        except Empty:
            self._stamp = _UNKNOWN
            raise TimeoutError(0, "its file system does not answer") from None
        self._reader = None
        if isinstance(result, BaseException):
            raise result
        return result


def _reason(error: OSError | ValueError | RecursionError) -> str:
    match error:
        case OSError():
            return error.strerror or type(error).__name__
        case UnicodeDecodeError():
            return "it is not UTF-8"
        case RecursionError():
            return "it is nested too deep"
    return "a number in it is too long, or its own name is none"


def _stamp(path: Path) -> _Stamp:
    try:
        status = path.stat()
    except OSError as error:
        return (-(error.errno or 1), 0, 0)
    except ValueError:  # no name of a file: one with a NUL
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino


def _is_fresh(stamp: _Stamp) -> bool:
    """Whether a file was written so lately that its writing may go on. By the file's own clock, which may be ahead."""
    return stamp is not None and abs(time.time() - stamp[0] / 1e9) < SETTLES_AFTER
