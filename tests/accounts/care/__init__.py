"""Looking after accounts."""
