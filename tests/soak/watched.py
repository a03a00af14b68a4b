"""A server that tells what it holds: ``python -m tests.soak.watched FILE ARGUMENT…`` runs ``fim-lsp ARGUMENT…``.

At SIGUSR1 it writes the numbers of its tasks and objects to FILE, which are not seen from outside.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import signal
import sys
from pathlib import Path
from types import FrameType


def main() -> int:
    file = Path(sys.argv[1])

    def tell(_number: int, _frame: FrameType | None) -> None:
        try:
            tasks = len(asyncio.all_tasks())
        except RuntimeError:  # the loop does not run yet
            tasks = 0
        gc.collect()
        told = file.with_suffix(".new")
        told.write_text(json.dumps({"tasks": tasks, "objects": len(gc.get_objects())}))
        os.replace(told, file)

    signal.signal(signal.SIGUSR1, tell)
    from fim_lsp.cli.main import main as serve

    sys.argv = ["fim-lsp", *sys.argv[2:]]
    return serve()


if __name__ == "__main__":
    raise SystemExit(main())
