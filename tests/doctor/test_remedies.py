"""Each failure has a remedy with a command or a setting in it."""

from __future__ import annotations

import re
import time

import pytest

from fim_lsp import errors
from fim_lsp.doctor.remedies import REMEDIES, Facts, clock_time, remedy_for
from fim_lsp.errors import BackendError, FimError, RateLimited, Unauthorized, Unreachable
from fim_lsp.http.network_errors import FAILURES
from fim_lsp.rate_limit.store import StoreUnavailable
from fim_lsp.settings.schema import SettingProblem

KINDS = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, BackendError) and kind is not BackendError
]
FACTS = Facts(
    host="h.example.org",
    address="http://h.example.org",
    key_page="console",
    keep_key="keep it",
    model="m",
    until="14:05",
)


@pytest.mark.parametrize("kind", [*KINDS, StoreUnavailable, errors.SettingError, errors.KeyStoreError])
def test_every_kind_of_error_has_a_remedy(kind: type[FimError]) -> None:
    remedy = remedy_for(kind("something unheard of"), FACTS)
    assert "--log-level" not in remedy
    assert "{" not in remedy


def test_a_row_without_words_is_the_last_of_its_kind() -> None:
    seen = set()
    for row in REMEDIES:
        assert row.kind not in seen
        if not row.words:
            seen.add(row.kind)
    assert seen >= {row.kind for row in REMEDIES}


def test_every_network_failure_has_a_remedy_of_its_own_kind() -> None:
    for kind, sentence in FAILURES.values():
        assert remedy_for(kind(sentence.format(host="h", reason="nothing listens there")), FACTS)


@pytest.mark.parametrize("row", REMEDIES, ids=lambda row: f"{row.kind.__name__} {row.words[:20]}")
def test_a_remedy_is_one_line_without_placeholders(row: object) -> None:
    text = row.text  # type: ignore[attr-defined]
    assert "\n" not in text
    assert not text.endswith(".")
    assert set(re.findall(r"\{(\w+)\}", text)) <= {
        "host", "address", "key_page", "keep_key", "key_command", "model", "model_origin", "until", "file",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("failure", "words"),
    [
        (Unauthorized("h refuses the key (401)"), "get a valid key at console, and keep it"),
        (Unauthorized("h refuses the key (401): set api_key or api_key_command"), "get a valid key at console"),
        (Unauthorized("h requires a key (401): set api_key or api_key_command"), "get a key at console, and keep it"),
        (Unauthorized("the API key is empty or contains characters that no key has"), "copy the key again"),
        (errors.KeyStoreError("the index is damaged"), "fim-lsp key set http://h.example.org"),
        (Unauthorized("/c/keys.json is not used: it is damaged; delete it"), "keep it again: fim-lsp key set http://h."),
        (Unauthorized("the key for h is no longer in /c/keys.json"), "keep the key again: fim-lsp key set http://h."),
        (errors.Intercepted("h answers with a web page"), "open http://h.example.org in a browser"),
        (RateLimited("no more requests"), "wait until 14:05"),
        (Unreachable("can't connect to the-proxy.example.org: its name is unknown"), "spelling of base_url"),
        (Unreachable("can't connect to ollama.example.org: nothing listens there"), "start the server at h.example.org"),
        (SettingProblem(message="/home/project/table/config.toml: \"x\" is 1, but must be 2; it is ignored."), "correct it"),
        (SettingProblem(message="/c/config.toml can't be read: it is not a regular file; …"), "move it away"),
        (SettingProblem(message="/c/config.toml is not valid TOML (at line 1)"), "fim-lsp config --check /c/config.toml"),
    ],
)  # fmt: skip
def test_the_remedy_for(failure: FimError | SettingProblem, words: str) -> None:
    assert words in remedy_for(failure, FACTS)


def test_clock_times() -> None:
    assert re.fullmatch(r"(\d+ \w+, )?\d\d:\d\d:\d\d", clock_time(45))
    assert re.fullmatch(r"(\d+ \w+, )?\d\d:\d\d", clock_time(600))
    tomorrow = time.strftime("%d %B", time.localtime(time.time() + 86_400))
    assert clock_time(86_400).startswith(tomorrow)
