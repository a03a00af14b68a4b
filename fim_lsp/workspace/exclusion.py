"""Why a file is excluded: the rule, and where it is written."""

from __future__ import annotations

from dataclasses import dataclass

BUILT_IN = "the built-in list"
"""The source of the rules that apply without any settings."""

_MAX_RULE = 80  # characters that are shown: anybody could have written an ignore file


@dataclass(frozen=True, slots=True, kw_only=True)
class Exclusion:
    """The rule that decides about a file.

    ``source`` is the path of an ignore file, :data:`BUILT_IN`, or "the setting exclude"; ``""`` if no rule decides. ``line``
    counts from 1 in an ignore file, and is 0 otherwise. ``rule`` is the rule as it is written, ``""`` if all of ``source``
    applies to everything. ``because`` is what a user should know beyond that. ``target`` is the file that the document is a
    link to, if the rule is about that one.

    ``str()`` is a noun phrase for a sentence: ``the rule "build/" in line 3 of /w/.gitignore``.
    """

    source: str
    line: int = 0
    rule: str = ""
    because: str = ""
    target: str = ""

    def __str__(self) -> str:
        place = self.source if not self.line else f"line {self.line} of {self.source}"
        if not self.source:
            found = "the rule that what can't be judged stays here"
        elif self.rule:
            found = f'the rule "{_printable(self.rule)}" in {place}'
        else:
            found = place
        details = [self.because, f"for {self.target}, to which it is a link" if self.target else ""]
        return ", ".join([found, *filter(None, details)])


def _printable(rule: str) -> str:
    shown = "".join(char if char.isprintable() else "?" for char in rule[:_MAX_RULE])
    return shown + "…" * (len(rule) > _MAX_RULE)
