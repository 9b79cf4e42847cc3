"""Signing in with an identity provider such as Google (OpenID Connect)."""
