"""Reading a roster: from a folder or a zip to checked records, one at a time, in constant memory."""
