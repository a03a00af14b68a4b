"""What we send: the window round the cursor, cut to a budget. Pure: no clock, no I/O, no asyncio."""
