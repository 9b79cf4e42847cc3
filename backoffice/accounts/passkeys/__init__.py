"""Passkeys: key pairs on a device of the owner's, which sign in without a password or stand beside it."""
