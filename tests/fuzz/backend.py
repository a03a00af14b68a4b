"""The back end of the fuzz: it keeps the prompts, from which it is seen what the server takes for the document's text."""

from __future__ import annotations

import http.server
import json
import threading
import zlib
from typing import Any

ANSWERS = ("", "x", "foo(bar)", "one\ntwo\n", "\r\n    three", "😀é", "ab\u2028cd")


class Backend:
    """Codestral's endpoint on loopback, in a thread. ``prompts`` are pairs of prefix and suffix, in the order of arrival."""

    def __init__(self) -> None:
        self.prompts: list[tuple[str, str]] = []
        backend = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                answer = json.dumps(backend.answer(body)).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def do_GET(self) -> None:
                self.send_response(404)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: object) -> None:
                """A server that was killed has closed its connections."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def answer(self, body: dict[str, Any]) -> dict[str, Any]:
        """A reply that depends on nothing but the prompt."""
        prefix, suffix = body["prompt"], body.get("suffix") or ""
        self.prompts.append((prefix, suffix))
        text = ANSWERS[zlib.crc32(prefix.encode()) % len(ANSWERS)]
        message = {"role": "assistant", "content": text}
        usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        return {"id": "1", "object": "chat.completion", "model": "m", "created": 1, "usage": usage, "choices": [choice]}

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
