"""What every editor has to get right: a document, what is typed, what the model wants to write, and the file afterwards."""

from __future__ import annotations

from dataclasses import dataclass

CURSOR = "‸"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """``document`` has the cursor marked in its text; ``typed`` is typed there, the model goes on with ``rest``, accepted whole.

    ``after`` is the document as it is then on disk. ``shown`` is a piece of the suggestion to wait for on the screen.
    """

    name: str
    document: str
    typed: str
    rest: str
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
        rest = self.document.partition(CURSOR)[2]
        return not rest or rest[0] in "\r\n"

    @property
    def wants(self) -> str:
        """All that the model wants to write, what is typed included."""
        return self.line_before + self.typed + self.rest

    @property
    def shown(self) -> str:
        """The last words of the suggestion's first line; they are on the screen when the suggestion is."""
        return self.rest.strip("\r\n").splitlines()[0].strip()


ACCEPTED = (
    Case(
        name="end of line",
        document="def fib(n):\n    if n < 2:\n        return n\n    ‸\n",
        typed="ret",
        rest="urn fib(n - 1) + fib(n - 2)",
        after="def fib(n):\n    if n < 2:\n        return n\n    return fib(n - 1) + fib(n - 2)\n",
    ),
    Case(
        name="text after the cursor",
        document="alpha = 1\nbeta = 2\nprint(‸)\n",
        typed="al",
        rest="pha, beta",
        after="alpha = 1\nbeta = 2\nprint(alpha, beta)\n",
    ),
    Case(
        name="tabs",
        document="package main\n\nfunc main() {\n\tif ready {\n\t\t‸\n\t}\n}\n",
        typed="start",
        rest="(ready, 1)",
        after="package main\n\nfunc main() {\n\tif ready {\n\t\tstart(ready, 1)\n\t}\n}\n",
        file="main.go",
    ),
    Case(
        name="CRLF",
        document="total = 0\r\nfor item in items:\r\n    ‸\r\nprint(total)\r\n",
        typed="tot",
        rest="al += item.price",
        after="total = 0\r\nfor item in items:\r\n    total += item.price\r\nprint(total)\r\n",
    ),
    Case(
        name="emoji before the cursor",
        document='party = "🎉👩‍🚀🇪🇺"; ‸\n',
        typed="prin",
        rest="t(party)",
        after='party = "🎉👩‍🚀🇪🇺"; print(party)\n',
    ),
    Case(
        name="several lines",
        document="def area(shape):\n    ‸\n\n\nprint(1)\n",
        typed="for side in shape:",
        rest="\n        total += side\n        print(side, total)",
        after="def area(shape):\n    for side in shape:\n        total += side\n        print(side, total)\n\n\nprint(1)\n",
    ),
    Case(
        name="several lines, CRLF",
        document="def area(shape):\r\n    ‸\r\n\r\n\r\nprint(1)\r\n",
        typed="for side in shape:",
        rest="\n        total += side\n        print(side, total)",
        after="def area(shape):\r\n    for side in shape:\r\n        total += side\r\n"
        "        print(side, total)\r\n\r\n\r\nprint(1)\r\n",
    ),
)
