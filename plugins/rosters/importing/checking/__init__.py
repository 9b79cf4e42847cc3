"""Whether everything that was staged fits together."""
