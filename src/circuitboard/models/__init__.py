"""All that is specific to an architecture or a library."""
