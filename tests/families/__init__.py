"""Tests of parents, their links to children and what they see."""
