"""Forms to authorities: what the law asks to be said, what is known filled in, and that it was handed in."""
