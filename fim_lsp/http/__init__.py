"""HTTP for back ends: the client, what fails, and what is read from responses."""
