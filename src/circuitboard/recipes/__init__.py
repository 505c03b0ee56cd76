"""Recipes that build the bundled models from nothing but this package."""
