"""What every editor must get right: a document, what is typed, what the model wants to write, and the file afterwards."""

from __future__ import annotations

from dataclasses import dataclass

CURSOR = "‸"

BEFORE = "def fib(n):\n    if n < 2:\n        return n\n    "
GHOST = "fib(n - 1) + fib(n - 2)"
SUGGESTED = f"return {GHOST}"
"""What most tests begin with: a document with the cursor in its fourth line, and what the model wants to write there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """``document`` has the cursor marked in it; ``typed`` is typed there, and ``completion`` of the model is accepted whole.

    ``after`` is the document as it then is on disk. ``shown`` is a part of the suggestion to wait for on the screen.
    """

    name: str
    document: str
    typed: str
    completion: str
    after: str
    file: str = "demo.py"

    @property
    def content(self) -> bytes:
        """The file before."""
        return self.document.replace(CURSOR, "").encode()

    @property
    def expected(self) -> bytes:
        """The file after."""
        return self.after.encode()

    @property
    def before(self) -> str:
        """The text before the cursor."""
        return self.document.partition(CURSOR)[0]

    @property
    def line(self) -> int:
        """The cursor's line, from 1."""
        return self.before.count("\n") + 1

    @property
    def line_before(self) -> str:
        """The line up to the cursor."""
        return self.before.rpartition("\n")[2]

    @property
    def at_end_of_line(self) -> bool:
        """Whether nothing follows the cursor in its line."""
        after = self.document.partition(CURSOR)[2]
        return not after or after[0] in "\r\n"

    @property
    def wants(self) -> str:
        """The whole line or block that the model wants to write, what is typed included."""
        return self.line_before + self.typed + self.completion

    @property
    def shown(self) -> str:
        """The last words of the suggestion's first line; they are on the screen when the suggestion is."""
        return self.completion.strip("\r\n").splitlines()[0].strip()


ACCEPTED = (
    Case(
        name="end of line",
        document="def fib(n):\n    if n < 2:\n        return n\n    ‸\n",
        typed="ret",
        completion="urn fib(n - 1) + fib(n - 2)",
        after="def fib(n):\n    if n < 2:\n        return n\n    return fib(n - 1) + fib(n - 2)\n",
    ),
    Case(
        name="text after the cursor",
        document="alpha = 1\nbeta = 2\nprint(‸)\n",
        typed="al",
        completion="pha, beta",
        after="alpha = 1\nbeta = 2\nprint(alpha, beta)\n",
    ),
    Case(
        name="tabs",
        document="package main\n\nfunc main() {\n\tif ready {\n\t\t‸\n\t}\n}\n",
        typed="start",
        completion="(ready, 1)",
        after="package main\n\nfunc main() {\n\tif ready {\n\t\tstart(ready, 1)\n\t}\n}\n",
        file="main.go",
    ),
    Case(
        name="CRLF",
        document="total = 0\r\nfor item in items:\r\n    ‸\r\nprint(total)\r\n",
        typed="tot",
        completion="al += item.price",
        after="total = 0\r\nfor item in items:\r\n    total += item.price\r\nprint(total)\r\n",
    ),
    Case(
        name="emoji before the cursor",
        document='party = "🎉👩‍🚀🇪🇺"; ‸\n',
        typed="prin",
        completion="t(party)",
        after='party = "🎉👩‍🚀🇪🇺"; print(party)\n',
    ),
    Case(
        name="several lines",
        document="def area(shape):\n    ‸\n\n\nprint(1)\n",
        typed="for side in shape:",
        completion="\n        total += side\n        print(side, total)",
        after="def area(shape):\n    for side in shape:\n        total += side\n        print(side, total)\n\n\nprint(1)\n",
    ),
    Case(
        name="several lines, CRLF",
        document="def area(shape):\r\n    ‸\r\n\r\n\r\nprint(1)\r\n",
        typed="for side in shape:",
        completion="\n        total += side\n        print(side, total)",
        after="def area(shape):\r\n    for side in shape:\r\n        total += side\r\n"
        "        print(side, total)\r\n\r\n\r\nprint(1)\r\n",
    ),
)
