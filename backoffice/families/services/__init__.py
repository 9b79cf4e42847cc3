"""What can be done about families, one function a verb."""
