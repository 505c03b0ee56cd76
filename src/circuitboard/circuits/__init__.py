"""Circuits: found, tried on models whose circuits are known, and looked for at scale."""
