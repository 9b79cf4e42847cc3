"""What the stored data may and may not show."""
