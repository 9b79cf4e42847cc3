"""Whom misused accounts reached: a set of people that is computed, kept and computed again."""
