"""Certificates that can be trusted, and those that can't, made with the openssl program."""

from __future__ import annotations

import ssl
import subprocess
from pathlib import Path

NAME = "codestral.test"
GOOD, EXPIRED, OTHER_NAME, UNTRUSTED = "good", "expired", "other name", "untrusted"
_KEY = "openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout {0}.key -out {0}.asked"
_SIGN = "openssl x509 -req -in {0}.asked -signkey {0}.key -days {1} -extfile {0}.names -out {0}.pem"


class Certificates:
    """One for each of the kinds above. ``trusted`` is the value for SSL_CERT_FILE: all but one of them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.trusted = folder / "trusted.pem"
        here = f"IP:127.0.0.1,DNS:{NAME}"
        for kind, names, days in (
            (GOOD, here, 2),
            (EXPIRED, here, -1),
            (OTHER_NAME, "DNS:other.test", 2),
            (UNTRUSTED, here, 2),
        ):
            self._sign(kind, names, days)
        self.trusted.write_bytes(b"".join(self._file(kind).read_bytes() for kind in (GOOD, EXPIRED, OTHER_NAME)))

    def context(self, kind: str) -> ssl.SSLContext:
        """What a server shows."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._file(kind), self._file(kind).with_suffix(".key"))
        return context

    def _file(self, kind: str) -> Path:
        return self._folder / f"{kind.replace(' ', '-')}.pem"

    def _sign(self, kind: str, names: str, days: int) -> None:
        name = self._file(kind).stem
        (self._folder / f"{name}.names").write_text(f"subjectAltName={names}\n")
        for command in (f"{_KEY.format(name)} -subj /CN={name}", _SIGN.format(name, days)):
            subprocess.run(command.split(), cwd=self._folder, check=True, capture_output=True)
