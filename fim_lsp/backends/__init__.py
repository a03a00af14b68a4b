"""Back ends: pure profiles that write requests and read responses, and ``http_backend.py``, which runs them."""
