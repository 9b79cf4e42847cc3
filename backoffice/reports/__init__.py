"""What anybody reports to us: taken from whoever comes, signed in or not, and looked at by founders."""
