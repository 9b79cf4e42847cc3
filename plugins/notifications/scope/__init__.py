"""Whom an incident is about, as evidence tells: a set that is computed, kept and computed again."""
