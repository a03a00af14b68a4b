"""The report as one HTML page: no scripts, nothing loaded from elsewhere, light and dark, and good on paper."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator, Mapping, Sequence
from html import escape
from typing import Final

from fim_lsp.stats import plots, words
from fim_lsp.stats.report import Host, Report, Summary
from fim_lsp.stats.retention import date_of, is_month, number_of
from fim_lsp.stats.text_report import overview_rows
from fim_lsp.text.unicode import visible

MAX_FILES: Final = 200
"""Files of one host that the page lists; the JSON has all."""

_MAX_PRINTED: Final = 25  # as in the style sheet

_STYLE: Final = """
:root { color-scheme: light dark; --back: #fff; --ink: #1d2126; --soft: #5a626c; --line: #dde1e6;
  --card: #f5f7f9; --total: #b4c4dc; --part: #1f5fbf; }
@media (prefers-color-scheme: dark) {
  :root { --back: #14171b; --ink: #e4e7eb; --soft: #a2abb6; --line: #343b44; --card: #1d2228; --total: #435470;
    --part: #79a8f2; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2rem 1.25rem 4rem; max-width: 72rem; background: var(--back); color: var(--ink);
  font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.6rem; margin: 0; }
h2 { font-size: 1.15rem; margin: 2.5rem 0 .75rem; }
h3 { font-size: 1rem; margin: 1.5rem 0 .5rem; }
p { margin: .25rem 0; max-width: 46rem; }
.soft { color: var(--soft); }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); gap: .75rem; margin: 1.5rem 0 0; }
.cards div { background: var(--card); border: 1px solid var(--line); border-radius: 6px; padding: .75rem 1rem;
  display: flex; flex-direction: column; justify-content: space-between; }
.cards dt { color: var(--soft); font-size: .85rem; line-height: 1.35; }
.cards dd { margin: 0; font-size: 1.5rem; line-height: 1.4; }
.beside { display: grid; grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); gap: 1rem 2rem; align-items: start; }
.overview { max-width: 38rem; }
figure { margin: 0; overflow-x: auto; }
figcaption { color: var(--soft); font-size: .85rem; margin-top: .35rem; }
svg { display: block; width: 100%; min-width: 22rem; height: auto; font: 12.5px system-ui, sans-serif; }
svg .grid { stroke: var(--line); stroke-width: 1; }
svg text { fill: var(--ink); }
svg .axis { fill: var(--soft); }
svg .end { text-anchor: end; }
svg .middle { text-anchor: middle; }
svg .total { fill: var(--total); }
svg .part { fill: var(--part); }
svg .range { stroke: var(--total); stroke-width: 6; }
.key { display: inline-block; width: .8em; height: .8em; margin: 0 .3em 0 .8em; vertical-align: -.05em; }
.key.total { background: var(--total); margin-left: 0; }
.key.part { background: var(--part); }
.scroll { overflow: auto; max-height: 20rem; margin-top: .75rem; }
.beside .scroll { margin-top: 0; }
.scroll.overview { max-height: none; }
.scroll:focus-visible { outline: 2px solid var(--part); }
table { border-collapse: collapse; width: 100%; font-size: .875rem; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .6rem; text-align: right; border-bottom: 1px solid var(--line); white-space: nowrap; }
th { color: var(--soft); font-weight: 600; }
.scroll thead th { position: sticky; top: 0; background: var(--back); }
th:first-child, td:first-child { text-align: left; padding-left: 0; }
th:last-child, td:last-child { padding-right: 0; }
td.sub { padding-left: 1.25rem; color: var(--soft); }
td.path { white-space: normal; overflow-wrap: anywhere; min-width: 6.5rem; }
.files td.path { min-width: 11rem; }
.paper { display: none; }
@media (max-width: 52rem) { .beside { grid-template-columns: minmax(0, 1fr); } }
@media (max-width: 30rem) { th, td { padding: .25rem .3rem; } .overview td:first-child { white-space: normal; } }
@page { margin: 15mm; }
@media print {
  :root { color-scheme: light; --back: #fff; --ink: #000; --soft: #444; --line: #bbb; --card: #fff; --total: #c4c4c4;
    --part: #404040; }
  body { padding: 0; max-width: none; font-size: 10pt; }
  figcaption, p { font-size: 8.5pt; }
  .scroll, figure { overflow: visible; max-height: none; }
  .scroll thead th { position: static; }
  svg, .cards div, .key { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  .beside { grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); }
  table { font-size: 8pt; }
  th, td { padding: .12rem .3rem; }
  .beside table { font-size: 7.5pt; }
  th { white-space: normal; vertical-align: bottom; }
  td.path { min-width: 3rem; }
  .cards { grid-template-columns: repeat(6, 1fr); gap: .4rem; }
  .cards div { padding: .4rem .5rem; }
  .cards dt { font-size: 7.5pt; }
  .cards dd { font-size: 13pt; }
  svg { min-width: 0; }
  figure, tr, .cards { break-inside: avoid; }
  h2, h3 { break-after: avoid; }
  .files td.path { min-width: 6rem; }
  .files tbody tr:nth-child(n + 26) { display: none; }
  .paper { display: block; } }
"""


def page(report: Report) -> str:
    """The whole page. Names are escaped, and hidden characters in them are written out."""
    sections = (_cards, _all_numbers, _by_day, _by_language, _by_backend, _egress, _notes)
    body = "\n".join(line for section in sections for line in section(report))
    title = f"fim-lsp, {words.span(report)}"
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        f"<title>{title}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<h1>fim-lsp</h1>\n"
        f'<p class="soft">{words.span(report)}, counted on this machine</p>\n<main>\n{body}\n</main>\n</body>\n</html>'
    )


def _cards(report: Report) -> Iterator[str]:
    one = report.periods[-1].summary
    cards = (
        ("accepted", words.share(one.acceptance)),
        ("characters accepted", words.number(one.suggestions.accepted_characters)),
        ("of them still there after 30 s", words.share(one.kept)),
        ("time to a suggestion (p50)", words.seconds(one.answer.p50) if one.answer else words.NONE),
        ("calls", words.number(one.calls.calls)),
        ("money", words.dollars(one.cost)),
    )
    yield '<dl class="cards">'
    yield from (f"<div><dt>{escape(label)}</dt><dd>{escape(value)}</dd></div>" for label, value in cards)
    yield "</dl>"


def _all_numbers(report: Report) -> Iterator[str]:
    yield "<h2>Overview</h2>"
    table = _table(["", *(period.name for period in report.periods)], overview_rows(report))
    yield _scrolled("Overview", table, kind="overview")


def _by_day(report: Report) -> Iterator[str]:
    yield "<h2>By day</h2>"
    known = dict(report.days)
    shown = _bars(report, known, lambda one: (one.suggestions.shown, one.suggestions.accepted))
    tokens = _bars(report, known, lambda one: (one.tokens, 0))
    if len(shown) > 1:
        yield '<div class="beside">'
        yield _figure(
            plots.days("Suggestions by day", "Bars: suggestions shown, and those accepted.", shown, words.number),
            '<span class="key total"></span>suggestions shown<span class="key part"></span>accepted',
        )
        yield _figure(plots.days("Tokens by day", "Bars: tokens of all calls.", tokens, _tick), "tokens of all calls")
        yield "</div>"
    head = ["day", "shown", "accepted", "characters", "calls", "tokens", "429", "sent", "money"]
    rows = [
        [
            words.day(date_of(day)),
            *_figures(one),
            words.number(one.calls.rate_limited),
            words.size(one.calls.sent_bytes),
            words.dollars(one.cost),
        ]
        for day, one in reversed(report.days)
    ]
    yield _scrolled("Numbers by day", _table(head, rows))


def _by_language(report: Report) -> Iterator[str]:
    yield "<h2>By language</h2>"
    rows = [
        plots.Bar(label=visible(language or "(none)"), value=one.acceptance or 0, text=words.share(one.acceptance))
        for language, one in report.languages[:10]
        if one.suggestions.shown
    ]
    yield '<div class="beside">'
    yield _figure(
        plots.bars("Acceptance by language", "Bars: the share of suggestions that was accepted.", rows),
        "share of the suggestions that was accepted at least in part",
    )
    head = ["language", "shown", "accepted", "characters", "calls", "tokens"]
    numbers = [[visible(language or "(none)"), *_figures(one)] for language, one in report.languages]
    yield _scrolled("Numbers by language", _table(head, numbers, path=True))
    yield "</div>"


def _by_backend(report: Report) -> Iterator[str]:
    yield "<h2>By back end</h2>"
    rows = [
        plots.Range(label=visible(source.model or source.backend), values=(found.p50, found.p90, found.p99))
        for source, _, one in report.backends[:10]
        if (found := one.first_text)
    ]
    if rows:
        yield '<div class="beside">'
        yield _figure(
            plots.ranges("Time to the first text", "For each model p50, p90 and p99.", rows, words.seconds),
            "time to the first text: p50, p90 and p99, from the left",
        )
        head = ["model", "p50 / p90 / p99"]
        times = [[visible(words.name(source)), words.latency(one.first_text)] for source, _, one in report.backends]
        yield _scrolled("Latencies", _table(head, times, path=True))
        yield "</div>"
    head = ["back end", "shown", "accepted", "characters", "calls", "tokens", "429", "failed", "sent", "money"]
    numbers = [
        [
            visible(words.name(source)),
            *_figures(one),
            words.number(one.calls.rate_limited),
            words.number(one.calls.failed),
            words.size(one.calls.sent_bytes),
            "free" if source.local or not one.calls.calls else words.dollars(one.cost) if price else "no known price",
        ]
        for source, price, one in report.backends
    ]
    yield _scrolled("Numbers by back end", _table(head, numbers, path=True))


def _egress(report: Report) -> Iterator[str]:
    yield "<h2>What left fim-lsp</h2>"
    if not report.hosts:
        yield "<p>Nothing.</p>"
        return
    rows = [
        plots.Bar(label=visible(host.host), value=host.size, text=words.size(host.size)) for host in report.hosts[:10]
    ]
    yield '<div class="beside">'
    yield _figure(plots.bars("Bytes by host", "Bars: bytes of HTTP bodies that each host got.", rows), "HTTP bodies")
    head = ["host", "sent", "requests", "secrets masked"]
    numbers = [
        [
            visible(f"{host.host} (this machine)" if host.local else host.host),
            words.size(host.size),
            words.number(host.http_requests),
            words.number(host.masked),
        ]
        for host in report.hosts
    ]
    yield _scrolled("Numbers by host", _table(head, numbers, path=True))
    yield "</div>"
    for host in report.hosts:
        if host.files:
            yield from _files(host)


def _files(host: Host) -> Iterator[str]:
    yield f"<h3>Files of which {escape(visible(host.host))} got text</h3>"
    head = ["file", "day", "from", "to", "calls", "text", "masked"]
    rows = [
        [
            visible(f"{row.folder}/{row.path}" if row.path else "(no file of a workspace)"),
            words.day(date_of(row.day)),
            words.clock(row.egress.first),
            words.clock(row.egress.last),
            words.number(row.egress.calls),
            words.size(row.egress.size),
            words.number(row.egress.masked),
        ]
        for row in host.files[:MAX_FILES]
    ]
    yield _scrolled(f"Files, {visible(host.host)}", _table(head, rows, path=True), kind="files")
    if len(host.files) > _MAX_PRINTED:
        yield f'<p class="soft paper">Here are the latest {_MAX_PRINTED} of {len(host.files):,}.</p>'
    if len(host.files) > MAX_FILES:
        yield f'<p class="soft">{len(host.files) - MAX_FILES:,} more are in fim-lsp stats --json.</p>'


def _notes(report: Report) -> Iterator[str]:
    yield "<h2>Notes</h2>"
    own = (
        "A host's bytes are those of HTTP bodies; a file's are those of its text in them.",
        "Secrets that were recognized were replaced before sending; they count for the file that was being edited.",
        f"Percentiles are off by up to {100 * report.to_json()['max_latency_error']:.1f} %.",
    )
    yield from (f'<p class="soft">{escape(visible(note))}</p>' for note in (*words.money_notes(report), *own))


def _bars(
    report: Report, known: Mapping[int, Summary], heights: Callable[[Summary], tuple[float, float]]
) -> list[plots.Day]:
    """A bar for each day since the first one that was counted; for each month where only months are left."""
    first = date_of(min(known, default=number_of(report.until)))
    dates = [first + datetime.timedelta(days=days) for days in range((report.until - first).days + 1)]
    shown = [date for date in dates if date.day == 1 or not is_month(number_of(date), report.until)]
    bars = []
    for date in shown:
        total, part = heights(known[day]) if (day := number_of(date)) in known else (0, 0)
        bars.append(plots.Day(label=f"{date.day} {date:%b}", total=total, part=part))
    return bars


def _figures(one: Summary) -> list[str]:
    return [
        words.number(one.suggestions.shown),
        words.share(one.acceptance),
        words.number(one.suggestions.accepted_characters),
        words.number(one.calls.calls),
        words.short(one.tokens),
    ]


def _tick(value: float) -> str:
    return words.short(round(value))


def _figure(svg: str, caption: str) -> str:
    return f"<figure>{svg}<figcaption>{caption}</figcaption></figure>"


def _scrolled(label: str, table: str, *, kind: str = "") -> str:
    kinds = f"scroll {kind}".strip()
    return f'<div class="{kinds}" role="region" tabindex="0" aria-label="{escape(label)}">{table}</div>'


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], *, path: bool = False) -> str:
    """``path``: the first column may be long, and is broken anywhere."""
    top = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in head)
    body = "".join(
        f"<tr>{_first(row[0], path=path)}{''.join(f'<td>{escape(cell)}</td>' for cell in row[1:])}</tr>" for row in rows
    )
    return f"<table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"


def _first(cell: str, *, path: bool) -> str:
    kind = ' class="path"' if path else ' class="sub"' if cell.startswith(" ") else ""
    return f"<td{kind}>{escape(cell.strip())}</td>"
