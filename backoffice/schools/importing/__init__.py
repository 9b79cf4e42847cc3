"""Students from a list that somebody brings: what it may hold, whom it means, and what it would do."""
