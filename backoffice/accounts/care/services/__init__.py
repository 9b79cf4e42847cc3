"""What can be done for accounts by those who look after them, one function a verb."""
