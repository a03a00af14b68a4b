"""A small part of the fuzz of the wire, the same each time. ``python -m tests.fuzz --minutes 60`` plays the rest."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.fuzz.run import fuzz

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the fuzz reads and writes descriptors as POSIX has them")


def test_a_client_that_does_what_none_should(tmp_path: Path) -> None:
    examples, steps = fuzz(tmp_path, examples=12, steps=40)
    assert examples >= 12
    assert steps > 200
