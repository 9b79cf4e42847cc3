"""Schools, classrooms, students and points."""
