"""The core's schema, step by step. A script that has been released is never edited."""
