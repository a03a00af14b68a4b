"""The embedded model: a nested cache n-gram model of the user's files (Tu et al. 2014; Hellendoorn & Devanbu 2017)."""
