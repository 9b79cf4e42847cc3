"""What can be done to classrooms and students: one function a verb."""
