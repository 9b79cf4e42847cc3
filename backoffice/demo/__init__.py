"""The demo: a made-up district that a newcomer can try everything on. Never part of an installation."""
