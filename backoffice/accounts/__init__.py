"""Accounts: people who sign in with credentials."""
