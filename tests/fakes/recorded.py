"""Error responses from issue trackers and documentation, each with the error that it must become."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from fim_lsp.errors import (
    BackendError,
    Overloaded,
    RateLimited,
    Rejected,
    Unauthorized,
    UnknownModel,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """One refusal: what the server sent, the error's class, and words that its sentence must contain."""

    status: int
    body: object
    error: type[BackendError]
    words: tuple[str, ...]
    source: str
    headers: dict[str, str] = field(default_factory=dict)
    model: str = "codestral-latest"

    @property
    def raw(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


def _error(
    message: str, kind: str = "invalid_request_error", code: str | None = None, **more: object
) -> dict[str, object]:
    return {"object": "error", "message": message, "type": kind, "param": None, "code": code, **more}


_EXTRA = {"type": "extra_forbidden", "loc": ["body", "store"], "msg": "Extra inputs are not permitted", "input": False}

RECORDED = {
    "unauthorized": Recorded(
        status=401,
        body={"detail": "Unauthorized"},
        error=Unauthorized,
        words=("codestral.mistral.ai", "CODESTRAL_API_KEY", "api.mistral.ai"),
        source="agent-zero#539, cline#6235",
    ),
    "unauthorized_gateway": Recorded(
        status=401,
        body={"message": "Unauthorized", "request_id": "0aa5"},
        error=Unauthorized,
        words=("codestral.mistral.ai", "401"),
        source="simonw/llm-mistral#16",
    ),
    "no_route": Recorded(
        status=404,
        body={"message": "no Route matched with those values", "request_id": "0aa5"},
        error=Rejected,
        words=("base_url", "404"),
        source="nextcloud/integration_openai#215",
    ),
    "extra_forbidden": Recorded(
        status=422,
        body={"detail": [_EXTRA]},
        error=Rejected,
        words=("store", "extra_forbidden", "422"),
        source="Gitlawb/openclaude#739",
    ),
    "message_is_a_list": Recorded(
        status=400,
        body={
            "object": "Error",
            "detail": [_EXTRA],
            "message": ["Extra inputs are not permitted"],
            "type": "invalid_request_error",
            "code": 3001,
        },
        error=Rejected,
        words=("store", "invalid_request_error", "3001"),
        source="partITech/php-mistral#76",
    ),
    "message_is_json": Recorded(
        status=422,
        body=_error(json.dumps({"detail": [_EXTRA]}), "internal_error_proxy", "1000"),
        error=Rejected,
        words=("store",),
        source="mistralai/platform-docs-public#7",
    ),
    "context_exceeded": Recorded(
        status=400,
        body=_error("Prompt contains 40000 tokens, too large for model with 32768 maximum context length"),
        error=Rejected,
        words=("too long", "prompt_tokens"),
        source="docs.mistral.ai, known limitations",
    ),
    "requests_limit": Recorded(
        status=429,
        body={"message": "Requests rate limit exceeded"},
        error=RateLimited,
        words=("requests", "429"),
        source="pydantic-ai#1885",
    ),
    "tokens_limit_by_header": Recorded(
        status=429,
        body=_error("Rate limit exceeded", "rate_limited", "1300", raw_status_code=429),
        headers={"X-RateLimit-Limit-Tokens-Minute": "50000", "X-RateLimit-Remaining-Tokens-Minute": "12"},
        error=RateLimited,
        words=("no more tokens",),
        source="earendil-works/pi#9815",
    ),
    "rate_limit_zero": Recorded(
        status=429,
        body=_error("Rate limit exceeded", "rate_limited", "1300", raw_status_code=429),
        headers={"x-ratelimit-limit-req-minute": "0", "x-ratelimit-remaining-req-minute": "0"},
        error=RateLimited,
        words=("no requests at all",),
        source="earendil-works/pi#9815",
    ),
    "capacity": Recorded(
        status=429,
        body=_error("Service tier capacity exceeded for this model."),
        error=Overloaded,
        words=("overloaded", "429"),
        source="docs.mistral.ai",
    ),
    "capacity_by_type": Recorded(
        status=429,
        body=_error("Service tier capacity exceeded for this model.", "service_tier_capacity_exceeded", "3505"),
        error=Overloaded,
        words=("overloaded",),
        source="docs.mistral.ai",
    ),
    "retired_model": Recorded(
        status=400,
        body=_error("Invalid model: codestral-2501", "invalid_model", "1500"),
        model="codestral-2501",
        error=UnknownModel,
        words=("codestral-2501", "retired it on 2025-11-30", "codestral-latest", "`model`"),
        source="docs.mistral.ai, error glossary",
    ),
    "unknown_model": Recorded(
        status=404,
        body=_error("The model `nope` does not exist"),
        model="nope",
        error=UnknownModel,
        words=("nope", "`model`"),
        source="the same in OpenAI's words",
    ),
    "no_models": Recorded(
        status=404,
        body={"message": "There are currently no Mistral models available for the API."},
        error=UnknownModel,
        words=("offers no model", "backend"),
        source="docs.langdock.com",
    ),
    "server_error": Recorded(
        status=503,
        body=b"<html><body><h1>503 Service Temporarily Unavailable</h1></body></html>",
        error=Overloaded,
        words=("503",),
        source="any gateway",
    ),
    "teapot": Recorded(status=418, body=b"", error=Rejected, words=("418",), source="made up"),
}
