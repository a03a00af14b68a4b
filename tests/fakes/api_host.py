"""A host of Mistral's API that lists its models, refuses keys and limits calls, for tests that start at the command line."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.fakes.http import Reply, Request

KEY = "sk-made-up-0123456789"

CODESTRAL = {
    "id": "codestral-2508",
    "aliases": ["codestral-latest"],
    "capabilities": {"completion_fim": True},
    "max_context_length": 256_000,
    "default_model_temperature": 0.3,
}
LARGE = {"id": "mistral-large-2411", "aliases": ["mistral-large-latest"], "capabilities": {"completion_fim": False}}

LIMITS = {
    "x-ratelimit-limit-req-minute": "60",
    "x-ratelimit-remaining-req-minute": "57",
    "x-ratelimit-limit-tokens-minute": "50000",
    "x-ratelimit-remaining-tokens-minute": "49000",
}

PAGE = b"<html><body><h1>Sign in to the guest network</h1></body></html>"


@dataclass(slots=True, kw_only=True)
class ApiHost:
    """The function of a :class:`~tests.fakes.http.FakeServer`. ``models`` None: it has no list, as codestral.mistral.ai.

    ``page`` is sent for everything, with ``page_status``. ``refusal`` is sent for each completion.
    """

    models: list[dict[str, Any]] | None = field(default_factory=lambda: [CODESTRAL, LARGE])
    text: str = "'Hello, ' + name"
    refusal: Reply | None = None
    headers: dict[str, str] = field(default_factory=dict)
    page: bytes = b""
    page_status: int = 403

    def __call__(self, request: Request) -> Reply:
        if self.page:
            return Reply(status=self.page_status, body=self.page, headers={"Location": "https://login.example.org/x"})
        if request.headers.get("authorization") != f"Bearer {KEY}":
            return Reply(status=401, body={"detail": "Unauthorized"})
        if request.method == "GET":
            return self._list(request)
        if self.refusal is not None:
            return self.refusal
        names = [name for model in self.models or [CODESTRAL] for name in (model["id"], *model["aliases"])]
        if request.body["model"] not in names:
            message = f"Invalid model: {request.body['model']}"
            return Reply(
                status=400, body={"object": "error", "message": message, "type": "invalid_model", "code": "1500"}
            )
        choice = {"index": 0, "message": {"role": "assistant", "content": self.text}, "finish_reason": "stop"}
        usage = {"prompt_tokens": 27, "completion_tokens": 6, "total_tokens": 33}
        return Reply(body={"choices": [choice], "usage": usage}, headers=self.headers)

    def _list(self, request: Request) -> Reply:
        if self.models is None or not request.path.endswith("/v1/models"):
            return Reply(status=404, body={"message": "no Route matched with those values", "request_id": "0aa5"})
        return Reply(body={"object": "list", "data": self.models})
