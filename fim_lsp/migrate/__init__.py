"""Settings of other programs that complete code, as far as they have a counterpart. Nothing of them is executed."""
