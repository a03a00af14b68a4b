"""Places and replies where showing anything is a nuisance, and some that only look like them. ``‸`` is the cursor."""

from __future__ import annotations

from dataclasses import dataclass

from tests.marked import split
from tests.quality.corruptions import Case
from tests.quality.recovery_judge import streamed
from tests.quality.recovery_places import Place

_SCHEMA = "https://json.schemastore.org/package.json"
_PYTHON = "import os\n\n\ndef main():\n    path = os.getcwd()\n    ‸\n    print(path)\n    return path\n"


@dataclass(frozen=True, slots=True)
class Scenario:
    """A reply that nothing should be shown of, at the cursor of ``marked``."""

    name: str
    marked: str
    reply: str
    finished: str = "stop"


def shown(scenario: Scenario) -> str:
    """What is shown of the reply; ``""`` for nothing."""
    place = Place(language="", kind="quiet", split=split(scenario.marked), middle="")
    suggestion = streamed(Case(place=place, reply=scenario.reply, finished=scenario.finished))
    return suggestion.text if suggestion else ""


def silent(scenario: Scenario) -> bool:
    """Whether nothing is shown."""
    return not shown(scenario)


def spoken(scenario: Scenario) -> bool:
    """Whether the whole reply is shown."""
    return shown(scenario) == scenario.reply


SCENARIOS = (
    Scenario("nothing", _PYTHON, ""),
    Scenario("a space", _PYTHON, " "),
    Scenario("blanks", _PYTHON, "    \t  "),
    Scenario("line breaks", _PYTHON, "\n\n\n"),
    Scenario("blanks and line breaks", _PYTHON, "\n    \r\n\t\n    "),
    Scenario("blanks, cut", _PYTHON, "\n    ", "length"),
    Scenario("a no-break space and a zero-width space", _PYTHON, "\u00a0\u200b"),
    Scenario("a byte order mark", "‸\nimport os\n", "\ufeff"),
    Scenario("the next line", _PYTHON, "print(path)"),
    Scenario("the next line, indented again", _PYTHON, "    print(path)\n"),
    Scenario("the next two lines", _PYTHON, "print(path)\n    return path\n"),
    Scenario("a line break and the next line", "x = os.getcwd()‸\nprint(x)\n", "\nprint(x)"),
    Scenario("the next line at a line's end, cut", "x = os.getcwd()‸\nprint(x)\nexit(0)\n", "\nprint(x)\nexi", "length"),
    Scenario("the next line across a blank one", "x = 1‸\n\nprint(x)\n", "\n\nprint(x)"),
    Scenario("the line above", _PYTHON, "path = os.getcwd()"),
    Scenario("the line above, indented again", _PYTHON, "    path = os.getcwd()\n"),
    Scenario("the line above, again and again", _PYTHON, "path = os.getcwd()\n    " * 12, "length"),
    Scenario("the two lines above", _PYTHON, "def main():\n    path = os.getcwd()\n"),
    Scenario("the rest of the line", "total = add(‸first, second)\n", "first, second)"),
    Scenario("the rest of the line and the next", "a = ‸b + c\nd = 1\n", "b + c\nd = 1\n"),
    Scenario("a bracket that stands there", "foo(a‸)\n", ")"),
    Scenario("brackets that stand there", "foo([a‸])\n", "])"),
    Scenario("a bracket and a semicolon that stand there", "foo(a‸);\n", ");\n"),
    Scenario("a quote that stands there", 'name = "abc‸"\n', '"'),
    Scenario("a brace that stands on the next line", "if (a) {\n  b();\n‸\n}\n", "}"),
    Scenario("a brace that stands below, with a line break", "if (a) {\n  b();‸\n}\n", "\n}"),
    Scenario("the beginning of the line", "result = compute(‸)\n", "result = compute("),
    Scenario("a fence that holds nothing", _PYTHON, "```python\n```"),
    Scenario("only the beginning of a fence", _PYTHON, "```python\n", "length"),
    Scenario("a fence alone", _PYTHON, "```"),
    Scenario("a promise", _PYTHON, "Sure, here is the code:"),
    Scenario("a promise, cut", _PYTHON, "Here's the completed code for the function:\n\n", "length"),
    Scenario("an apology", _PYTHON, "I'm sorry, but I can't help with that."),
    Scenario("a remark on the task", _PYTHON, "The code is already complete, so nothing needs to be added here."),
    Scenario("a control token", _PYTHON, "<|endoftext|>"),
    Scenario("control tokens", _PYTHON, "<|fim_middle|><|endoftext|>"),
    Scenario("Mistral's control tokens", _PYTHON, "[SUFFIX]\n    print(path)\n[PREFIX]import os"),
    Scenario("a blank and the end of a sequence", _PYTHON, " </s>"),
    Scenario("the schema once more", f'{{\n  "$schema": "{_SCHEMA}",\n  ‸\n}}\n', f'"$schema": "{_SCHEMA}",'),
    Scenario("schemas without end", "{\n  ‸\n}\n", ('"$schema": "' + _SCHEMA + '",\n  ') * 10, "length"),
    Scenario("a right-to-left override", "access = ‸\n", '"user\u202e \u2066// check\u2069 \u2066"'),
    Scenario("a bidirectional isolate in a comment", "# ‸\n", "\u2067 admins only \u2069"),
    Scenario("a null", "x = ‸\n", "\x00"),
    Scenario("an escape sequence", "x = ‸\n", "\x1b[31m\x1b[0m"),
    Scenario("replacement characters", "x = ‸\n", "\ufffd\ufffd\ufffd"),
    Scenario("one letter without end", "x = ‸\n", "a" * 480, "length"),
    Scenario("spaces without end", "x = ‸\n", " " * 480, "length"),
    Scenario("the same comment sign without end", "# ‸\n", "# " * 240, "length"),
)  # fmt: skip

TWINS = (
    Scenario("nearly the next line", _PYTHON, "print(path, sep=os.sep)"),
    Scenario("nearly the line above", _PYTHON, "path = os.path.abspath(path)"),
    Scenario("a line break and a new line", "x = os.getcwd()‸\nprint(x)\n", "\nx = x.lower()"),
    Scenario("a bracket that is missing", "foo(a‸\n", ")"),
    Scenario("a bracket that only another one follows", "foo(bar(a‸\n    )\n", ")"),
    Scenario("a brace that is missing", "if (a) {\n  b();\n‸\nc();\n", "}"),
    Scenario("a quote that is missing", "x = 'abc‸\n", "'"),
    Scenario("a sentence in a comment", "# ‸\nimport os\n", "Here is the code that reads the settings:"),
    Scenario("a promise in a string", "say(‸)\n", '"Sure, here is the code:"'),
    Scenario("an operator like a token", "let y = f ‸\n", "<| g x"),
    Scenario("a type like a token", "let x: ‸ = f();\n", "Vec<Eos>"),
    Scenario("Markdown's code in a string", "help = ‸\n", '"```python"'),
    Scenario("Hebrew and Arabic", "names = [‸]\n", '"שלום", "سلام"'),
    Scenario("an emoji of several", "icon = ‸\n", '"👩\u200d💻"'),
    Scenario("another address", f'{{\n  "$schema": "{_SCHEMA}",\n  ‸\n}}\n', '"homepage": "https://example.org"'),
    Scenario("a row like the one above", "rows = [\n    [0, 0, 1],\n    ‸\n]\n", "[0, 1, 0],"),
    Scenario("a line of signs", "# ‸\n", "-" * 40),
    Scenario("a cell of a table", "<tr>\n  <td>a</td>\n  ‸\n</tr>\n", "<td>b</td>"),
)  # fmt: skip
