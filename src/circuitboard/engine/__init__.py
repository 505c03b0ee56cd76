"""Runs models with interventions, computing no more than they must."""
