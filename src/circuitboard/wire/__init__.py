"""Messages between the board and its screens."""
