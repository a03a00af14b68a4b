"""One editor's connection without LSP: combines settings, documents, back ends and the scheduler."""
