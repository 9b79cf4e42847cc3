"""What a grid is declared from: filters, spans of days, columns and the orders of rows, each as data."""
