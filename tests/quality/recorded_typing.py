"""Recorded typing in real files, and a model that knows at some of the places what was typed next.

The traces are from josephg/editing-traces, CC BY 4.0, by Joseph Gentle (rustcode) and Vadim Dalecky (json-crdt-patch); see
the first line of each file. Times inside a burst of rustcode, which has whole seconds only, are drawn from the milliseconds
of json-crdt-patch; pauses are cut to 1.5 s.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from fim_lsp.text.document import Document
from fim_lsp.text.positions import Encoding

TRACES = Path(__file__).parent / "traces"
KEY = 60  # characters before the cursor that identify a place
FIRST_TOKEN, PER_TOKEN = 0.25, 0.015  # seconds
WRONG = (
    "let result = self.compute(value);",
    "return Err(Error::new(index));",
    "if count > limit { break; }",
    "items.push(entry.clone());",
    "const total = values.reduce(add, 0)",
)


@dataclass(frozen=True, slots=True)
class Step:
    """One edit, ``gap`` seconds after the previous one, which leaves the cursor at ``caret``."""

    gap: float
    changes: tuple[tuple[int, int, int, int, str], ...]
    caret: tuple[int, int]

    def typed_at(self, caret: tuple[int, int]) -> str | None:
        """The string typed at ``caret``, if the step did nothing else; the same string at other cursors is allowed."""
        places = {(tuple(change[:2]), tuple(change[2:4])) for change in self.changes}
        texts = {change[4] for change in self.changes}
        only_typed = len(texts) == 1 and all(start == end for start, end in places) and (caret, caret) in places
        return texts.pop() if only_typed else None

    def apply(self, document: Document) -> None:
        """Edit a document."""
        for line, character, end_line, end_character, text in self.changes:
            document.replace((line, character), (end_line, end_character), text)


@dataclass(frozen=True, slots=True)
class Trace:
    """Steps that edit ``text``. For each step: ``keys`` identifies the place after it, ``following`` was typed there next."""

    language: str
    text: str
    steps: tuple[Step, ...]
    keys: tuple[str, ...]
    following: tuple[str, ...]

    def model(self, share: float = 0.5) -> Model:
        """A model that is right at ``share`` of the places."""
        return Model({key: text for key, text in zip(self.keys, self.following, strict=True) if text}, share)

    def visible(self, shown: Iterable[str]) -> tuple[int, int]:
        """After how many steps ghost text is visible, and is right.

        ``shown`` is what the server's answer to each step displayed before the next one. An editor keeps ghost text while
        the typing matches it. It is right if it begins with what was typed next.
        """
        visible = right = 0
        ghost, caret = "", (-1, -1)
        for step, text, following in zip(self.steps, shown, self.following, strict=True):
            typed = step.typed_at(caret)
            matches = typed is not None and ghost.startswith(typed) and len(ghost) > len(typed)
            ghost = ghost[len(typed or "") :] if matches else ""
            ghost, caret = text or ghost, step.caret
            visible += bool(ghost)
            right += is_right(ghost, following)
        return visible, right


@dataclass(frozen=True, slots=True)
class Model:
    """Completes what was really typed next at ``share`` of the places, chosen by a hash; elsewhere a plausible, wrong line."""

    answers: dict[str, str]
    share: float

    def complete(self, prefix: str) -> str:
        key = prefix[-KEY:]
        known = self.answers.get(key)
        return known if known and _number("o" + key) % 1000 / 1000 < self.share else WRONG[_number(key) % len(WRONG)]


def is_right(ghost: str, following: str) -> bool:
    """Whether ghost text begins with what was typed next."""
    if not ghost or not following:
        return False
    start = following[:4].rstrip("\n")
    return bool(start and ghost.startswith(start)) or (len(ghost) < 4 and following.startswith(ghost))


def tokens(text: str) -> list[str]:
    """A string in pieces of about the size of a model's tokens."""
    return re.findall(r"\s*\S{1,4}|\s+", text) or [""]


def load(name: str, start: int = 0, count: int | None = None) -> Trace:
    """``count`` steps of a trace, from ``start`` on."""
    head, *rows = (TRACES / f"{name}.jsonl").read_text("utf-8").split("\n")[:-1]
    info = json.loads(head)
    steps = [Step(row[0] / 1000, tuple(map(tuple, row[1])), tuple(row[2])) for row in map(json.loads, rows)]
    document = Document(info["text"], Encoding.UTF16)
    for step in steps[:start]:
        step.apply(document)
    text = "".join(document.lines)
    end = min(start + (count or info["edits"]), info["edits"])
    keys, following = [], []
    for number in range(start, end):
        steps[number].apply(document)
        keys.append(document.split(*steps[number].caret, before=KEY * 4, after=0).prefix[-KEY:])
        following.append(_typed_next(steps[number].caret, steps[number + 1 :]))
    return Trace(info["language"], text, tuple(steps[start:end]), tuple(keys), tuple(following))


def _typed_next(caret: tuple[int, int], steps: Sequence[Step]) -> str:
    """What was typed at ``caret`` up to the end of the line, or the next line where the line ends here."""
    typed = ""
    for step in steps:
        text = step.typed_at(caret)
        if text is None or len(typed) > 240:
            break
        typed, caret = typed + text, step.caret
    return typed if typed.startswith("\n") else typed[:1] + typed[1:].split("\n")[0]


def _number(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")
