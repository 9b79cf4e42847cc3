"""Reading lists that people bring."""
