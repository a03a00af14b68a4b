"""When we send: the life of a completion, from keystroke to answer."""
