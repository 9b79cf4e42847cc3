"""What parents ask of the school about what it keeps of their child, and what is answered."""
