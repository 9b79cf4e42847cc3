"""What was staged, merged into the tables of the product."""
