"""Journeys through the real pages with a real browser."""
