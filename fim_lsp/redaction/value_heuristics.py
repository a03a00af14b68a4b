"""Whether a literal looks like a secret: not like a placeholder or words, but random or like a password."""

from __future__ import annotations

import math
import re
from collections import Counter

_TEMPLATE = re.compile(r"\$\{|\{\{|<[^<>]*>|%[({]|%[sdr](?!\w)|\$\(|^\$\w+$|^%\w+%$|#\{|\{[\w.:!]*\}|\*{3}|\.{3}|…")
_TEMPLATE_CHARACTER = re.compile(r"[$<{%#*.…]")  # every template contains one of them; most values don't
_REPEATED = re.compile(r"(.)\1{5}|^[\W_]+$")
_EXAMPLES = (
    *"example placeholder dummy redacted replace- replace_ insert- insert_ your- your_ xxxx".split(),
    *(f"change{separator}{what}" for separator in ("", "-", "_") for what in ("me", "this", "it")),
    *"012345 123456 234567 abcdef qwerty asdfgh deadbeef foobar".split(),
)  # searched one by one, which takes a hundredth of the time of a pattern with all of them
_WORDS = re.compile(
    r"(?i)test(?:ing|er)?|pass(?:word|wd|wort|phrase|w0rd)?|p@ss(?:w0rd|word)?|pwd?|secret|s3cr3t|token|key|api|user(?:name)?"
    r"|admin|root|guest|login|auth|credentials?|default|sample|demo|fake|mock|none|null|true|false|undefined|empty|unknown"
    r"|string|value|super|very|not|some|new|old|wrong|bad|good|valid|invalid|right|my|your|the|foo|bar|baz|spam|eggs"
    r"|abc|xyz|xxx|here|access|client|private|public|bearer|basic|db|database|postgres|mysql|redis|rabbitmq|mongo"
    r"|server|service|local|host|dev|prod|staging|hello|world|random|long|short|first|second|other|hash|data"
)
_MAX_MEASURED = 128  # characters that show whether a value is random
_ONE_CASE = re.compile(r"[A-Z0-9]+|[a-f0-9]+")  # base32 and hex may rarely change kind; words don't look like them
_SEPARATORS = re.compile(r"[\W_]+")
_WORDLIKE = re.compile(r"(?:[a-z]+|[A-Z][a-z]+|[A-Z]+)\d{0,2}")
_PATH_LIKE = re.compile(
    r"^(?:[\w+.-]{1,16}:/?/|[.~]{0,2}/|[A-Za-z]:\\)|^[\w-]+(?:/[\w.-]+)+$"  # a file
    r"|^(?!.*\d.*\d)[\w-]+(?:\.[A-Za-z_][\w-]*)+$"  # a name with dots
    r"|^\d{4}-\d\d-\d\d(?:$|[T ])|^[A-Za-z_]\w*=$|^--?[A-Za-z][a-z-]*$"  # a date, an argument
)


def is_placeholder(value: str) -> bool:
    """Whether a value is no secret itself: ``${VAR}``, ``<your-key>``, ``changeme``, ``xxxx``, ``test-password-1``."""
    lowered = value.lower()
    return bool(
        len(set(value)) < min(5, len(value))
        or any(word in lowered for word in _EXAMPLES)
        or lowered.startswith("your")
        or (_TEMPLATE_CHARACTER.search(value) and _TEMPLATE.search(value))
        or _REPEATED.search(value)
        or (len(value) < 40 and _only_words(value))
    )


def _only_words(value: str) -> bool:
    """Whether a value consists of the words that examples and tests use for secrets."""
    others = _WORDS.sub("", value)
    return others != value and sum(char.isalpha() for char in others) < 4


def looks_random(value: str) -> bool:
    """Whether letters and digits alternate as in no word: their kind changes often, and few characters repeat.

    Per character, the kind changes 0.47 times in random hex, 0.44 times in base64, 0.3 times in base32, and less than
    0.2 times in names made of words.
    """
    value = value[:_MAX_MEASURED]
    changes = letters = digits = 0
    last = ""
    for char in value:
        kind = "d" if char.isdigit() else "l" if char.islower() else "u" if char.isupper() else ""
        letters += kind in ("l", "u")
        digits += kind == "d"
        if last and kind and kind != last and (last, kind) != ("u", "l"):
            changes += 1
        last = kind
    if not letters or (not digits and len(value) < 20):
        return False
    min_changes = 0.05 if len(value) >= 20 and _ONE_CASE.fullmatch(value) else 0.17
    return changes >= min_changes * (letters + digits) and _entropy(value) >= min(3.0, 0.72 * math.log2(len(value)))


def looks_made_up(value: str) -> bool:
    """Whether a person or a generator may have made a password: several kinds of characters, no identifier, no path."""
    kinds = sum(bool(re.search(kind, value)) for kind in (r"[a-z]", r"[A-Z]", r"\d", r"[^\w\s]"))
    if kinds < 2 or not re.search(r"[\d\W]", value) or _PATH_LIKE.search(value):
        return looks_random(value) and len(value) >= 12
    parts = [part for part in _SEPARATORS.split(value) if part]
    only_words = all(_WORDLIKE.fullmatch(part) and not part[-1].isdigit() for part in parts)
    separated = re.fullmatch(r"\w+(?:[-_.: ]\w+)*:?", value)  # by single characters, as in a name
    return not (only_words and separated) and not value.isdigit()


def _entropy(value: str) -> float:
    """Bits per character, from the characters' frequencies within the value (Shannon)."""
    return -sum(n / len(value) * math.log2(n / len(value)) for n in Counter(value).values())
