"""The editor's side, and the only room that imports pygls and lsprotocol."""
