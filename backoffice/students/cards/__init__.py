"""Personal cards: printed with a secret, which lets one child in, and voided."""
