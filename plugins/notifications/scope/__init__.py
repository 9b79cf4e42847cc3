"""Whom an incident is about: a set of people that follows from sources, is kept, and is computed again."""
