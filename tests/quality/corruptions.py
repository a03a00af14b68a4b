"""What models do to a correct reply: from a place in code to the reply that a server would stream.

Each corruption is a pure function of the place and a random generator; ``None`` where it doesn't apply. It applies only
where the truth can be told in principle, from the reply and the text round the cursor:

* code that follows the hole is repeated with at least one line that has words in it, so that it can be recognised;
* other code begins with a line that is indented less than all of the hole and than what follows it, or (``new
  function``) behind a blank line at the outermost level or a bracket that closes too much; and the hole itself is
  indented and doesn't end in the middle of something. Whoever shows a block stops where it ends. At a file's
  outermost level nothing tells one more function from the answer, so those places are left out;
* a block that is moved to the left margin is told from other code only where it can't have ended: by the next line,
  which is indented at least as the hole is;
* a line break or a blank too many is one only where the line is blank or plainly unfinished;
* what was cut by its length may be shown up to any line's end.

``one more statement`` can't be told from an answer that is one statement longer: it stands in ``UNDECIDABLE``.
"""

from __future__ import annotations

import random
import re
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tests.quality.recovery_places import Place, indentation, is_code, without_prose

MAX_REPLY = 480  # characters of a reply that only its length ends, about 128 tokens
CONTROL = (
    "<|endoftext|>", "</s>", "[SUFFIX]", "[PREFIX]", "[MIDDLE]", "<|fim_suffix|>", "<fim_middle>", "<|fim_pad|>", "<EOT>",
    "<|file_sep|>", "<|im_end|>", "<｜end▁of▁sentence｜>",
)  # fmt: skip
FUNCTIONS: Mapping[str, str] = {
    "python": "def other(value):\n    return value + 1\n",
    "javascript": "function other(value) {\n  return value + 1;\n}\n",
    "typescript": "export function other(value: number): number {\n  return value + 1;\n}\n",
    "rust": "fn other(value: u32) -> u32 {\n    value + 1\n}\n",
    "go": "func other(value int) int {\n\treturn value + 1\n}\n",
    "c": "static int other(int value) {\n  return value + 1;\n}\n",
}
STATEMENTS: Mapping[str, str] = {
    "python": "other = value + 1",
    "javascript": "other = value + 1;",
    "typescript": "other = value + 1;",
    "rust": "other = value + 1;",
    "go": "other = value + 1",
    "c": "other = value + 1;",
}
TAGS: Mapping[str, str] = {
    "python": "python",
    "javascript": "js",
    "typescript": "ts",
    "rust": "rust",
    "go": "go",
    "c": "c",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A reply at a place, and the finish reason that it ends with."""

    place: Place
    reply: str
    finished: str = "stop"


Corruption = Callable[[Place, random.Random], Case | None]


def _words(text: str) -> bool:
    return bool(re.search(r"[^\W\d_]{3}", text))


def _depth(place: Place) -> int:
    """The least indentation of the hole's lines, the cursor's own among them if code begins there."""
    first, *more = place.middle.split("\n")
    depths = [len(indentation(line)) for line in more if line.strip()]
    return min([len(place.indent), *depths] if first.strip() else depths)


def _next_depth(place: Place) -> int:
    """The indentation of the next line of code below."""
    return next((len(indentation(line)) for line in place.below if line.strip()), 0)


def clean(place: Place, chance: random.Random) -> Case:
    """The answer itself."""
    return Case(place=place, reply=place.middle)


def goes_on(place: Place, chance: random.Random) -> Case | None:
    """Past its end with the code that really follows: the line's rest and one to four further lines."""
    lines = place.split.suffix.split("\n")[: 1 + chance.randint(1, 4)]
    return _followed(place, "\n".join(lines))


def repeats_the_next_line(place: Place, chance: random.Random) -> Case | None:
    """Past its end with the line's rest, or with the next line that isn't blank if there is none."""
    rest = place.split.line_suffix
    if rest.strip():
        return _followed(place, rest)
    found = re.match(r"\s*?\n(?:[ \t]*\n)*[^\n]*\S", place.split.suffix)
    return _followed(place, found[0]) if found else None


def _followed(place: Place, code: str) -> Case | None:
    return Case(place=place, reply=place.middle + code) if _words(code) else None


def new_function(place: Place, chance: random.Random) -> Case | None:
    """Past its end with a function of its own: closing brackets where the language has them, a blank line, a definition."""
    depth = _depth(place)
    if not depth or _unfinished(place):
        return None
    closers = "" if place.language == "python" else f"\n{place.indent[: depth // 2]}}}"
    whole = _closed(place) or place.middle + closers
    outer = 0 if place.language == "python" else chance.choice([0, depth // 2])
    function = textwrap.indent(FUNCTIONS[place.language], place.indent[:outer])
    return Case(place=place, reply=f"{whole}\n\n{function}", finished=chance.choice(["stop", "length"]))


def _unfinished(place: Place) -> bool:
    """Whether the hole's last line opens a block or asks for more, so that what comes next may well belong to it."""
    return not place.split.line_suffix.strip() and place.middle.rstrip().endswith(
        ("{", "(", "[", ":", ",", "=", "&&", "||", "+", ".", "and", "or")
    )


def _closed(place: Place) -> str:
    """Of a hole between braces, the hole and the closing one; else nothing."""
    return place.middle + place.split.suffix[0] if _ends_blank(place) else ""


def _ends_blank(place: Place) -> bool:
    """Whether the hole ends with the indentation of what stands behind it."""
    return "\n" in place.middle and not place.middle.rpartition("\n")[2].strip()


def other_code(place: Place, chance: random.Random) -> Case | None:
    """Past its end with lines from elsewhere in the file that stand further left, and further left than what follows."""
    lines = without_prose(place.split.prefix.split("\n")[:-1])
    depth = min(_depth(place), _next_depth(place) or _depth(place))
    starts = [i for i, line in enumerate(lines[:-3]) if is_code(line) and len(indentation(line)) < depth]
    if not starts or _unfinished(place):
        return None
    start = chance.choice(starts)
    return Case(
        place=place, reply="\n".join([_closed(place) or place.middle, *lines[start : start + 4]]), finished="length"
    )


def one_more_statement(place: Place, chance: random.Random) -> Case | None:
    """Past its end with a statement at the same indentation, then with one further left."""
    if not _depth(place) or place.split.line_suffix.strip():
        return None
    last = indentation(place.middle[place.middle.rfind("\n") + 1 :]) if "\n" in place.middle else place.indent
    statement = STATEMENTS[place.language]
    return Case(place=place, reply=f"{place.middle}\n{last}{statement}\n{last[: len(last) // 2]}{statement}\n")


def fenced(place: Place, chance: random.Random) -> Case:
    """In a Markdown fence, with the language's name or without."""
    tag = chance.choice([TAGS[place.language], ""])
    return Case(place=place, reply=f"```{tag}\n{place.middle}\n```" + chance.choice(["", "\n"]))


def fenced_in_talk(place: Place, chance: random.Random) -> Case:
    """In a Markdown fence with a sentence before it, and sometimes one behind."""
    before = chance.choice(["Here is the missing code:", "Sure! You can complete it like this:", "The code would be:"])
    behind = chance.choice(["", "\n\nThis completes the code between the prefix and the suffix."])
    return Case(place=place, reply=f"{before}\n\n```{TAGS[place.language]}\n{place.middle}\n```{behind}")


def to_the_margin(place: Place, chance: random.Random) -> Case | None:
    """All lines but the cursor's moved to the left margin; none was further left than the cursor."""
    depth = _depth(place)
    if (
        place.split.line_prefix.strip()
        or "\n" not in place.middle
        or not 0 < len(place.indent) == depth <= _next_depth(place)
    ):
        return None
    first, *more = place.middle.split("\n")
    return Case(place=place, reply="\n".join([first, *(line[depth:] for line in more)]))


def indentation_again(place: Place, chance: random.Random) -> Case | None:
    """With the indentation that the cursor stands behind already."""
    if place.split.line_prefix.strip() or not place.indent:
        return None
    return Case(place=place, reply=place.indent + place.middle)


def deeper(place: Place, chance: random.Random) -> Case | None:
    """All lines one level deeper; the first has that much more whitespace after the cursor."""
    if place.split.line_prefix.strip() or not place.indent:
        return None
    level = "\t" if place.indent[0] == "\t" else " " * (2 if len(place.indent) % 4 else 4)
    return Case(place=place, reply=textwrap.indent(place.middle, level))


def other_blanks(place: Place, chance: random.Random) -> Case | None:
    """Indented with a tab a level where the file has spaces, and with four spaces where it has tabs."""
    whole = place.split.prefix + place.middle + place.split.suffix
    widths = {len(found) for found in re.findall(r"(?m)^ +(?=\w)", whole)}
    if re.search(r"(?m)^\t", whole):
        reply = re.sub(r"(?<=\n)\t+", lambda found: "    " * len(found[0]), place.middle)
        mixed = bool(widths)
    else:
        level = 4 if widths and min(widths) >= 4 else 2
        inside = re.findall(r"(?<=\n) +(?=\S)", place.middle)
        reply = re.sub(r"(?<=\n) +", lambda found: "\t" * (len(found[0]) // level), place.middle)
        mixed = any(len(blanks) % level for blanks in inside)
    return None if reply == place.middle or mixed else Case(place=place, reply=reply)


def line_break_first(place: Place, chance: random.Random) -> Case | None:
    """A line break first, sometimes with the indentation again; where the line is blank or plainly unfinished."""
    typed = place.split.line_prefix
    complete = typed.strip() and not typed.rstrip().endswith(("=", ",", "&&", "||"))
    if place.middle[0].isspace() or complete:
        return None
    return Case(place=place, reply="\n" + chance.choice(["", place.indent]) + place.middle)


def blank_first(place: Place, chance: random.Random) -> Case | None:
    """A space first, behind one or in an empty line."""
    if place.middle[0].isspace() or place.split.line_prefix[-1:].strip():
        return None
    return Case(place=place, reply=" " + place.middle)


def cut_in_the_last_line(place: Place, chance: random.Random) -> Case | None:
    """Cut by its length inside of the last line."""
    return _cut(place, place.middle.rstrip().rfind("\n") + 1, chance)


def cut_anywhere(place: Place, chance: random.Random) -> Case | None:
    """Cut by its length, anywhere but at a line's end."""
    return _cut(place, 0, chance)


def _cut(place: Place, least: int, chance: random.Random) -> Case | None:
    middle = place.middle.rstrip()
    inside = [at for at in range(least + 1, len(middle)) if middle[at - 1].strip() and middle[at] != "\n"]
    return Case(place=place, reply=middle[: chance.choice(inside)], finished="length") if inside else None


def loops(place: Place, chance: random.Random) -> Case | None:
    """The last lines again and again, until the length ends it; the last of them is cut."""
    if place.split.line_suffix.strip():
        return None
    lines = (place.split.line_prefix + place.middle).split("\n")
    again = "\n" + "\n".join(lines[-chance.randint(1, 2) :])
    if not _words(again):
        return None
    length = max(MAX_REPLY, len(place.middle) + 6 * len(again)) - chance.randrange(1, len(again))
    return Case(place=place, reply=(place.middle + again * MAX_REPLY)[:length], finished="length")


def echoes_the_line(place: Place, chance: random.Random) -> Case | None:
    """The beginning of the cursor's line again, with its indentation or without."""
    typed = place.split.line_prefix
    if len(typed.strip()) < 4 or not _words(typed):
        return None
    return Case(place=place, reply=chance.choice([typed, typed.lstrip()]) + place.middle)


def echoes_the_line_above(place: Place, chance: random.Random) -> Case | None:
    """The last line above again, where the cursor's is blank."""
    above = place.split.prefix.rstrip().rpartition("\n")[2]
    if place.split.line_prefix.strip() or not _words(above):
        return None
    return Case(place=place, reply=f"{above.strip()}\n{place.indent}{place.middle}")


def trailing_blanks(place: Place, chance: random.Random) -> Case | None:
    """Blanks and line breaks at the end, where no code follows them on the line, and no closing bracket on its own."""
    if _ends_blank(place) or not re.match(r"\s*(?:[)\]};,]|\Z)", place.split.line_suffix):
        return None
    return Case(place=place, reply=place.middle + chance.choice(["  ", "   \n", "\n\n", " \n\n  \n", "\n\n\n\n"]))


def control_tokens(place: Place, chance: random.Random) -> Case:
    """A control token at the end, sometimes with something behind it."""
    return Case(
        place=place, reply=place.middle + chance.choice(CONTROL) + chance.choice(["", "\n", "def x(): pass", " "])
    )


def carriage_returns(place: Place, chance: random.Random) -> Case:
    r"""``\r\n`` in a file of ``\n``, with the line end that follows."""
    return Case(place=place, reply=(place.middle + _line_end(place, chance)).replace("\n", "\r\n"))


def no_carriage_returns(place: Place, chance: random.Random) -> Case:
    r"""``\n`` in a file of ``\r\n``, with the line end that follows."""
    return Case(place=place.with_line_end("\r\n"), reply=place.middle + _line_end(place, chance))


def _line_end(place: Place, chance: random.Random) -> str:
    return "" if _ends_blank(place) else chance.choice(["", "\n"])


def closers_again(place: Place, chance: random.Random) -> Case | None:
    """With the closing brackets, quotes and punctuation that are already after the cursor, or the first of them."""
    found = re.match(r"[)\]}\"'`>]+[;:,]?", place.split.line_suffix)
    return Case(place=place, reply=place.middle + chance.choice([found[0], found[0][0]])) if found else None


def thinks_first(place: Place, chance: random.Random) -> Case:
    """Behind a thought, as models that reason write it."""
    opening, closing = chance.choice([("<think>", "</think>"), ("<thinking>", "</thinking>"), ("[THINK]", "[/THINK]")])
    gap = chance.choice(["", "\n", "\n\n"]) if place.middle[0].strip() else ""
    return Case(place=place, reply=f"{opening}\nThe rest of the code is missing.\n{closing}{gap}{place.middle}")


def fenced_with_a_name(place: Place, chance: random.Random) -> Case:
    """In a Markdown fence with more words behind the language."""
    words = chance.choice(["main", 'title="main"', "{1,3}", "filename=main.txt"])
    return Case(place=place, reply=f"```{TAGS[place.language]} {words}\n{place.middle}\n```")


def blanks_at_line_ends(place: Place, chance: random.Random) -> Case | None:
    """With blanks at the ends of some lines inside."""
    if "\n" not in place.middle or _ends_blank(place):
        return None
    lines = place.middle.split("\n")
    return Case(place=place, reply="\n".join(line + chance.choice(["", " ", "  "]) if line else line for line in lines))


def closed_without_a_line_end(place: Place, chance: random.Random) -> Case | None:
    """Past its end with the closing line below, where a block is indented under it; nothing behind that."""
    closer = next((line for line in place.below if line.strip()), "")
    if place.split.line_suffix.strip() or not re.fullmatch(r"[ \t]*[)\]}]+[;,]?", closer) or _unfinished(place):
        return None
    return Case(place=place, reply=f"{place.middle}\n{closer}") if len(indentation(closer)) < _depth(place) else None


CORRUPTIONS: Mapping[str, Corruption] = {
    "clean": clean,
    "goes on with what follows": goes_on,
    "repeats the next line": repeats_the_next_line,
    "goes on: new function": new_function,
    "goes on: other code": other_code,
    "fenced": fenced,
    "fenced, with talk": fenced_in_talk,
    "moved to the margin": to_the_margin,
    "indentation again": indentation_again,
    "a level deeper": deeper,
    "tabs and spaces changed": other_blanks,
    "line break first": line_break_first,
    "blank first": blank_first,
    "cut in the last line": cut_in_the_last_line,
    "cut anywhere": cut_anywhere,
    "loops": loops,
    "echoes the line": echoes_the_line,
    "echoes the line above": echoes_the_line_above,
    "trailing blanks": trailing_blanks,
    "control tokens": control_tokens,
    "CRLF into LF": carriage_returns,
    "LF into CRLF": no_carriage_returns,
    "closers again": closers_again,
    "thinks first": thinks_first,
    "fenced, with a name": fenced_with_a_name,
    "blanks at line ends": blanks_at_line_ends,
    "closed again": closed_without_a_line_end,
}
UNDECIDABLE: Mapping[str, Corruption] = {"one more statement": one_more_statement}
