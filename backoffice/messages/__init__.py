"""Messages: what somebody is told stays with them to look for later, beside the mail that says it."""
