"""The command ``fim-lsp.stats``: the JSON of ``fim-lsp stats --json``, and the lines of its text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from fim_lsp.errors import StatsUnavailable
from fim_lsp.lsp.commands import split_options
from fim_lsp.lsp.server import Server
from fim_lsp.text.unicode import visible

if TYPE_CHECKING:
    import datetime

    from fim_lsp.stats.reading import Counts
    from fim_lsp.stats.store import StatsStore

STATS_COMMAND: Final = "fim-lsp.stats"
_DEFAULT_DAYS, _MAX_DAYS = 30, 36_500


async def stats(server: Server, *arguments: Any) -> dict[str, Any]:
    """What was counted in the last days, of all editors. Arguments: the number of days (default: 30), and ``quiet``.

    Also shows the gist in a sentence, unless ``quiet``.
    """
    import datetime  # with what they import, only this command needs these

    from fim_lsp.stats.reading import Counts
    from fim_lsp.stats.report import make_report
    from fim_lsp.stats.text_report import gist, overview

    values, quiet = split_options(arguments)
    today = datetime.date.today()
    since = today - datetime.timedelta(days=_days(values) - 1)
    try:
        counts = await server.session.recorder.read(lambda store: _read(store, since))
        nothing = "nothing is counted" if counts is None else "nothing has been counted yet"
    except StatsUnavailable as error:
        counts, nothing = None, str(error)
    report = make_report(counts or Counts(), since=since, today=today, prices=server.session.settings.prices)
    sentence = visible(gist(report) if counts else nothing)
    if not quiet:
        server.show_info(f"fim-lsp: {sentence}")
    lines = [visible(line) for line in overview(report)] if counts else [sentence]
    return {**report.to_json(), "lines": lines}


def _read(store: StatsStore, since: datetime.date) -> Counts:
    from fim_lsp.stats.reading import read_counts
    from fim_lsp.stats.retention import number_of

    return read_counts(store, number_of(since))


def _days(values: Sequence[Any]) -> int:
    match values:
        case [int(days)] if 1 <= days <= _MAX_DAYS:
            return days
    return _DEFAULT_DAYS
