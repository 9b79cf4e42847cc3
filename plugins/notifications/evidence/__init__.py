"""Proof of an incident for whoever asks for it by law."""
