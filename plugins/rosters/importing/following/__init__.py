"""Where what is said of archived classes goes."""
