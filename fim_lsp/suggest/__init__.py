"""What we show: trimming and shaping what a model wrote. Pure: no clock, no I/O, no asyncio."""
