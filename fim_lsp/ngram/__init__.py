"""The embedded default: a nested cache n-gram model over your own files (Tu et al. 2014; Hellendoorn & Devanbu 2017)."""
