"""Where settings come from, what their values may be, and which of them apply."""
