"""How often something may be tried: codes, passwords, a class's door."""
