"""What a day of typing costs with Codestral: ``python -m tests.bench.cost`` prints a table.

The traces are replayed against the real scheduler with default settings, and the tokens of its prompts are counted. Assumed:

* A day has 5,000 edits. The busiest days of the complete recordings have 4,907 (rustcode) and 4,404 (json-crdt-patch).
* A token is three characters, and a completion has 40 tokens. The replayed ones, a line at most, have fewer.
* Mistral's list price for codestral-2508 (November 2026): 0.30 $ for a million prompt tokens, 0.90 $ for a million
  completion tokens. Cached prompt tokens cost a tenth, but only with a ``prompt_cache_key``, which fim-lsp does not send.
* A call that is aborted is charged its whole prompt.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

from tests.quality.recorded_typing import Trace, load
from tests.quality.typing_eval import Result, replay
from tests.virtual import run

EDITS_A_DAY = 5_000
COMPLETION_TOKENS = 40
PROMPT_PRICE, COMPLETION_PRICE = 0.30, 0.90  # dollars for a million tokens


@dataclass(frozen=True, slots=True)
class Day:
    """Calls and tokens of one day."""

    calls: float
    prompt_tokens: float

    @property
    def completion_tokens(self) -> float:
        return self.calls * COMPLETION_TOKENS

    @property
    def dollars(self) -> float:
        return (self.prompt_tokens * PROMPT_PRICE + self.completion_tokens * COMPLETION_PRICE) / 1e6


def day(trace: Trace) -> Day:
    """A day that is typed like a trace."""
    result: Result = run(replay(trace))
    edits = len(trace.steps)
    return Day(result.calls * EDITS_A_DAY, result.prompt_tokens / edits * EDITS_A_DAY)


def main() -> None:
    sys.stdout.write("| typing | calls | prompt tokens | completion tokens | price |\n|---|---|---|---|---|\n")
    for name in ("rustcode", "json-crdt-patch"):
        one = day(load(name))
        tokens = f"{one.prompt_tokens:,.0f} | {one.completion_tokens:,.0f}"
        sys.stdout.write(f"| {name} | {one.calls:,.0f} | {tokens} | {one.dollars:.2f} $ |\n")


if __name__ == "__main__":
    main()
