"""What the findings about a server mean."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fim_lsp.backends.backend import Usage
from fim_lsp.backends.model_list import Model
from fim_lsp.doctor.check import State
from fim_lsp.doctor.host_checks import Server, checks_of, checks_offline, in_one_line
from fim_lsp.doctor.host_findings import Completion, Findings
from fim_lsp.errors import BackendError, RateLimited, Unauthorized, UnknownModel, Unreachable
from fim_lsp.http.rate_limit_headers import Quota
from fim_lsp.rate_limit.local_counter import Wait

SERVER = Server(
    name="mistral", host="api.mistral.ai", address="https://api.mistral.ai", model="codestral-latest",
    key_place="MISTRAL_API_KEY", missing_key="",
    keep_key="set MISTRAL_API_KEY to it", model_origin="config.toml", other_keys=(), route="without a proxy",
    certificates="trusting the system's certificates",
)  # fmt: skip
MODEL = Model(name="codestral-2508", aliases=("codestral-latest",), can_fill=True, context_tokens=256_000)
DONE = Completion(first_text=0.2, seconds=0.25, characters=9, usage=Usage(prompt_tokens=27, completion_tokens=6))
FINE = Findings(reached=0.12, models=(MODEL,), model=MODEL, can_fill=True, completion=DONE)


def found(findings: Findings, server: Server = SERVER) -> dict[str, tuple[State, str]]:
    return {check.name: (check.state, check.message) for check in checks_of(server, findings)}


def test_all_is_well() -> None:
    assert found(FINE) == {
        "host": (State.OK, "api.mistral.ai answers in 120 ms, without a proxy, trusting the system's certificates"),
        "key": (State.OK, "from MISTRAL_API_KEY, for api.mistral.ai only; accepted"),
        "model": (
            State.OK,
            "codestral-latest, which can fill in the middle, up to 256,000 tokens; api.mistral.ai has 1 model",
        ),
        "completion": (State.OK, "first text after 200 ms, all after 250 ms; it cost 27 + 6 tokens"),
    }


def failed(error: BackendError) -> Findings:
    return replace(FINE, completion=Completion(error=error))


@pytest.mark.parametrize(
    ("findings", "name", "state", "words"),
    [
        (Findings(reach_error=Unreachable("no route")), "host", State.ERROR, "no route"),
        (failed(Unauthorized("h refuses the key (401)")), "key", State.ERROR, "refuses"),
        (replace(FINE, list_error=Unauthorized("refuses the key")), "key", State.OK, "accepted"),
        (replace(FINE, completion=None, list_error=Unauthorized("refuses the key")), "key", State.ERROR, "refuses"),
        (failed(RateLimited("no more requests for now (429); it asks to wait 9 s", retry_after=9.0)), "completion",
         State.ERROR, "no more requests for now (429), until "),
        (replace(FINE, completion=None, waits=Wait(seconds=30)), "completion", State.ERROR, "own count of"),
        (replace(FINE, completion=None, waits=Wait(seconds=float("inf"))), "completion", State.ERROR, "too small"),
        (replace(FINE, completion=None), "completion", State.INFO, "costs about 40 tokens"),
        (replace(FINE, completion=replace(DONE, first_text=None)), "completion", State.WARNING, "without any text"),
        (replace(FINE, completion=replace(DONE, usage=None)), "completion", State.OK, "it cost about 40 tokens"),
        (replace(FINE, model=None, model_error=UnknownModel("h has no model x; it has y: set the setting `model`")),
         "model", State.WARNING, "h has no model x; it has y"),
        (replace(failed(UnknownModel("no")), model=None, model_error=UnknownModel("h has no model x")), "model",
         State.ERROR, "h has no model x"),
        (replace(failed(UnknownModel("no")), model=None, model_error=UnknownModel("h has no model x")), "completion",
         State.INFO, "because of the model"),
        (replace(FINE, completion=replace(DONE, notices=('uses y: set model = "y" to keep it',))), "model",
         State.WARNING, "uses y"),
        (replace(FINE, models=(), model=None, can_fill=None, list_error=Unreachable("late")), "model", State.OK,
         "did not send its list"),
        (replace(FINE, models=(), model=None, can_fill=True), "model", State.OK, "which can fill in the middle"),
    ],
)  # fmt: skip
def test_each_finding(findings: Findings, name: str, state: State, words: str) -> None:
    checks = found(findings)
    assert checks[name][0] is state
    assert words in checks[name][1]
    assert all(check.remedy for check in checks_of(SERVER, findings) if check.state in (State.ERROR, State.WARNING))


def test_without_a_key() -> None:
    lacking = replace(SERVER, key_place="", missing_key="api.mistral.ai requires a key", other_keys=("codestral",))
    checks = checks_of(lacking, Findings(reached=0.1))
    assert [check.name for check in checks] == ["host", "key"]
    assert 'backend = "codestral"' in checks[1].remedy
    offline = checks_offline(lacking)
    assert [check.state for check in offline] == [State.INFO, State.ERROR]
    free = replace(SERVER, key_place="")
    assert found(FINE, free)["key"][0] is State.INFO
    assert checks_offline(free)[1].state is State.INFO


def test_limits_and_temperature_are_said_if_the_host_says_them() -> None:
    quota = Quota(requests_limit=60, tokens_limit=50_000, tokens_left=49_000)
    warm = replace(MODEL, default_temperature=0.3)
    findings = replace(FINE, model=warm, completion=replace(DONE, quota=quota))
    assert (
        found(findings)["rate limits"][1]
        == "api.mistral.ai allows this key 60 requests and 49,000 of 50,000 tokens a minute"
    )
    assert "is 0.3; it applies" in found(findings)["temperature"][1]
    assert "0.7, is sent instead" in found(findings, replace(SERVER, temperature=0.7))["temperature"][1]


def test_a_fallback_is_one_line() -> None:
    assert in_one_line("fallback", checks_of(SERVER, FINE)).message.startswith("first text after 200 ms")
    assert in_one_line("fallback", checks_of(SERVER, replace(FINE, completion=None))).state is State.INFO
    assert in_one_line("fallback", checks_of(SERVER, failed(Unreachable("broke")))).message == "broke"
