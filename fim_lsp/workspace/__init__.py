"""The files of a workspace: which may be sent or read, how they are found and read. No network."""
