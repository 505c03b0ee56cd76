"""Analyses: one file each, each a caller of the engine."""
