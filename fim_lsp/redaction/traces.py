"""What a reply shows of placeholders besides whole ones: parts of them, or in lower case. That is never to be shown."""

from __future__ import annotations

import string
from collections.abc import Mapping
from itertools import accumulate
from types import MappingProxyType
from typing import Final

_RUN = 12  # characters of a placeholder in a row stand in no text by chance
_OWN = 6  # of them are the placeholder's own; the others, a vendor's head say, are the secret's too
_LOWER: Final = MappingProxyType(str.maketrans(string.ascii_uppercase, string.ascii_lowercase))


class Traces:
    """Finds runs of the placeholders of ``secrets``, in whatever case."""

    def __init__(self, secrets: Mapping[str, str]) -> None:
        self._runs: set[str] = set()
        told = []
        for placeholder, secret in secrets.items():
            lowered = placeholder.translate(_LOWER)
            own = [0, *accumulate(one != other for one, other in zip(placeholder, secret, strict=False))]
            at = [n for n, (one, other) in enumerate(zip(own, own[_RUN:], strict=False)) if other - one >= _OWN]
            self._runs.update(lowered[n : n + _RUN] for n in at)
            told += [lowered] * bool(at)
        self._told = "\0".join(told)

    def first(self, text: str) -> int:
        """Where the first run begins, the text's length if there is none."""
        if not self._runs:
            return len(text)
        lowered = text.translate(_LOWER)
        return next((n for n in range(len(text) - _RUN + 1) if lowered[n : n + _RUN] in self._runs), len(text))

    def end(self, text: str) -> int:
        """Where the end of a text begins that may become a run when more comes."""
        lowered = text[-_RUN + 1 :].translate(_LOWER).rpartition("\0")[2] if self._told else ""
        start = len(text) - len(lowered)
        return next((start + n for n in range(len(lowered)) if lowered[n:] in self._told), len(text))
