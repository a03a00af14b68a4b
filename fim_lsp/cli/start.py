"""A quick start: Python's garbage collector waits until everything is imported."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator


@contextlib.contextmanager
def collection_paused() -> Iterator[None]:
    """Collect no garbage, until :func:`resume_collection` or the end.

    An import makes many objects and no garbage. The collector visits all of them over and over, which is a tenth of what
    it costs to start the server. A command has ended before there is anything worth collecting.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def resume_collection() -> None:
    """Collect garbage from now on. What has been imported is not visited again: it stays until the process ends."""
    gc.freeze()
    gc.enable()
