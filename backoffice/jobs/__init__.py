"""Work in the background: when it is due, the queue that keeps it, the workers that do it."""
