"""Settings: their sources, their allowed values, and which of them apply."""
