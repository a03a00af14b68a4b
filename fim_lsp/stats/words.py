"""Numbers, dates and names as a person reads them."""

from __future__ import annotations

import datetime
import time

from fim_lsp.stats.counts import Source
from fim_lsp.stats.prices import Cost, Price
from fim_lsp.stats.report import Percentiles, Report

NONE = "–"


def number(value: float) -> str:
    """``1,234``."""
    return f"{value:,.0f}"


def short(value: int) -> str:
    """A number of up to four digits, or with a unit: ``9,950``, ``12.3k``, ``200k``, ``1.4M``."""
    for least, factor, unit in ((1e9, 1e9, "G"), (1e6, 1e6, "M"), (1e4, 1e3, "k")):
        if value >= least:
            return f"{value / factor:.1f}".removesuffix(".0") + unit
    return number(value)


def counted(value: int, thing: str) -> str:
    """``1 secret``, ``1,234 secrets``."""
    return f"{number(value)} {thing}{'s' * (value != 1)}"


def share(value: float | None) -> str:
    """``31 %``."""
    return NONE if value is None else f"{100 * value:.0f} %"


def rate(value: float | None) -> str:
    """A small number: ``0.04``, ``18``."""
    if value is None:
        return NONE
    return number(value) if value >= 10 else f"{value:.2f}"


def seconds(value: float) -> str:
    """``410 ms``, ``2.5 s``."""
    return f"{1000 * value:.0f} ms" if value < 0.9995 else f"{value:.1f} s"


def size(value: int) -> str:
    """Bytes: ``950 B``, ``4.2 kB``, ``1.3 MB``."""
    for unit, factor in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if value >= factor:
            return f"{value / factor:.1f} {unit}"
    return f"{value} B"


def dollars(cost: Cost) -> str:
    """``$0.46``; with a tilde if a good part is for tokens that no server has counted."""
    amount = f"${cost.dollars:,.2f}" if cost.dollars >= 0.005 or not cost.dollars else "< $0.01"
    return f"~{amount}" if cost.estimated > 0.01 * cost.dollars else amount


def latency(found: Percentiles | None) -> str:
    """``410 ms / 1.2 s / 2.5 s``."""
    return NONE if found is None else " / ".join(map(seconds, (found.p50, found.p90, found.p99)))


def day(date: datetime.date) -> str:
    """``26 Nov 2026``."""
    return f"{date.day} {date:%b %Y}"


def clock(at: float) -> str:
    """The time of day."""
    return time.strftime("%H:%M", time.localtime(at))


def span(report: Report) -> str:
    """The days of a report."""
    if report.since == report.until:
        return day(report.until)
    return f"{day(report.since)} to {day(report.until)}"


def name(source: Source) -> str:
    """``codestral · codestral-latest · codestral.mistral.ai``; a request for which none was asked has none."""
    return " · ".join(filter(None, (source.backend, source.model, source.host))) or "no back end asked"


def money_notes(report: Report) -> list[str]:
    """Where the prices are from, and what they do not cover."""
    notes = []
    priced = {price.pattern: price for _, price, _ in report.backends if price}
    if listed := [price for price in priced.values() if price.as_of]:
        dates = ", ".join(f"{price.pattern} ({_price(price)}, {price.as_of})" for price in listed)
        notes.append(
            f"Money is at list price, which your contract may not be: {dates}. The setting prices overrides it."
        )
    if own := [price for price in priced.values() if not price.as_of]:
        notes.append(f"Your own prices: {', '.join(f'{price.pattern} ({_price(price)})' for price in own)}.")
    unpriced = [source for source, price, one in report.backends if one.cost.unpriced_tokens and price is None]
    notes += [
        f"No price is known for {source.model or source.backend}; the setting prices gives one." for source in unpriced
    ]
    if any(one.cost.estimated > 0.01 * one.cost.dollars for _, _, one in report.backends):
        notes.append("~ A part is estimated: a server does not count the tokens of a call that was hung up on.")
    return notes


def _price(price: Price) -> str:
    return f"${price.input:.2f} in and ${price.output:.2f} out for a million tokens"
