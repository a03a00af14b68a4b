"""HTTP for back ends: the client, its errors, and the decoding of responses."""
