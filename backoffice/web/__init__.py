"""What every page shares: headers, errors, health, public pages."""
