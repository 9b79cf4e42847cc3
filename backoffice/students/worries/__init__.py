"""What a child tells a grown-up of the school, and what became of it."""
