"""The console in which teachers, leaders and founders work."""
