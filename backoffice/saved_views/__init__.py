"""Saved views: what a list is narrowed to, its columns and its order, under a name."""
