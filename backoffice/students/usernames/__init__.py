"""Coming in by a username, where a class shows no list."""
