"""Fields of a school's own, on its students and classes, and what is written in them."""
