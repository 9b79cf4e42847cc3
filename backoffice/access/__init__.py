"""Who may do and see what: principal, policy, row-level security."""
