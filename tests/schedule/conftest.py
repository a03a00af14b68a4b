"""A fake Codestral server, and back ends that ask it."""

from tests.fakes.fixtures import connect, server

__all__ = ["connect", "server"]
