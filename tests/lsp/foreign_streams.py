"""Input of other protocols than LSP, and damaged headers: each must be rejected before anything in it is handled."""

from __future__ import annotations

import json

BODY = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"capabilities": {}}}).encode()
LENGTH = b"Content-Length: %d" % len(BODY)
TYPE = b"Content-Type: application/vscode-jsonrpc; charset=utf-8"


def http(line: bytes, *fields: bytes) -> bytes:
    return b"\r\n".join([line, *fields, LENGTH]) + b"\r\n\r\n" + BODY


FOREIGN_STREAMS = {
    "post": http(b"POST / HTTP/1.1", b"Host: 127.0.0.1:9257", b"Content-Type: text/plain"),
    "post, absolute": http(b"POST http://127.0.0.1:9257/ HTTP/1.1"),
    "post, with our fields only": http(b"POST / HTTP/1.1", TYPE),
    "post, a path that looks like a field": http(b"POST Content-Length: 5 HTTP/1.1"),
    "put": http(b"PUT /content-length: HTTP/1.1"),
    "get": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "get, 0.9": b"GET /\r\n",
    "options": b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
    "connect": b"CONNECT 127.0.0.1:9257 HTTP/1.1\r\n\r\n",
    "content, as a method": http(b"CONTENT / HTTP/1.1"),
    "content-length, as a method": http(b"Content-Length / HTTP/1.1"),
    "fim-lsp-token, as a method": http(b"Fim-Lsp-Token / HTTP/1.1"),
    "http/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + LENGTH + b"\r\n\r\n" + BODY,
    "tls": bytes.fromhex("160301020001") + b"\0" * 60,
    "ssh": b"SSH-2.0-OpenSSH_9.7\r\n",
    "websocket": b"GET / HTTP/1.1\r\nUpgrade: websocket\r\n\r\n",
    "smtp": b"EHLO x\r\n",
    "proxy": b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n" + LENGTH + b"\r\n\r\n" + BODY,
    "socks": b"\x05\x01\x00",
    "redis": b"*1\r\n$4\r\nPING\r\n",
    "json alone": BODY + b"\n",
    "another field before": b"Host: x\r\n" + LENGTH + b"\r\n\r\n" + BODY,
    "another field after": LENGTH + b"\r\nOrigin: http://evil\r\n\r\n" + BODY,
    "a field whose name goes on": LENGTH + b"\r\nContent-Types: x\r\n\r\n" + BODY,
    "an encoding": LENGTH + b"\r\nContent-Encoding: gzip\r\n\r\n" + BODY,
    "a transfer encoding": b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    "no colon": LENGTH + b"\r\nhello\r\n\r\n" + BODY,
    "no name": b": 5\r\n" + LENGTH + b"\r\n\r\n" + BODY,
    "a blank before the colon": b"Content-Length : %d\r\n\r\n" % len(BODY) + BODY,
    "a blank before the name": b" " + LENGTH + b"\r\n\r\n" + BODY,
    "a folded line": LENGTH + b"\r\n 0\r\n\r\n" + BODY,
    "an empty line first": b"\r\n" + LENGTH + b"\r\n\r\n" + BODY,
    "nothing but an empty line": b"\r\n\r\n",
    "line feeds alone": LENGTH + b"\n\n" + BODY,
    "a line feed inside": LENGTH + b"\nHost: x\r\n\r\n" + BODY,
    "a return inside": LENGTH + b"\rHost: x\r\n\r\n" + BODY,
    "two lengths": LENGTH + b"\r\nContent-Length: 1\r\n\r\n" + BODY,
    "two types": LENGTH + b"\r\n" + TYPE + b"\r\nContent-Type: x\r\n\r\n" + BODY,
    "two tokens": b"Fim-Lsp-Token: aaaaaaaa\r\nFim-Lsp-Token: bbbbbbbb\r\n" + LENGTH + b"\r\n\r\n" + BODY,
    "no length": TYPE + b"\r\n\r\n" + BODY,
    "an empty length": b"Content-Length: \r\n\r\n" + BODY,
    "a sign": b"Content-Length: +5\r\n\r\nhello",
    "a negative length": b"Content-Length: -5\r\n\r\nhello",
    "hexadecimal": b"Content-Length: 0x5\r\n\r\nhello",
    "an underscore": b"Content-Length: 1_0\r\n\r\nhellohello",
    "a list": b"Content-Length: 5, 5\r\n\r\nhello",
    "a fraction": b"Content-Length: 5.0\r\n\r\nhello",
    "other digits": "Content-Length: ٥\r\n\r\nhello".encode(),
    "a length beyond all documents": b"Content-Length: 99999999999\r\n\r\n",
    "thousands of digits": b"Content-Length: " + b"0" * 3000 + b"5\r\n\r\nhello",
    "control characters": LENGTH + b"\r\nContent-Type: a\0b\r\n\r\n" + BODY,
    "a header without end": b"Content-Type: " + b"x" * 5000,
}
