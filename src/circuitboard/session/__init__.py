"""The board, its worker thread, and the watcher of changes from outside."""
