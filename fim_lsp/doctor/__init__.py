"""What works on this machine and what does not: each check with its cause and its remedy."""
