"""Incidents, notices, and proof that everyone was told."""
