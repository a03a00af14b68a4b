"""The command line: serving, and printing one completion."""
