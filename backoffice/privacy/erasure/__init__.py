"""Erasing a subject, so that it can be proved: preview, ledger, deletion, verification, receipt."""
