"""Transformers with known circuits, hand-set and trained: what methods are tried on."""
