"""Records on their way in: digested and sealed, then copied into temporary tables."""
