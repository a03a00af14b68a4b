"""What the doctor is told about a running session."""

from __future__ import annotations

import asyncio
from pathlib import Path

from fim_lsp.session.open_documents import OpenDocument
from fim_lsp.session.session import Session
from fim_lsp.text.document import Document
from fim_lsp.text.positions import Encoding
from tests.fakes.api_host import KEY, ApiHost
from tests.fakes.http import FakeServer, Reply

URI = "file:///w/a.py"


async def test_back_ends_files_and_pauses(tmp_path: Path) -> None:
    (tmp_path / "b.py").write_text("total = compute(alpha, beta)\n" * 20)
    refusal = Reply(status=429, body={"message": "Requests rate limit exceeded"}, headers={"retry-after": "300"})
    async with FakeServer(ApiHost(models=None, refusal=refusal)) as server:
        environment = {"FIM_LSP_CONFIG": "/dev/null", "XDG_STATE_HOME": str(tmp_path)}
        session = Session(lambda _level, _sentence: None, environment)
        options = {"backend": "mistral", "base_url": server.url, "api_key": KEY, "limits_store": "process"}
        session.start(roots=[tmp_path], initialization=options)
        try:
            text = Document("x = \n", Encoding.UTF16)
            session.open_document(OpenDocument(uri=URI, language="python", path=None, text=text))
            before = await session.inspect()
            assert [backend.name for backend in before.in_use.backends] == ["mistral", "ngram"]
            assert before.in_use.paused == ()
            assert before.effective["backend"].value == "mistral"
            await session.request(URI, 0, 4, explicit=True).result
            await asyncio.to_thread(session._ngram.index.wait, 20)
            after = await session.inspect()
            assert [name for name, _ in after.in_use.paused] == ["mistral"]
            assert "none is made until" in after.in_use.paused[0][1]
            assert (after.files, after.indexing) == (1, False)
            assert after.tokens > 0
            assert after.in_use.chosen_model == ""
            chosen = await session.models.choose("codestral-2508")
            assert (await session.inspect()).in_use.chosen_model == chosen.model == "codestral-2508"
        finally:
            await session.close()
