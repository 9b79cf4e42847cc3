"""What an import leaves alone."""
