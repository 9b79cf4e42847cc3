"""What can be done about a school's staff, one function a verb."""
