"""The table behind `tests/test_linear.py` and `tests/test_linear_rules.py`: `python -m tests.linear`, as Markdown.

For each rule the interpreter's steps, and for each regular expression the matcher's, at sizes 1, 4 and 16 with the text that
makes them grow most; with the factor from 4 to 16, which is 4 for what is linear.
"""

from __future__ import annotations

from collections.abc import Iterator

from tests.linear_rules import BASE, UNITS, calls, counted
from tests.regex_steps import TooMany, attacks
from tests.test_linear import ANCHORED, BOUNDED, BY_HAND, PATTERNS, SIZE, steps

Row = tuple[str, list[int], str]


def rules() -> Iterator[Row]:
    for name, call in calls().items():
        found = {unit: counted(call, unit) for unit in UNITS}
        worst = max(found, key=lambda unit: found[unit][2] / (found[unit][1] + 100))
        yield name, found[worst], worst


def patterns() -> Iterator[Row]:
    for name, pattern in PATTERNS.items():
        if name in BOUNDED:
            continue
        found: dict[str, list[int]] = {}
        for before, unit, after in [*attacks(pattern), *(("", unit, "\x01") for unit in BY_HAND)]:
            try:
                found[before + unit] = [
                    steps(pattern, before, unit, after, n, once=name in ANCHORED) for n in (1, 4, 16)
                ]
            except TooMany:
                continue
        worst = max(found, key=lambda text: found[text][2] / (found[text][1] + 1_000))
        yield name, found[worst], worst


def main() -> None:
    """Print both tables."""
    lines = []
    for title, size, rows in (("Rules", BASE, rules()), ("Regular expressions", SIZE, patterns())):
        lines += [f"## {title}", "", f"A text of size 1 has {size} characters.", ""]
        lines += ["| | 1 | 4 | 16 | factor | text |", "|---|--:|--:|--:|--:|---|"]
        for name, (one, four, sixteen), text in sorted(rows):
            shown = ascii(text)[1:-1][:40].replace("|", "\\|")
            lines.append(f"| `{name}` | {one} | {four} | {sixteen} | {sixteen / max(four, 1):.1f} | `{shown}` |")
        lines.append("")
    print("\n".join(lines))  # noqa: T201


if __name__ == "__main__":
    main()
