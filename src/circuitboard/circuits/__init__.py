"""Circuits: tasks that they are behind, and methods that find them."""
