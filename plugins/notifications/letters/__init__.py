"""Letters: to schools as such, and in care of their school to whom no mail could reach."""
