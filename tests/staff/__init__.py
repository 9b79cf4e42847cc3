"""Tests of invitations and of places that end."""
