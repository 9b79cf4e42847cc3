"""Writing files that spreadsheets open, with no cell that they would run."""
