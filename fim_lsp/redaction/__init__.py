"""Secrets in text: found, replaced by placeholders, and restored in the reply. Pure: no clock, no I/O, no asyncio."""
