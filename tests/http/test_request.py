"""Requests, responses, and JSON that is safe to parse."""

from __future__ import annotations

import json

import pytest

from fim_lsp.http.request import JSON, MAX_JSON_VALUES, HttpResponse, get, parse_json, post


def test_a_post_leaves_out_what_is_none() -> None:
    request = post("http://h/x", {"a": "é", "b": None, "c": 0}, accept=JSON)
    assert (request.method, request.headers["Accept"]) == ("POST", JSON)
    assert request.body == '{"a":"é","c":0}'.encode()


def test_a_get_has_no_body() -> None:
    request = get("http://h/x")
    assert (request.method, request.body) == ("GET", b"")


@pytest.mark.parametrize(("status", "parsed"), [(200, [1]), (204, [1]), (199, None), (300, None), (404, None)])
def test_only_a_success_has_json(status: int, parsed: object) -> None:
    response = HttpResponse(status=status, headers={}, body=b"[1]")
    assert response.is_success is (parsed is not None)
    assert response.json() == parsed


@pytest.mark.parametrize("text", ["", "{", "nan?", b"\xff", "[" * 100_000])
def test_what_is_not_json_is_none(text: str | bytes) -> None:
    assert parse_json(text) is None


@pytest.mark.parametrize("unit", ["1,", "{},", '"",', '{"a":[0]},', "[],"])
def test_json_of_many_small_values_is_not_parsed(unit: str) -> None:
    """Parsing can't be interrupted, and its time depends on the number of values."""
    small = json.dumps({"choices": [json.loads(unit[:-1])] * 100})
    assert parse_json(small) == json.loads(small)
    large = '{"choices":[' + unit * MAX_JSON_VALUES + "0]}"
    assert parse_json(large) is None
    assert parse_json(large.encode()) is None
    assert parse_json(json.dumps({"text": "a" * (1 << 20)})) == {"text": "a" * (1 << 20)}
