"""What other processes may know about a running server."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerInfo:
    """One editor's connection. ``client`` is the editor's name, ``status`` one line, ``problems`` are those of its settings.

    ``id`` is unlike that of any other connection; a process may serve several. ``started`` is in seconds since the epoch.
    """

    id: str
    pid: int
    started: float
    client: str = ""
    workspace: str = ""
    status: str = ""
    problems: tuple[str, ...] = ()

    def to_json(self) -> str:
        """As it is stored."""
        return json.dumps(asdict(self), separators=(",", ":"))

    @classmethod
    def from_json(cls, data: str) -> ServerInfo:
        """The reverse of :meth:`to_json`."""
        values = json.loads(data)
        return cls(**{**values, "problems": tuple(values["problems"])})
