"""Responses of servers with OpenAI's ``/v1/completions``, by what they do with ``suffix``; shaped by recorded ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from tests.fakes.http import Reply, Request
from tests.fakes.llamacpp import Message, events
from tests.fakes.replies import tokens_of


@dataclass(slots=True)
class OpenAI:
    """An ``answer`` for :class:`~tests.fakes.http.FakeServer`. ``suffix`` is what becomes of that field:

    ``"fills"``, ``"refused"`` (vLLM's 400), ``"appended"`` (TGI, llama-cpp-python) or ``"ignored"`` (llama-server).
    ``unknown`` are parameters that it refuses, ``models`` what ``/v1/models`` lists.
    """

    suffix: str = "ignored"
    unknown: frozenset[str] = frozenset()
    models: list[Message] | None = None
    text: Callable[[Message], str] = field(default=lambda body: "return a + b")
    path: str = "/v1/completions"

    def __call__(self, request: Request) -> Reply | None:
        if (request.method, request.path) == ("GET", "/v1/models") and self.models is not None:
            return Reply(body={"object": "list", "data": self.models})
        return self._complete(request.body) if (request.method, request.path) == ("POST", self.path) else None

    def _complete(self, body: Message) -> Reply:
        if body.get("suffix") and self.suffix == "refused":
            return _refused("suffix is not currently supported", None)
        for name in sorted(self.unknown & body.keys()):
            return _refused(f"Unrecognized request argument supplied: {name}", None)
        if len(body.get("stop") or []) > 4:
            return _refused("Invalid 'stop': array too long. Expected an array with maximum length 4", "stop")
        text = self.text(body) + (body.get("suffix", "") if self.suffix == "appended" else "")
        read = body["prompt"] + (body.get("suffix", "") if self.suffix == "fills" else "")
        usage = {"prompt_tokens": len(tokens_of(read)), "completion_tokens": len(tokens_of(text))}
        if not body.get("stream"):
            return Reply(body={"choices": [{"text": text, "index": 0, "finish_reason": "stop"}], "usage": usage})
        return Reply(body=events(*_streamed(text, usage), done=True))


def _streamed(text: str, usage: Message) -> list[Message]:
    """The usage comes in a message of its own, whose choices are empty: Inception's and vLLM's way."""
    said = [{"choices": [{"text": token, "index": 0, "finish_reason": None}]} for token in tokens_of(text)]
    return [*said, {"choices": [{"text": "", "index": 0, "finish_reason": "stop"}]}, {"choices": [], "usage": usage}]


def _refused(message: str, param: str | None) -> Reply:
    error = {"message": message, "type": "BadRequestError", "param": param, "code": 400}
    return Reply(status=400, body={"error": error})
