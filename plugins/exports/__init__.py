"""What is taken along: everything held about somebody, in a form that works elsewhere."""
