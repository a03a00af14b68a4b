"""A fake Codestral server, back ends that ask it, and a certificate."""

from tests.fakes.fixtures import certificate, connect, server

__all__ = ["certificate", "connect", "server"]
