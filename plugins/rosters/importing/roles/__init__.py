"""Which teaching roles a roster gives and ends."""
