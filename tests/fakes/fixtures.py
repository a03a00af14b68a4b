"""A fake Codestral server, back ends that ask it, and a certificate, as fixtures."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from fim_lsp.backends.backend import Chunk
from fim_lsp.backends.codestral import codestral
from fim_lsp.backends.credentials import KeySource
from fim_lsp.backends.http_backend import HttpBackend
from fim_lsp.backends.profile import Generation
from fim_lsp.prompt.prompt import Prompt
from fim_lsp.secret import Secret
from tests.fakes.codestral import FakeCodestral

KEY = "sk-made-up"
PROMPT = Prompt(prefix="def add(a, b):\n    ", suffix="\n")
Connect = Callable[..., HttpBackend]


async def ask(backend: HttpBackend, prompt: Prompt = PROMPT) -> list[Chunk]:
    return [chunk async for chunk in backend.stream(prompt)]


async def ask_text(backend: HttpBackend, prompt: Prompt = PROMPT) -> str:
    return "".join(chunk.text for chunk in await ask(backend, prompt))


@pytest.fixture
async def server(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FakeCodestral]:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    async with FakeCodestral() as fake:
        yield fake


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    """Make back ends for an address; they are closed at the end."""
    made: list[HttpBackend] = []

    def make(url: str, *, timeout: float = 30, keys: KeySource | None = None, **generation: object) -> HttpBackend:
        profile = codestral(base_url=url, generation=Generation(**generation))  # type: ignore[arg-type]
        made.append(HttpBackend(profile, keys=keys or KeySource(url, api_key=Secret(KEY)), timeout=timeout))
        return made[-1]

    yield make
    for backend in made:
        await backend.close()


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate with its key, in one file, for 127.0.0.1 and codestral.test."""
    return make_certificate(tmp_path_factory.mktemp("tls"), "IP:127.0.0.1", "DNS:codestral.test")


def server_context(certificate: Path) -> ssl.SSLContext:
    """TLS of a server that shows a certificate, whose key is in the same file."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def make_certificate(place: Path, *names: str) -> Path:
    """A self-signed certificate with its key, in one file, for alternative names in OpenSSL's form."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("there is no openssl program to make a certificate with")
    made = [
        openssl,
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-days",
        "2",
    ]
    made += ["-subj", "/CN=codestral.test", "-addext", f"subjectAltName={','.join(names)}"]
    made += ["-keyout", str(place / "k"), "-out", str(place / "c")]
    subprocess.run(made, check=True, capture_output=True)
    both = place / "both.pem"
    both.write_bytes((place / "k").read_bytes() + (place / "c").read_bytes())
    return both
