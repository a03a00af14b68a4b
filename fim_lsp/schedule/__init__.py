"""When we send: one completion's life, from keystroke to answer."""
