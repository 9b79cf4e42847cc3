"""How the tables of this plugin came to be."""
