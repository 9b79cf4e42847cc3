"""The back office of a classroom app: the core, which knows no plugin."""
