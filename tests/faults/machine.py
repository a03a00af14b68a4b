"""The machine that a server runs on, as a test sees it: how names are resolved, what clocks show, what the server holds.

The server's side is :mod:`tests.faults.process`.
"""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Final

VARIABLE: Final = "FAULTS_MACHINE"
"""The environment variable that names the folder of the machine."""

CLOCKS: Final = struct.Struct("dd")
"""What is added to the wall clock and to the monotonic one, in seconds."""

COUNT: Final = "count"
"""The file that makes the process count its objects, once."""

UNKNOWN, AGAIN, HANG = "unknown", "temporarily unknown", "hang"
"""What becomes of a name, instead of an address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Holdings:
    """What a process holds: the names of its asyncio tasks and of its threads, and the number of its objects, if asked for."""

    pid: int
    tasks: tuple[str, ...]
    threads: tuple[str, ...]
    objects: int


class Machine:
    """``env`` is the environment of a server on this machine."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.env = {VARIABLE: str(folder)}
        self._shifts = 0.0, 0.0
        self.jump()
        self.set_names({})

    def jump(self, *, wall: float = 0.0, monotonic: float = 0.0) -> None:
        """The clocks jump by seconds. A monotonic one never jumps back."""
        self._shifts = self._shifts[0] + wall, self._shifts[1] + monotonic
        place = self._folder / "clocks"
        with place.open("r+b" if place.exists() else "wb") as file:  # in place: the server has mapped it
            file.write(CLOCKS.pack(*self._shifts))

    def set_names(self, names: dict[str, str]) -> None:
        """How names are resolved: to an address, :data:`UNKNOWN`, :data:`AGAIN`, or :data:`HANG`."""
        draft = self._folder / "names.new"
        draft.write_text(json.dumps(names))
        draft.replace(self._folder / "names")

    def forget_report(self, *, counts_objects: bool) -> None:
        """Before the process is asked for another. To count its objects takes it a while."""
        (self._folder / "report").unlink(missing_ok=True)
        if counts_objects:
            (self._folder / COUNT).touch()

    def report(self) -> Holdings | None:
        """What the process has written down after a SIGUSR1, None before."""
        try:
            found = json.loads((self._folder / "report").read_text())
        except FileNotFoundError:
            return None
        return Holdings(**{key: tuple(value) if isinstance(value, list) else value for key, value in found.items()})
