"""Picking one thing of many: in the filters of a list and in forms, with scripts and without."""
