"""What can be done with identity providers, one function a verb."""
