"""What a prompt contains of other files: finding it, ranking it."""
