"""Random edits over the wire, in three encodings: the prompt is the text around the cursor."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from fim_lsp.text.positions import with_line_feeds
from tests.fakes.codestral import FakeCodestral
from tests.lsp.raw_client import URI, RawClient
from tests.text.reference import Reference

PIECES = [
    "a",
    "b(",
    " ",
    "\t",
    "\n",
    "\n",
    "\r\n",
    "\r",
    "\f",
    "\x85",
    "\u2028",
    "é",
    "漢",
    "😀",
    "👩\u200d👧",
    "xyz\nw",
]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32"])
async def test_the_back_end_gets_a_contiguous_window_round_the_cursor(tmp_path: Path, encoding: str) -> None:
    rng = random.Random(encoding)
    capabilities = {"general": {"positionEncodings": [encoding]}, "textDocument": {"inlineCompletion": {}}}
    async with FakeCodestral(lambda body: "!") as server, RawClient(tmp_path) as client:
        options = {"backend": "codestral", "base_url": server.url, "api_key": "k", "prompt_tokens": 64, "fallback": []}
        await client.initialize(options=options, capabilities=capabilities)
        mirror = Reference("start\n", encoding)
        client.open(mirror.text)
        for version in range(1, 1500):
            edits = []
            for _ in range(rng.choice([1, 1, 1, 3])):
                start, end = place(rng), place(rng)
                if rng.random() < 0.6:
                    end = start
                text = "".join(rng.choice(PIECES) for _ in range(rng.randint(0, 3)))
                if rng.random() < 0.01:
                    edits.append({"text": text})
                    mirror.text = text
                    continue
                if mirror.offset(start) > mirror.offset(end):
                    start, end = end, start
                mirror.replace(start, end, text)
                edits.append({"range": {"start": position(start), "end": position(end)}, "text": text})
            client.notify(
                "textDocument/didChange", {"textDocument": {"uri": URI, "version": version}, "contentChanges": edits}
            )
            if version % 50 == 0:
                asked, cursor = len(server.requests), place(rng)
                reply = await client.reply(client.ask(*cursor, kind=1))
                offset = mirror.offset(cursor)
                before, after = map(with_line_feeds, (mirror.text[:offset], mirror.text[offset:]))
                for request in server.requests[asked:]:  # none if the same place was asked before
                    prompt, suffix = request.body["prompt"], request.body.get("suffix", "")
                    assert before.endswith(prompt)
                    assert after.startswith(suffix)
                    assert len(prompt) + len(suffix) >= min(len(before) + len(after), 60)
                for item in reply["result"]["items"]:
                    span = item["range"]
                    assert mirror.offset((span["start"]["line"], span["start"]["character"])) == offset
        assert len(server.requests) > 20
        assert client.messages() == []


def place(rng: random.Random) -> tuple[int, int]:
    return rng.randint(0, 12), rng.choice([0, 1, 2, 3, 5, 9, 1000])


def position(place: tuple[int, int]) -> dict[str, int]:
    return {"line": place[0], "character": place[1]}
