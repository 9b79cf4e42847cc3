"""Changing keys while the service runs."""
