"""Calling a district's own system when its schools are told of a breach: signed, and tried again."""
