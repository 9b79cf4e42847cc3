"""The trail of everything done."""
