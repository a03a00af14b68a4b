"""Ollama's responses to a request, shaped by its API's documentation and by the responses in its issues."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from tests.fakes.http import Reply, Request
from tests.fakes.replies import tokens_of


@dataclass(slots=True)
class Ollama:
    """An ``answer`` for :class:`~tests.fakes.http.FakeServer`. ``models`` maps its models to their capabilities."""

    models: dict[str, list[str] | None] = field(
        default_factory=lambda: {"qwen2.5-coder:1.5b": ["completion", "insert"]}
    )
    loaded: tuple[str, ...] = ()
    text: str = "return a + b"
    loads: int = 0

    def __call__(self, request: Request) -> Reply | None:
        return {
            ("GET", "/api/tags"): self._tags,
            ("GET", "/api/ps"): self._loaded,
            ("POST", "/api/show"): self._show,
            ("POST", "/api/generate"): self._generate,
        }.get((request.method, request.path), lambda request: None)(request)

    def _tags(self, request: Request) -> Reply:
        return Reply(body={"models": [{"name": name, "model": name, "size": 1} for name in self.models]})

    def _loaded(self, request: Request) -> Reply:
        return Reply(body={"models": [{"name": name, "model": name} for name in self.loaded]})

    def _show(self, request: Request) -> Reply:
        name = request.body["model"]
        if name not in self.models:
            return _missing(name)
        capabilities = self.models[name]
        info = {"general.architecture": "qwen2", "qwen2.context_length": 32768}
        return Reply(
            body={"template": "…", "model_info": info}
            | ({} if capabilities is None else {"capabilities": capabilities})
        )

    def _generate(self, request: Request) -> Reply:
        """An empty suffix or prompt has the same effect as there; ``num_predict`` applies."""
        body = request.body
        if body["model"] not in self.models:
            return _missing(body["model"])
        inserts = "insert" in (self.models[body["model"]] or [])
        if body.get("suffix") and not inserts and not body.get("raw"):
            return Reply(
                status=400, body={"error": f"registry.ollama.ai/library/{body['model']} does not support insert"}
            )
        if not body.get("prompt"):
            self.loads += 1
            return Reply(body={"model": body["model"], "response": "", "done": True, "done_reason": "load"})
        if not body.get("suffix") and not body.get("raw"):
            return Reply(body=lines(*streamed("Sure! Here is how you could go on:", body)))
        return Reply(body=lines(*streamed(self.text, body)))


def streamed(text: str, body: dict[str, object]) -> list[dict[str, object]]:
    """The messages of one answer."""
    options = body.get("options")
    limit = options.get("num_predict") if isinstance(options, dict) else None
    tokens = tokens_of(text)
    kept = tokens if limit is None else tokens[:limit]
    head = {"model": body["model"], "created_at": "2026-11-01T00:00:00Z"}
    last = {"response": "", "done": True, "done_reason": "stop" if kept == tokens else "length", "context": [1, 2, 3],
            "total_duration": 5, "prompt_eval_count": 26, "eval_count": len(kept)}  # fmt: skip
    return [*({**head, "response": token, "done": False} for token in kept), {**head, **last}]


def lines(*messages: object) -> bytes:
    """Messages as they are streamed."""
    return "".join(json.dumps(message, ensure_ascii=False) + "\n" for message in messages).encode(
        "utf-8", "surrogatepass"
    )


def _missing(name: str) -> Reply:
    return Reply(status=404, body={"error": f"model '{name}' not found"})
