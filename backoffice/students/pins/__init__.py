"""The four digits that a child may set: checked, counted, required and cleared."""
