"""Circuits: tasks that ask for them, methods that find them, evaluation, explanation, report."""
