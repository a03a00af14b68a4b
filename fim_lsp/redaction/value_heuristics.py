"""Whether a literal looks like a secret: not a placeholder, not words, but random or made like a password."""

from __future__ import annotations

import math
import re
from collections import Counter

_TEMPLATE = re.compile(r"\$\{|\{\{|<[^<>]*>|%[({]|%[sdr](?!\w)|\$\(|^\$\w+$|^%\w+%$|#\{|\{[\w.:!]*\}|\*{3}|\.{3}|…")
_TEMPLATE_SIGN = re.compile(r"[$<{%#*.…]")  # one of these is in every template; most values have none
_REPEATED = re.compile(r"(.)\1{5}|^[\W_]+$")
_NOT_ONES_OWN = (
    *"example placeholder dummy redacted replace- replace_ insert- insert_ your- your_ xxxx".split(),
    *(f"change{sign}{what}" for sign in ("", "-", "_") for what in ("me", "this", "it")),
    *"012345 123456 234567 abcdef qwerty asdfgh deadbeef foobar".split(),
)  # looked for one by one, which costs a hundredth of a pattern of all of them
_WORDS = re.compile(
    r"(?i)test(?:ing|er)?|pass(?:word|wd|wort|phrase|w0rd)?|p@ss(?:w0rd|word)?|pwd?|secret|s3cr3t|token|key|api|user(?:name)?"
    r"|admin|root|guest|login|auth|credentials?|default|sample|demo|fake|mock|none|null|true|false|undefined|empty|unknown"
    r"|string|value|super|very|not|some|new|old|wrong|bad|good|valid|invalid|right|my|your|the|foo|bar|baz|spam|eggs"
    r"|abc|xyz|xxx|here|access|client|private|public|bearer|basic|db|database|postgres|mysql|redis|rabbitmq|mongo"
    r"|server|service|local|host|dev|prod|staging|hello|world|random|long|short|first|second|other|hash|data"
)
_MEASURED = 128  # characters of it that show whether it is random
_ONE_CASE = re.compile(r"[A-Z0-9]+|[a-f0-9]+")  # base32 and hex change seldom now and then; words don't look like them
_SEPARATORS = re.compile(r"[\W_]+")
_WORDLIKE = re.compile(r"(?:[a-z]+|[A-Z][a-z]+|[A-Z]+)\d{0,2}")
_LIKE_PATH = re.compile(
    r"^(?:[\w+.-]{1,16}:/?/|[.~]{0,2}/|[A-Za-z]:\\)|^[\w-]+(?:/[\w.-]+)+$"  # a file
    r"|^(?!.*\d.*\d)[\w-]+(?:\.[A-Za-z_][\w-]*)+$"  # a name with dots
    r"|^\d{4}-\d\d-\d\d(?:$|[T ])|^[A-Za-z_]\w*=$|^--?[A-Za-z][a-z-]*$"  # a date, an argument
)


def is_placeholder(value: str) -> bool:
    """A value that stands for another: ``${VAR}``, ``<your-key>``, ``changeme``, ``xxxx``, ``test-password-1``."""
    lowered = value.lower()
    return bool(
        len(set(value)) < min(5, len(value))
        or any(word in lowered for word in _NOT_ONES_OWN)
        or lowered.startswith("your")
        or (_TEMPLATE_SIGN.search(value) and _TEMPLATE.search(value))
        or _REPEATED.search(value)
        or (len(value) < 40 and _only_words(value))
    )


def _only_words(value: str) -> bool:
    """Hardly a letter is left without the words that stand for secrets in examples and tests."""
    rest = _WORDS.sub("", value)
    return rest != value and sum(char.isalpha() for char in rest) < 4


def looks_random(value: str) -> bool:
    """Letters and digits in no order that a word has: characters change their kind often, and few of them repeat.

    Per character, random hex changes between letter and digit 0.47 times, base64 from one kind to another 0.44 times,
    base32 0.3 times; names made of words do it less than 0.2 times.
    """
    value = value[:_MEASURED]
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
    least = 0.05 if len(value) >= 20 and _ONE_CASE.fullmatch(value) else 0.17
    return changes >= least * (letters + digits) and _entropy(value) >= min(3.0, 0.72 * math.log2(len(value)))


def looks_made_up(value: str) -> bool:
    """What a person or a generator makes as a password: several kinds of characters, and not an identifier or a path."""
    kinds = sum(bool(re.search(kind, value)) for kind in (r"[a-z]", r"[A-Z]", r"\d", r"[^\w\s]"))
    if kinds < 2 or not re.search(r"[\d\W]", value) or _LIKE_PATH.search(value):
        return looks_random(value) and len(value) >= 12
    parts = [part for part in _SEPARATORS.split(value) if part]
    plain = all(_WORDLIKE.fullmatch(part) and not part[-1].isdigit() for part in parts)
    tidy = re.fullmatch(r"\w+(?:[-_.: ]\w+)*:?", value)  # words between single separators: a name, not a password
    return not (plain and tidy) and not value.isdigit()


def _entropy(value: str) -> float:
    """Bits a character, by the characters' frequencies within the value (Shannon)."""
    return -sum(n / len(value) * math.log2(n / len(value)) for n in Counter(value).values())
