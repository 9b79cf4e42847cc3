"""Every night a made-up child is made, used, taken out as a file and erased, end to end."""
