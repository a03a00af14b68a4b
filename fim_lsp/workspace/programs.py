"""The user's own programs: where they are found, and where they run. Neither is ever a project.

The server's current folder is often the project's. There, ``./get-key`` would be the project's program, Windows looks for
``pass.exe`` before it looks in PATH, and version managers and interpreters read files that the project has written.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path


def find_program(name: str, environment: Mapping[str, str]) -> str | None:
    """The absolute path of a program, None if there is none.

    A bare name is looked for in PATH, whose relative folders are ignored. A relative path is one in the home folder.
    """
    if os.path.dirname(name):
        return os.path.join(safe_folder(), name)
    folders = [folder for folder in os.get_exec_path(environment) if os.path.isabs(folder)]
    files = (os.path.join(folder, name + ending) for folder in folders for ending in _endings(name, environment))
    return next((file for file in files if os.path.isfile(file) and os.access(file, os.X_OK)), None)


def safe_folder() -> str:
    """The folder to run programs in: the user's home, or else the root."""
    home = os.path.expanduser("~")
    return home if os.path.isabs(home) and os.path.isdir(home) else Path(sys.prefix).anchor


def _endings(name: str, environment: Mapping[str, str]) -> list[str]:
    """What may follow a program's name in its file's name."""
    if sys.platform != "win32":
        return [""]
    endings = environment.get("PATHEXT", ".COM;.EXE;.BAT;.CMD").split(os.pathsep)
    return [""] if name.lower().endswith(tuple(map(str.lower, endings))) else endings
