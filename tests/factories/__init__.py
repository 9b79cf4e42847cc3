"""Making rows for tests."""
