"""Erasing a subject, so that it can be proved: preview, ledger, one transaction, verification, receipt."""
