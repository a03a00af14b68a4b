"""An index as bytes and back: the same predictions, and whatever the bytes are, an error or an index that can be used."""

from __future__ import annotations

import hashlib
import threading
from array import array
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fim_lsp.ngram import index_image
from fim_lsp.ngram.held_files import HeldFiles
from fim_lsp.ngram.index_image import TABLE_BYTES, DamagedImage, IndexImage, are_within, decode, encode
from fim_lsp.ngram.model import NgramModel
from fim_lsp.ngram.predict import Offer, predict
from fim_lsp.ngram.token_store import Run
from fim_lsp.ngram.vocabulary import RESERVED
from tests.ngram.marked import LINE, chains_hold_every_position, tokens

BITS = 8
SMALL, LARGE = 8, 4
"""Sizes of tables with which an image of few tokens has none, and has them."""

FILES = st.lists(st.lists(LINE, min_size=1, max_size=8), min_size=1, max_size=5)


def nothing() -> None:
    """No pause."""


def always() -> bool:
    return True


def path_of(number: int) -> Path:
    return Path(f"/w/{number % 2}/{number}.py")


def held(files: list[list[str]], model: NgramModel) -> HeldFiles:
    made = HeldFiles(threading.Lock())
    for number, lines in enumerate(files):
        made.add(model, path_of(number), lines, stamp=(1, 2, 3), clean=True, wanted=always, keep_going=always)
    return made


def image_of(files: list[list[str]], bits: int = BITS) -> IndexImage:
    model = NgramModel(index_bits=bits)
    made = held(files, model)
    return made.image(model, list(made.keepable(model)), nothing)


def bytes_of(image: IndexImage) -> bytes:
    return b"".join(encode(image, "key", nothing))


def restored(image: IndexImage, model: NgramModel) -> HeldFiles:
    made = HeldFiles(threading.Lock())
    made.restore(model, image, nothing)
    for path, _ in made.unconfirmed(model):
        made.confirm(path)
    return made


def offers(model: NgramModel, files: list[list[str]]) -> list[Offer | None]:
    lines = [line.rstrip("\r\n") for lines in files for line in lines]
    return [
        predict(model, "u", f"a = 1\n{line[:cut]}", "\n")
        for line in dict.fromkeys(lines)
        for cut in {0, len(line) // 2, len(line)}
    ]


@settings(max_examples=40)
@given(FILES, FILES, st.sets(st.integers(0, 4)), st.lists(LINE, max_size=5))
def test_what_is_read_back_predicts_what_the_files_do(
    files: list[list[str]], others: list[list[str]], left_out: set[int], document: list[str]
) -> None:
    """``left_out`` files are held, but not kept; ``document`` is open before, with words in another order.

    Afterwards both models learn the same further files, and drop one.
    """
    model, fresh, later = (NgramModel(index_bits=BITS) for _ in range(3))
    made = held(files, model)
    kept = [number for number in range(len(files)) if number not in left_out]
    image = made.image(model, [path_of(number) for number in kept], nothing)
    later.open("u", document, folder="/w/0")
    again = restored(decode(bytes_of(image), "key", bits=BITS, pause=nothing), later)
    fresh.open("u", document, folder="/w/0")
    for number in kept:
        fresh.add_lines(str(path_of(number)), files[number], folder=str(path_of(number).parent))
    assert offers(later, files) == offers(fresh, files)
    for number, lines in enumerate(others, len(files)):
        for one in (later, fresh):
            one.add_lines(str(path_of(number)), lines, folder=str(path_of(number).parent))
    if kept:
        fresh.remove_file(str(path_of(kept[0])))
        again.drop(path_of(kept[0]), keep_going=always)
    assert offers(later, files + others) == offers(fresh, files + others)
    for number in (*kept[1:], *range(len(files), len(files) + len(others))):
        first = [one.file_place(str(path_of(number)))[0] for one in (later, fresh)]
        assert tokens(later.file_store, first[0]) == tokens(fresh.file_store, first[1])
        assert chains_hold_every_position(later.file_store, list(later.file_store.walk(first[0])))
        later.remove_file(str(path_of(number)))
    later.close("u")
    assert len(later) == len(later.vocabulary) == 0


SAMPLE = [["total = compute(first, second)\n", "    return total\n"], ["total = compute(third)\n"] * 4]


@pytest.mark.parametrize("key", ["", "key ", "other"])
def test_an_image_of_something_else_is_not_used(key: str) -> None:
    with pytest.raises(DamagedImage):
        decode(bytes_of(image_of(SAMPLE)), key, bits=BITS, pause=nothing)


@settings(max_examples=50)
@given(st.data())
def test_no_damage_goes_unnoticed(data: st.DataObject) -> None:
    bits = data.draw(st.sampled_from([SMALL, LARGE]))
    whole = bytes_of(image_of(SAMPLE, bits))
    place = data.draw(st.integers(0, len(whole) - 1))
    kind = data.draw(st.sampled_from(["flip", "cut", "longer", "zeros"]))
    damaged = {
        "flip": whole[:place] + bytes([whole[place] ^ (1 << data.draw(st.integers(0, 7)))]) + whole[place + 1 :],
        "cut": whole[:place],
        "longer": whole + whole[: place + 1],
        "zeros": whole[:place] + bytes(len(whole) - place),
    }[kind]
    with pytest.raises(DamagedImage):
        decode(damaged, "key", bits=bits, pause=nothing)


@settings(max_examples=30)
@given(st.binary(max_size=200))
def test_nor_does_anything_that_was_never_an_image(data: bytes) -> None:
    with pytest.raises(DamagedImage):
        decode(data, "key", bits=BITS, pause=nothing)


def forged(body: bytes) -> bytes:
    return body + hashlib.blake2b(body, digest_size=32).digest()


@settings(max_examples=50)
@given(st.data())
def test_a_forged_image_is_refused_or_does_no_harm(data: st.DataObject) -> None:
    """With the right digest, as only the user could write it: numbers lead nowhere else, and nothing goes on for ever."""
    bits = data.draw(st.sampled_from([SMALL, LARGE]))
    body = bytearray(bytes_of(image_of(SAMPLE, bits))[:-32])
    for _ in range(data.draw(st.integers(1, 6))):
        place = data.draw(st.integers(0, len(body) - 1))
        body[place] = data.draw(st.integers(0, 255))
    try:
        image = decode(forged(bytes(body)), "key", bits=bits, pause=nothing)
    except DamagedImage:
        return
    model = NgramModel(index_bits=bits)
    made = restored(image, model)
    offers(model, SAMPLE)
    for path in made.paths():
        made.drop(path, keep_going=always)
    assert len(model.file_store) == 0


def test_an_image_has_tables_of_heads_unless_it_is_small() -> None:
    sizes = {bits: len(bytes_of(image_of(SAMPLE, bits))) for bits in (SMALL, LARGE)}
    assert sizes[LARGE] - sizes[SMALL] == TABLE_BYTES << LARGE


NUMBERS = st.one_of(
    st.sampled_from([-(2**31), -(2**20) - 1, -(2**20), -6, -5, -1, 0, 4, 5, 2**20, 2**31 - 1]), st.integers(-5, 4)
)


@settings(max_examples=300)
@given(
    st.lists(NUMBERS, max_size=6),
    st.sampled_from([0, -5, -(2**20), -(2**31)]),
    st.sampled_from([1, 5, 2**31 - 1, 2**31]),
)
def test_numbers_are_compared_many_at_once(numbers: list[int], lowest: int, bound: int) -> None:
    expected = all(lowest <= number < bound for number in numbers)
    with pytest.MonkeyPatch.context() as patch:
        for size in (1, 2, 8):
            patch.setattr(index_image, "PIECE", size)
            assert are_within(array("i", numbers), lowest, bound, pause=nothing) == expected


def wrong_numbers(run: Run) -> Iterator[tuple[str, array[int], int, int]]:
    """Each column and table, with a place and a number that must not be there."""
    count, heads = len(run.core), len(run.heads[0])
    yield from (("core", run.core, place, number) for place, number in ((1, -1), (1, 1 << 20), (0, RESERVED)))
    yield from (("lead", run.lead, place, number) for place, number in ((1, 3), (1, 255), (0, 1)))
    for name, columns in (("older", run.older), ("heads", run.heads)):
        yield from ((name, column, 1, number) for column in columns for number in (-1, count, 2**31 - 1))
    yield from (("newer", column, 1, number) for column in run.newer for number in (-heads - 1, count, -(2**31)))
    yield from (
        (name, column, 0, 1) for name, columns in (("older", run.older), ("newer", run.newer)) for column in columns
    )


def test_no_number_points_at_something_that_does_not_exist() -> None:
    image = image_of(SAMPLE, LARGE)
    assert decode(bytes_of(image), "key", bits=LARGE, pause=nothing).run == image.run
    for name, column, place, number in wrong_numbers(image.run):
        right, column[place] = column[place], number
        with pytest.raises(DamagedImage):
            pytest.fail(f"{name}[{place}] = {number}: {decode(bytes_of(image), 'key', bits=LARGE, pause=nothing)}")
        column[place] = right


TOO_LARGE = b'{"key": "key", "byteorder": "little", "words": 1e9, "files": []}'
HEADERS = [b"[" * 100_000, b"{}", b"[]", b"null", b"1" * 9000, TOO_LARGE]


@pytest.mark.parametrize("header", HEADERS, ids=range(len(HEADERS)))
def test_a_forged_header_is_refused(header: bytes) -> None:
    body = b"fim-lsp index\n" + len(header).to_bytes(4, "big") + header
    with pytest.raises(DamagedImage):
        decode(forged(body), "key", bits=BITS, pause=nothing)
