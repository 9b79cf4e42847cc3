"""Figures beside their floors: `make bench` prints them."""
