"""Whom we trust: the operating system's certificates, and what SSL_CERT_FILE and SSL_CERT_DIR add."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from urllib.parse import urlsplit

import truststore

from fim_lsp.errors import Unreachable


def trust(env: Mapping[str, str], url: str) -> ssl.SSLContext:
    """A context for the connections to ``url``; takes tens of milliseconds, so it is made once and in a thread.

    For http:// no certificate is needed or read, and none is trusted.

    A company's CA that the system knows works unasked; SSL_CERT_FILE and SSL_CERT_DIR do what users of curl, OpenSSL
    and httpx expect, on systems too where OpenSSL is not the one who verifies. Raises
    :class:`~fim_lsp.errors.Unreachable` if they name something that can't be read.
    """
    if urlsplit(url).scheme != "https":
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    for variable, argument in (("SSL_CERT_FILE", "cafile"), ("SSL_CERT_DIR", "capath")):
        place = env.get(variable)
        if not place:
            continue
        try:
            context.load_verify_locations(**{argument: place})
        except (OSError, ValueError) as error:  # ssl.SSLError is one: no certificate inside; no name of a file
            raise Unreachable(f"{variable} names something that holds no readable certificates") from error
    return context
