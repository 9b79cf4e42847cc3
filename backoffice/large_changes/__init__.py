"""Changes of so many rows that a worker makes them: kept, followed, stopped, and made once."""
