"""What the user has typed. Pure: no clock, no I/O, no asyncio."""
