"""One editor's connection without LSP: settings, documents, back ends and the scheduler brought together."""
