"""Which places in classes a roster gives and ends."""
