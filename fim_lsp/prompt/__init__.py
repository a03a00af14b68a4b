"""What we send: the window around the cursor, cut to a budget. Pure: no clock, no I/O, no asyncio."""
