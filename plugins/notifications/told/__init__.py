"""What whoever answers for a school sees of an incident that the school was told of."""
