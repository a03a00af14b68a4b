"""What is offered at a cursor, and what isn't."""

import pytest

from fim_lsp.ngram.candidates import CHAIN_STEPS, SHAPE_STEPS
from fim_lsp.ngram.generate import MAX_LINE_TOKENS, Step
from fim_lsp.ngram.model import NgramModel
from fim_lsp.ngram.predict import (
    HOPELESS,
    MAX_LINES,
    MIN_FURTHER_CONFIDENCE,
    MIN_PIECE_CONFIDENCE,
    MIN_WHOLE_CONFIDENCE,
    fit,
    piece_confidence,
    predict,
    whole_confidence,
)
from tests.ngram.marked import ask, text_of

CLIENTS = """\
first = Client(host, port, timeout=10)
second = Client(host, port, timeout=10)
third = Client(host, port, timeout=10)
"""
BLOCK = """\
    try:
        value = compute(first, second)
    except ValueError:
        return None
    log.debug("done")

"""


@pytest.mark.parametrize(
    ("text", "offered"),
    [
        (CLIENTS + "fourth = Client(‸\n", "host, port, timeout=10)"),
        (CLIENTS + "fourth = Client(‸)\n", "host, port, timeout=10"),
        (CLIENTS + "fourth = Cli‸\n", "ent(host, port, timeout=10)"),
        (CLIENTS + "fourth = Client(host, ‸, timeout=10)\n", "port"),
        (CLIENTS + "fourth = ‸\n", "Client(host, port, timeout=10)"),
        (CLIENTS + "fourth = Client(host, port, timeout=10)‸\n", ""),
        ("self.host = host\nself.path = path\nself.user = user\nself.password =‸\n", " password"),
        ("", ""),
    ],
)
def test_one_line(text: str, offered: str) -> None:
    text = text or "‸"
    assert text_of(ask(text, lines=1)) == offered


def test_further_lines_while_sure() -> None:
    offer = ask(BLOCK * 5 + "    try:\n        value = ‸")
    assert text_of(offer).startswith("compute(first, second)\n    except ValueError:\n        return None")
    assert 2 <= text_of(offer).count("\n") + 1 <= MAX_LINES


def test_further_lines_have_the_documents_ends() -> None:
    offer = ask((BLOCK * 5 + "    try:\n        value = ‸\n").replace("\n", "\r\n"))
    assert "\r\n    except ValueError:" in text_of(offer)
    assert "\n" not in text_of(offer).replace("\r\n", "")


def test_further_lines_have_the_documents_tabs() -> None:
    block = BLOCK.replace("    ", "\t")
    offer = ask(block * 5 + "\ttry:\n\t\tvalue = ‸")
    assert "compute(first, second)\n\texcept ValueError:\n\t\treturn None" in text_of(offer)


def test_the_next_line_is_not_offered_again() -> None:
    assert text_of(ask(CLIENTS + "third = ‸\nthird = Client(host, port, timeout=10)\n")) == ""
    offer = ask(BLOCK * 5 + "    try:\n        value = ‸\n    except ValueError:\n        return None\n")
    assert text_of(offer) == "compute(first, second)"


def test_the_line_being_typed_is_not_its_own_precedent() -> None:
    assert ask("alpha beta gamma delta\nsomething else\nalpha‸ omega\n") is None or "omega" not in text_of(
        ask("something else\nalpha‸ omega\n")
    )
    assert ask("first.unheard_of‸(argument)\n") is None
    assert ask("x = unheard_of_thing\ny = ‸unheard_of_other\n") is None


def test_nothing_known_nothing_offered() -> None:
    assert ask("‸") is None
    assert ask("completely new words here ‸") is None


def test_other_open_documents_are_known() -> None:
    assert text_of(ask("fourth = Client(‸", others=[CLIENTS])) == "host, port, timeout=10)"


def test_the_same_state_gives_the_same_answer() -> None:
    assert len({ask(CLIENTS + "fourth = ‸") for _ in range(3)}) == 1


def test_the_cost_is_bounded() -> None:
    model = NgramModel(index_bits=12)
    lines = [f"    value_{i % 7} = self.compute(first, second, {i})\n" for i in range(5000)]
    model.open("u", lines, folder="")
    model.add_lines("f", lines, folder="")
    offer = predict(model, "u", "    value_3 = ", "")
    assert offer is not None
    a_step = 2 * (sum(CHAIN_STEPS) + SHAPE_STEPS)
    assert 0 < offer.examined <= a_step * (MAX_LINE_TOKENS + 1) * MAX_LINES


@pytest.mark.parametrize(
    ("guess", "rest", "kept"),
    [
        (["a", ",", " b", ")"], ")", "a, b"),
        (["a", ",", " b", ")"], "  ", "a, b)"),
        (["f", "(", "a", ")", ")", ":"], "):", "f(a)"),
        (["f", "(", "a", ")", ")", ":"], ")", "f(a)"),
        (["word", '"', ")"], '")', "word"),
        (["a", " +", " b"], "* c", None),
    ],
)
def test_what_follows_on_the_line_is_kept_once(guess: list[str], rest: str, kept: str | None) -> None:
    steps = fit([Step(text=text, probability=1.0) for text in guess], rest)
    assert (None if steps is None else "".join(step.text for step in steps)) == kept


@pytest.mark.parametrize("window", [100, 5000])
def test_a_very_long_line_is_not_its_own_precedent(window: int) -> None:
    line = "value, " + "alpha beta, " * 20 + "gamma delta" + ", word" * 2000
    at = line.index("gamma") + len("gamma")
    model = NgramModel(index_bits=12)
    model.open("u", ["first\n", line + "\n"], folder="")
    offer = predict(model, "u", ("first\n" + line[:at])[-window:], line[at : at + window])
    assert text_of(offer).strip() != "delta"


def test_a_guess_is_given_up_only_where_nothing_would_be_offered() -> None:
    assert whole_confidence(HOPELESS) < min(MIN_WHOLE_CONFIDENCE, MIN_FURTHER_CONFIDENCE)
    assert piece_confidence(HOPELESS) < MIN_PIECE_CONFIDENCE


def test_confidence_grows_with_the_product() -> None:
    for measure in (whole_confidence, piece_confidence):
        values = [measure(step / 100) for step in range(101)]
        assert values == sorted(values)
        assert (values[0], values[-1]) == (0.0, 1.0)
