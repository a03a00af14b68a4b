"""Validators for settings. Each checks a value, describes what is allowed, and provides its JSON Schema."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

Value = TypeVar("Value", covariant=True)


class FrozenMapping(Mapping[str, Value]):
    """A mapping that can't be changed, with a hash: the value of a setting that is a table."""

    __slots__ = ("_entries",)

    def __init__(self, entries: Mapping[str, Value] | None = None) -> None:
        self._entries = dict(entries or {})

    def __getitem__(self, name: str) -> Value:
        return self._entries[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def __hash__(self) -> int:
        return hash(frozenset(self._entries.items()))

    def __repr__(self) -> str:
        return repr(self._entries)


@dataclass(frozen=True, slots=True, kw_only=True)
class TableRules:
    """How a table is merged entry by entry.

    ``accept_entries`` returns the usable entries and the others, each with its name; ``""`` means the whole value.
    ``allowed`` completes "must be …" for one entry.
    """

    allowed: str
    accept_entries: Callable[[object], tuple[Mapping[str, Any], Sequence[tuple[str, object]]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Validator:
    """``accept(value)`` returns the value to use, or raises ``ValueError``; ``allowed`` completes "must be …".

    ``accept_items`` is set where a list may be partly usable. It returns the usable entries and the others, each with its
    position from 1; position 0 means the whole value. ``table`` is set for tables.
    """

    allowed: str
    schema: Mapping[str, Any]
    accept: Callable[[object], Any]
    accept_items: Callable[[object], tuple[Sequence[Any], Sequence[tuple[int, object]]]] | None = None
    table: TableRules | None = None


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
    """A number from ``low`` to ``high``, or greater than ``low`` if ``above`` is set."""

    def accept(value: object) -> Any:  # compares only: float() overflows for an integer of 400 digits
        if isinstance(value, bool) or not isinstance(value, int | float):
            return _fail(value)
        return value if (value > low if above else value >= low) and value <= high else _fail(value)

    start = f"greater than {low:g} and up" if above else f"from {low:g}"
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


def text(max_length: int) -> Validator:
    """A string of 1 to ``max_length`` characters that UTF-8 can encode: JSON may contain half a surrogate pair."""
    return Validator(
        allowed=f"a string of up to {max_length:,} characters",
        schema={"type": "string", "minLength": 1, "maxLength": max_length},
        accept=lambda value: (
            value if isinstance(value, str) and len(value) <= max_length and value.encode() else _fail(value)
        ),
    )


def pattern(allowed: str, regex: str, test: Callable[[str], object], max_length: int) -> Validator:
    """A string of up to ``max_length`` characters that passes ``test``; ``regex`` is the same test for the JSON Schema."""
    return Validator(
        allowed=allowed,
        schema={"type": "string", "pattern": regex, "maxLength": max_length},
        accept=lambda value: (
            value if isinstance(value, str) and len(value) <= max_length and test(value) else _fail(value)
        ),
    )


def boolean() -> Validator:
    """True or false."""
    return Validator(
        allowed="true or false",
        schema={"type": "boolean"},
        accept=lambda value: value if isinstance(value, bool) else _fail(value),
    )


def list_of(item: Validator, allowed: str, max_items: int, *, min_items: int = 0) -> Validator:
    """A list of ``min_items`` to ``max_items`` such items, kept as a tuple."""

    def accept(value: object) -> Any:
        if not isinstance(value, list | tuple) or not min_items <= len(value) <= max_items:
            return _fail(value)
        return tuple(item.accept(entry) for entry in value)

    minimum = {"minItems": min_items} if min_items else {}
    schema = {"type": "array", "items": dict(item.schema), **minimum, "maxItems": max_items}
    return Validator(allowed=allowed, schema=schema, accept=accept)


def globs(max_length: int, max_items: int) -> Validator:
    """A single glob or a list of up to ``max_items``. Any string of up to ``max_length`` characters is a glob.

    ``accept_items`` keeps the valid entries of a list: an invalid glob must not disable the others.
    """
    item = pattern("a glob", r"^[\s\S]+$", len, max_length)
    items = list_of(item, "a list of globs in gitignore syntax", max_items)

    def is_glob(entry: object) -> bool:
        return isinstance(entry, str) and 0 < len(entry) <= max_length

    def accept(value: object) -> Any:
        return items.accept([value] if isinstance(value, str) else value)

    def accept_items(value: object) -> tuple[Sequence[Any], Sequence[tuple[int, object]]]:
        entries = [value] if isinstance(value, str) else value
        if not isinstance(entries, list | tuple) or len(entries) > max_items:
            return (), ((0, value),)
        bad = [(position, entry) for position, entry in enumerate(entries, 1) if not is_glob(entry)]
        return tuple(entry for entry in entries if is_glob(entry)), bad

    return Validator(
        allowed=items.allowed,
        schema={"anyOf": [dict(items.schema), dict(item.schema)]},
        accept=accept,
        accept_items=accept_items,
    )


def table_of(
    item: Validator,
    allowed: str,
    max_items: int,
    *,
    max_name: int,
    canonical: Callable[[str], str] = lambda name: name,
) -> Validator:
    """A table of up to ``max_items`` such entries, kept as a :class:`FrozenMapping`. ``canonical`` unifies the names that
    mean the same; if they disagree, the smaller value (false) applies.
    """
    name_of = text(max_name)

    def accept_entries(value: object) -> tuple[Mapping[str, Any], Sequence[tuple[str, object]]]:
        if not isinstance(value, Mapping) or len(value) > max_items:
            return {}, (("", value),)
        entries: dict[str, Any] = {}
        bad: list[tuple[str, object]] = []
        for name, given in value.items():
            try:
                accepted, known = item.accept(given), canonical(name_of.accept(name))
            except ValueError:
                bad.append((str(name) or '""', given))
                continue
            entries[known] = min(entries.get(known, accepted), accepted)
        return entries, bad

    def accept(value: object) -> Any:
        entries, bad = accept_entries(value)
        return _fail(value) if bad else FrozenMapping(entries)

    return Validator(
        allowed=allowed,
        schema={
            "type": "object",
            "additionalProperties": dict(item.schema),
            "propertyNames": {"minLength": 1, "maxLength": max_name},
            "maxProperties": max_items,
        },
        accept=accept,
        table=TableRules(allowed=item.allowed, accept_entries=accept_entries),
    )


def any_of(*validators: Validator) -> Validator:
    """A value that at least one of these accepts."""

    def accept(value: object) -> Any:
        for validator in validators:
            try:
                return validator.accept(value)
            except ValueError:
                continue
        return _fail(value)

    return Validator(
        allowed=" or ".join(validator.allowed for validator in validators),
        schema={"anyOf": [dict(validator.schema) for validator in validators]},
        accept=accept,
    )


def optional(validator: Validator) -> Validator:
    """The same or null, which means "not sent" or "not set"."""
    return Validator(
        allowed=f"{validator.allowed}, or null",
        schema={"anyOf": [dict(validator.schema), {"type": "null"}]},
        accept=lambda value: None if value is None else validator.accept(value),
    )
