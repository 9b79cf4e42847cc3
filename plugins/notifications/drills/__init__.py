"""Drills: an incident that is played, by a clock that runs faster, with events that come in, and a score."""
