"""Where counts for ``fim-lsp stats`` are kept, and whether that works."""

from __future__ import annotations

from pathlib import Path

from fim_lsp.doctor.check import Check, info, ok, warning
from fim_lsp.errors import StatsUnavailable
from fim_lsp.settings.schema import Settings

_REMEDY = "make the folder writable, or name another one in XDG_STATE_HOME; stats = false keeps no counts"


def check_statistics(settings: Settings, path: Path | None) -> Check:
    """Open the file as the server does. ``path`` is None without a home folder. To be called in a thread."""
    if not settings.stats:
        return info("statistics", "no counts are kept (stats = false)")
    if path is None:
        return info("statistics", "no counts are kept, because there is no home folder")
    from fim_lsp.stats.counts import Batch  # with sqlite3, which only those who ask need
    from fim_lsp.stats.store import StatsStore

    existed = path.exists()
    try:
        StatsStore(path).add(Batch())
    except StatsUnavailable as failure:
        cause, _, remedy = str(failure).removeprefix(str(path)).partition("; ")
        lost = f"{path}{cause}; counts are kept in memory and lost when the server ends"
        return warning("statistics", lost, remedy or _REMEDY)
    size = f"{path.stat().st_size / 1000:,.0f} kB, " if existed else ""
    return ok("statistics", f"counts, and no text, are kept in {path} ({size}writable)")
