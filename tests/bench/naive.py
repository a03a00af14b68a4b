"""The simplest server there can be: one call for each request, without a cache or a wait. ``python -m tests.bench.naive URL``."""

from __future__ import annotations

import sys

import httpx
from lsprotocol import types
from pygls.lsp.server import LanguageServer


def main(url: str) -> None:
    server = LanguageServer("naive", "1", text_document_sync_kind=types.TextDocumentSyncKind.Incremental)
    client = httpx.AsyncClient(trust_env=False, timeout=60)

    @server.feature(types.TEXT_DOCUMENT_INLINE_COMPLETION)
    async def complete(params: types.InlineCompletionParams) -> types.InlineCompletionList:
        document = server.workspace.get_text_document(params.text_document.uri)
        cursor = document.offset_at_position(params.position)
        prefix, suffix = document.source[:cursor][-12_000:], document.source[cursor:][:4_000]
        body = {"model": "codestral-latest", "prompt": prefix, "suffix": suffix, "max_tokens": 64}
        answer = (await client.post(f"{url}/v1/fim/completions", json=body)).json()
        text = answer["choices"][0]["message"]["content"]
        return types.InlineCompletionList(items=[types.InlineCompletionItem(insert_text=text)] if text else [])

    server.start_io()


if __name__ == "__main__":
    main(sys.argv[1])
