"""``fim-lsp stats``: what suggestions were worth, what they cost, and which host got what."""

from __future__ import annotations

import argparse
import datetime
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from fim_lsp.cli.output import answer, open_private, say, write
from fim_lsp.errors import StatsUnavailable, UsageError
from fim_lsp.text.unicode import visible

if TYPE_CHECKING:
    from fim_lsp.settings.schema import Settings
    from fim_lsp.stats.report import Report
    from fim_lsp.stats.store import StatsStore

_DEFAULT_DAYS = 30
_MAX_DAYS = 36_500


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the period, the form, and ``--reset``."""
    parser.description = (
        "Print what was suggested and accepted, and what it cost: by day, language and back end. The counts are kept on "
        "this machine and contain no text; the setting stats = false turns them off. Exits with 0, 1 if nothing has been "
        "counted yet, 2 if the counts can't be read."
    )
    period = parser.add_mutually_exclusive_group()
    period.add_argument("--days", metavar="N", type=_days, help=f"the last N days; default: {_DEFAULT_DAYS}")
    period.add_argument("--since", metavar="DATE", type=_date, help="from this day on: 2026-11-26")
    parser.add_argument("--egress", action="store_true", help="which host got how many bytes of which file, and when")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="as JSON, all files included")
    form.add_argument("--html", metavar="FILE", help="write a page with plots to FILE; - is standard output")
    form.add_argument(
        "--reset", action="store_true", help="forget all counts, what was sent where, and what was learnt from them"
    )
    parser.add_argument("--yes", action="store_true", help="with --reset: do not ask")


def run(arguments: argparse.Namespace, environment: Mapping[str, str]) -> int:
    """Print or write the report, or forget the counts."""
    from fim_lsp.stats.recorder import stats_path
    from fim_lsp.stats.store import StatsStore

    if arguments.yes and not arguments.reset:
        raise UsageError("--yes goes with --reset")
    path = stats_path()
    if path is None:
        raise UsageError("there is no home folder (HOME is not set), so nothing is counted")
    store = StatsStore(path)
    try:
        if arguments.reset:
            return _reset(store, confirmed=arguments.yes)
        return _report(store, arguments, environment)
    except StatsUnavailable as error:
        raise UsageError(str(error)) from error


def _report(store: StatsStore, arguments: argparse.Namespace, environment: Mapping[str, str]) -> int:
    from fim_lsp.stats.reading import read_counts
    from fim_lsp.stats.report import make_report
    from fim_lsp.stats.retention import number_of

    today = datetime.date.today()
    since = arguments.since or today - datetime.timedelta(days=(arguments.days or _DEFAULT_DAYS) - 1)
    if since > today:
        raise UsageError(f"--since {since}: that day has not come yet")
    counts = read_counts(store, number_of(since))
    settings = _settings(environment)
    if not counts and not arguments.json:
        say(_nothing(store, since, enabled=settings.stats))
        return 1
    report = make_report(counts, since=since, today=today, prices=settings.prices)
    if arguments.html is not None:
        return _write_page(report, arguments.html)
    if arguments.json:
        write(json.dumps(report.to_json(), indent=2) + "\n")
    else:
        from fim_lsp.stats.text_report import egress, overview

        for line in (egress if arguments.egress else overview)(report):
            answer(visible(line))
    return 0 if counts else 1


def _settings(environment: Mapping[str, str]) -> Settings:
    """The user's own settings, which have the prices; problems with them are reported by the server."""
    from fim_lsp.settings.loader import SettingsLoader

    return SettingsLoader(environment, lambda _problems: None).start([], None)


def _nothing(store: StatsStore, since: datetime.date, *, enabled: bool) -> str:
    """Why there is nothing to show."""
    from fim_lsp.stats.reading import read_counts

    if read_counts(store, 0):
        return f"nothing has been counted since {since}; --days looks further back"
    if not enabled:
        return "nothing is counted, because the setting stats is false"
    if not _is_writable(store.path.parent):
        return (
            f"nothing can be counted, because {store.path.parent} can't be written; "
            "set HOME, or XDG_STATE_HOME, to a folder of yours"
        )
    return "nothing has been counted yet; counts appear some seconds after your editor has asked for a suggestion"


def _is_writable(folder: Path) -> bool:
    """Whether files can be created in a folder, or the folder in one that exists."""
    existing = next(one for one in (folder, *folder.parents) if one.exists())
    return existing.is_dir() and os.access(existing, os.W_OK | os.X_OK)


def _write_page(report: Report, name: str) -> int:
    from fim_lsp.stats.page import page

    text = page(report)
    if name == "-":
        write(text + "\n")
        return 0
    file = Path(name)
    if file.exists() and not (file.is_file() or file.is_dir()):
        raise UsageError(f"--html {name}: this is not a regular file; - writes to standard output")
    try:
        with open(file, "w", encoding="utf-8", opener=open_private) as stream:
            stream.write(text)
    except OSError as error:
        raise UsageError(f"--html {name}: {error.strerror or error}") from error
    say(f"the page is in {name}")
    return 0


def _reset(store: StatsStore, *, confirmed: bool) -> int:
    if not store.path.exists():
        say("there is nothing to forget")
        return 1
    if not confirmed:
        if sys.stdin is None or not sys.stdin.isatty():
            raise UsageError("--reset asks before it forgets; where nobody can answer, add --yes")
        say(f"this forgets all counts, what was sent where, and what was learnt from them ({store.path})")
        sys.stderr.write("Forget them? [y/N] ")
        sys.stderr.flush()
        if sys.stdin.readline().strip().lower() not in {"y", "yes"}:
            say("nothing was forgotten")
            return 1
    store.reset()
    say("what was counted is forgotten; running editors count from zero, and soon forget what they learnt")
    return 0


def _days(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 6 and 1 <= int(text) <= _MAX_DAYS):
        raise argparse.ArgumentTypeError(f"{text}: must be a number of days from 1 to {_MAX_DAYS}")
    return int(text)


def _date(text: str) -> datetime.date:
    try:
        return datetime.date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text}: must be a date like 2026-11-26") from None
