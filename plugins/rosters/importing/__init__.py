"""From records to rows: staged, checked as a whole, merged; all in one transaction."""
