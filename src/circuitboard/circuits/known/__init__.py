"""Transformers with hand-set weights and known circuits: what methods are tried on."""
