"""Random tokens in cookies and links. Only their digest is stored."""

from backoffice.storage import keyring
from backoffice.storage.keyring import KeyPurpose


def token_digest(token: str) -> bytes:
    """What is stored of a token: a keyed digest, 32 bytes."""
    return keyring.current().digest(KeyPurpose.TOKEN, token.encode("utf-8", "replace"))
