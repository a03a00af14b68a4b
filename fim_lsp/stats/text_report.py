"""The report as plain text of up to 80 columns."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from fim_lsp.stats import words
from fim_lsp.stats.report import Host, Report, Summary
from fim_lsp.stats.retention import date_of

WIDTH: Final = 80
MAX_ROWS: Final = 12
"""Languages, back ends, and files of a host that are listed."""

_Row = tuple[str, Callable[[Summary], str]]
_OVERVIEW: Final[tuple[_Row, ...]] = (
    ("Suggestions shown", lambda one: words.number(one.suggestions.shown)),
    ("  accepted", lambda one: words.number(one.suggestions.accepted)),
    ("  acceptance", lambda one: words.share(one.acceptance)),
    ("Taken whole", lambda one: words.number(one.suggestions.whole)),
    ("  by lines", lambda one: words.number(one.suggestions.lines)),
    ("  by words", lambda one: words.number(one.suggestions.words)),
    ("  in other parts", lambda one: words.number(one.suggestions.parts)),
    ("Characters accepted", lambda one: words.number(one.suggestions.accepted_characters)),
    ("  still there after 30 s", lambda one: words.share(one.kept)),
    ("Requests of the editor", lambda one: words.number(one.suggestions.requests)),
    ("  answered from the cache", lambda one: words.share(one.cached)),
    ("  from a call in flight", lambda one: words.share(one.reused)),
    ("Calls", lambda one: words.number(one.calls.calls)),
    ("  hung up on", lambda one: words.number(one.calls.hung_up)),
    ("  failed", lambda one: words.number(one.calls.failed)),
    ("  quota used up (429)", lambda one: words.number(one.calls.rate_limited)),
    ("  per accepted character", lambda one: words.rate(one.calls_per_character)),
    ("Tokens", lambda one: words.short(one.tokens)),
    ("  of prompts", lambda one: words.short(one.calls.prompt_tokens + one.calls.estimated_prompt_tokens)),
    ("  of these cached", lambda one: words.short(one.calls.cached_tokens)),
    ("  per accepted character", lambda one: words.rate(one.tokens_per_character)),
    ("Money", lambda one: words.dollars(one.cost)),
    ("Time to a suggestion, p50", lambda one: words.seconds(one.answer.p50) if one.answer else words.NONE),
    ("  p90", lambda one: words.seconds(one.answer.p90) if one.answer else words.NONE),
    ("  p99", lambda one: words.seconds(one.answer.p99) if one.answer else words.NONE),
    ("Sent", lambda one: words.size(one.calls.sent_bytes)),
    ("  secrets masked", lambda one: words.number(one.calls.masked)),
)


def gist(report: Report) -> str:
    """The longest period in a sentence."""
    period = report.periods[-1]
    one = period.summary
    shown = words.counted(one.suggestions.shown, "suggestion")
    parts = [f"{shown} shown, {words.share(one.acceptance)} accepted", words.counted(one.calls.calls, "call")]
    if one.cost.dollars:
        parts.append(words.dollars(one.cost))
    return f"{period.name}: {', '.join(parts)}."


def overview(report: Report) -> list[str]:
    """What suggestions were worth and what they cost: by period, language and back end."""
    lines = [f"fim-lsp on this machine, {words.span(report)}", ""]
    lines += _table(
        ["", *(period.name for period in report.periods)],
        overview_rows(report),
    )
    lines += ["", "By language", *_by_language(report), "", "By back end", *_by_backend(report)]
    if notes := words.money_notes(report):
        lines += ["", *(line for note in notes for line in textwrap.wrap(note, WIDTH))]
    lines += ["", *textwrap.wrap("Which host got what of which file: fim-lsp stats --egress", WIDTH)]
    return lines


def overview_rows(report: Report) -> list[list[str]]:
    """A name and a number for each period."""
    return [[label, *(show(period.summary) for period in report.periods)] for label, show in _OVERVIEW]


def _by_language(report: Report) -> list[str]:
    head = ["", "shown", "accepted", "characters", "kept", "calls", "tokens"]
    rows = [
        [
            _shortened(language or "(none)", 24),
            words.number(one.suggestions.shown),
            words.share(one.acceptance),
            words.number(one.suggestions.accepted_characters),
            words.share(one.kept),
            words.number(one.calls.calls),
            words.short(one.tokens),
        ]
        for language, one in report.languages[:MAX_ROWS]
    ]
    return [*_table(head, rows, indent="  "), *_more(len(report.languages))]


def _by_backend(report: Report) -> list[str]:
    lines = []
    for source, price, one in report.backends[:MAX_ROWS]:
        counts = one.calls
        lines.append(f"  {_shortened(words.name(source), WIDTH - 2)}")
        shown = f"{words.number(one.suggestions.shown)} shown, {words.share(one.acceptance)} accepted"
        if not counts.calls:
            lines.append(f"    {shown}")
            continue
        limited = f", {words.number(counts.rate_limited)} of them 429" if counts.rate_limited else ""
        failed = f", {words.number(counts.failed)} failed" if counts.failed else ""
        lines.append(f"    {shown}; {words.counted(counts.calls, 'call')}{limited}{failed}")
        money = "free" if source.local else words.dollars(one.cost) if price else "no known price"
        lines.append(f"    {words.short(one.tokens)} tokens, {words.size(counts.sent_bytes)} sent, {money}")
        if one.first_text:
            lines.append(f"    first text after {words.latency(one.first_text)} (p50 / p90 / p99)")
    return [*lines, *_more(len(report.backends))]


def egress(report: Report) -> list[str]:
    """Which host got how many bytes of which file, and when."""
    lines = [f"What left fim-lsp, {words.span(report)}"]
    for local, heading in ((False, "Sent to other machines"), (True, "Stayed on this machine")):
        hosts = [host for host in report.hosts if host.local is local]
        lines += ["", heading + ("" if hosts else ": nothing")]
        for host in hosts:
            lines += _host(host)
    note = (
        "A host's bytes are those of HTTP bodies; a file's are those of its text in them. Masked secrets were replaced before "
        "sending; they count for the file that was being edited. After two months days become months, and after half a year "
        "only the totals are kept. fim-lsp stats --egress --json lists all files."
    )
    return [*lines, "", *textwrap.wrap(note, WIDTH)]


def _host(host: Host) -> Iterator[str]:
    masked = f", {words.counted(host.masked, 'secret')} masked" if host.masked else ""
    yield f"  {host.host}"
    yield f"    {words.size(host.size)} in {words.counted(host.http_requests, 'request')}{masked}"
    rows = [
        [
            _shortened_path(row.folder, row.path, 40),
            f"{date_of(row.day):%d %b}",
            f"{words.clock(row.egress.first)}–{words.clock(row.egress.last)}",
            words.number(row.egress.calls),
            words.size(row.egress.size),
        ]
        for row in host.files[:MAX_ROWS]
    ]
    if rows:
        yield from _table(["", "day", "from–to", "calls", "text"], rows, indent="    ")
    yield from _more(len(host.files), indent="    ")


def _more(count: int, *, indent: str = "  ") -> list[str]:
    return [f"{indent}… and {count - MAX_ROWS} more (--json lists all)"] if count > MAX_ROWS else []


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], *, indent: str = "") -> list[str]:
    """The first column is flush left, the others right."""
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    lines = []
    for row in (head, *rows):
        cells = [
            f"{row[0]:<{widths[0]}}",
            *(f"{cell:>{width}}" for cell, width in zip(row[1:], widths[1:], strict=True)),
        ]
        lines.append((indent + "  ".join(cells)).rstrip())
    return lines


def _shortened(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 1]}…"


def _shortened_path(folder: str, path: str, length: int) -> str:
    """The end of a path, after the name of its workspace's folder."""
    if not path:
        return "(no file of a workspace)"
    whole = f"{folder.replace(chr(92), '/').rstrip('/').rpartition('/')[2]}/{path}"
    return whole if len(whole) <= length else f"…{whole[1 - length :]}"
