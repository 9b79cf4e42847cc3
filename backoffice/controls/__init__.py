"""The promises as checks on the running system."""
