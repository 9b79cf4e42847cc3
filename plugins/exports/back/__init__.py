"""Bringing an export back in: what is read of it, what is taken in and what is not, and writing it."""
