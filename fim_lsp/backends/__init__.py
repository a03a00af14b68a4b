"""To whom we send: one file a back end, building a request and reading a reply, pure; ``http.py`` alone talks."""
