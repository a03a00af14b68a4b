"""What a setting's value may be: combinators that check a value, say what is allowed, and give its JSON Schema."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Validator:
    """``accept(value)`` returns the value to use, or raises ``ValueError``; ``allowed`` completes "must be …".

    ``accept_items``, where a list may be usable in part, returns its usable entries, and the others with their positions
    from 1; position 0 stands for the whole value.
    """

    allowed: str
    schema: Mapping[str, Any]
    accept: Callable[[object], Any]
    accept_items: Callable[[object], tuple[Sequence[Any], Sequence[tuple[int, object]]]] | None = None


def _fail(value: object) -> Any:
    raise ValueError(value)


def one_of(*words: str) -> Validator:
    """One of these words."""
    listed = ", ".join(f'"{word}"' for word in words[:-1]) + f' or "{words[-1]}"' if len(words) > 1 else f'"{words[0]}"'
    return Validator(
        allowed=listed,
        schema={"enum": list(words)},
        accept=lambda value: value if isinstance(value, str) and value in words else _fail(value),
    )


def number(low: float, high: float, *, above: bool = False) -> Validator:
    """A number from ``low`` (or, with ``above``, from just over it) to ``high``."""

    def accept(value: object) -> Any:  # only compares: converting a whole number of 400 digits would overflow
        if isinstance(value, bool) or not isinstance(value, int | float):
            return _fail(value)
        return value if (value > low if above else value >= low) and value <= high else _fail(value)

    start = f"over {low:g}" if above else f"from {low:g}"
    return Validator(
        allowed=f"a number {start} to {high:g}",
        schema={"type": "number", "exclusiveMinimum" if above else "minimum": low, "maximum": high},
        accept=accept,
    )


def integer(low: int, high: int) -> Validator:
    """A whole number from ``low`` to ``high``."""
    return Validator(
        allowed=f"a whole number from {low} to {high:,}",
        schema={"type": "integer", "minimum": low, "maximum": high},
        accept=lambda value: (
            value if isinstance(value, int) and not isinstance(value, bool) and low <= value <= high else _fail(value)
        ),
    )


def text(longest: int) -> Validator:
    """A string of 1 to ``longest`` characters that UTF-8 can hold: JSON can write half a surrogate pair."""
    return Validator(
        allowed=f"a string of up to {longest:,} characters",
        schema={"type": "string", "minLength": 1, "maxLength": longest},
        accept=lambda value: (
            value if isinstance(value, str) and len(value) <= longest and value.encode() else _fail(value)
        ),
    )


def pattern(allowed: str, regex: str, test: Callable[[str], object], longest: int) -> Validator:
    """A string of up to ``longest`` characters that passes ``test``; ``regex`` says the same to a JSON Schema."""
    return Validator(
        allowed=allowed,
        schema={"type": "string", "pattern": regex, "maxLength": longest},
        accept=lambda value: (
            value if isinstance(value, str) and len(value) <= longest and test(value) else _fail(value)
        ),
    )


def boolean() -> Validator:
    """True or false."""
    return Validator(
        allowed="true or false",
        schema={"type": "boolean"},
        accept=lambda value: value if isinstance(value, bool) else _fail(value),
    )


def many(item: Validator, what: str, most: int, *, least: int = 0) -> Validator:
    """A list of ``least`` to ``most`` such items, kept as a tuple."""

    def accept(value: object) -> Any:
        if not isinstance(value, list | tuple) or not least <= len(value) <= most:
            return _fail(value)
        return tuple(item.accept(entry) for entry in value)

    fewest = {"minItems": least} if least else {}
    schema = {"type": "array", "items": dict(item.schema), **fewest, "maxItems": most}
    return Validator(allowed=what, schema=schema, accept=accept)


def _fits(text: str, longest: int) -> bool:
    return 0 < len(text) <= longest


def globs(longest: int, most: int) -> Validator:
    """A list of up to ``most`` globs of up to ``longest`` characters, or a single one. Any string is a glob.

    ``accept_items`` keeps the good entries of a list: one bad glob must not undo the others.
    """
    item = pattern("a glob", r"^[\s\S]+$", len, longest)
    several = many(item, "a list of globs in gitignore syntax", most)

    def accept(value: object) -> Any:
        return several.accept([value] if isinstance(value, str) else value)

    def accept_items(value: object) -> tuple[Sequence[Any], Sequence[tuple[int, object]]]:
        entries = [value] if isinstance(value, str) else value
        if not isinstance(entries, list | tuple) or len(entries) > most:
            return (), ((0, value),)
        bad = [
            (n, entry) for n, entry in enumerate(entries, 1) if not (isinstance(entry, str) and _fits(entry, longest))
        ]
        return tuple(entry for entry in entries if isinstance(entry, str) and _fits(entry, longest)), bad

    return Validator(
        allowed=several.allowed,
        schema={"anyOf": [dict(several.schema), dict(item.schema)]},
        accept=accept,
        accept_items=accept_items,
    )


def either(*checks: Validator) -> Validator:
    """Whatever one of these accepts."""

    def accept(value: object) -> Any:
        for check in checks:
            try:
                return check.accept(value)
            except ValueError:
                continue
        return _fail(value)

    return Validator(
        allowed=" or ".join(check.allowed for check in checks),
        schema={"anyOf": [dict(check.schema) for check in checks]},
        accept=accept,
    )


def optional(check: Validator) -> Validator:
    """The same, or null, which means "not sent" or "not set"."""
    return Validator(
        allowed=f"{check.allowed}, or null",
        schema={"anyOf": [dict(check.schema), {"type": "null"}]},
        accept=lambda value: None if value is None else check.accept(value),
    )
