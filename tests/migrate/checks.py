"""What must be true of everything that is read from another program's settings."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path

from fim_lsp.backends.factory import create_backends
from fim_lsp.backends.ngram_backend import NgramBackend
from fim_lsp.cli.config_from import lines
from fim_lsp.errors import UsageError
from fim_lsp.migrate.result import Migration
from fim_lsp.settings.merge import Layer, merge_layers
from fim_lsp.settings.schema import Settings


def settings_of(found: Migration) -> dict[str, object]:
    return {taken.setting: taken.value for taken in found.taken}


def reasons(found: Migration) -> dict[str, str]:
    return {left.source: left.reason for left in found.left}


def loaded(found: Migration) -> Settings:
    """The settings that the printed lines result in, which must load without any problem, and contain no key."""
    printed = list(lines(found, Path("/home/me/file"), {}))
    assert not any("\n" in line for line in printed)
    text = "\n".join(printed)
    merged = merge_layers([Layer(origin="config.toml", values=tomllib.loads(text))])
    assert (merged.problems, merged.failed_closed) == ((), False), text
    assert create_backends(merged.settings, {}, NgramBackend(), {}).problems == ()
    if found.key is not None and found.key.secret is not None and len(found.key.secret.reveal()) > 8:
        assert found.key.secret.reveal() not in text
    return merged.settings


def load_or_refuse(read: Callable[[], Migration]) -> None:
    """Whatever a file contains, either its settings load, or there is one sentence about it."""
    try:
        found = read()
    except UsageError as error:
        sentence = str(error)
        assert sentence, "a refusal has a reason"
        assert "\n" not in sentence
        assert len(sentence) < 250
        return
    loaded(found)
