"""How much we may send: requests and tokens a minute, counted here, shared with others, corrected by the server."""
