"""Who has to be told of an incident by when."""
