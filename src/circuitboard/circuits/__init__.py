"""Circuits: tasks that ask for them, found, measured, explained; one at a time or at scale."""
