"""How much we may send: requests and tokens a minute, counted here, shared with other processes, corrected by the server."""
