"""A file that a passphrase opens, by any program that knows age (https://age-encryption.org/v1).

It is written as it comes, in constant memory. The library for age can do that with keys alone, and takes what
a passphrase is to open as a whole; so the format is written here, of parts that `cryptography` has, and the
library opens it in the tests.
"""

import hmac
import os
from base64 import b64encode
from typing import BinaryIO

from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from plugins.exports.content.sealing import PieceWriter

ENDING = ".age"
_VERSION = b"age-encryption.org/v1"
# What age itself takes: a guess costs a second and 256 MiB, and so does it to lock a file.
_WORK = 18
_SALT, _KEY, _NONCE = 16, 16, 16


def opened_by(public_id: str) -> str:
    """The command that opens the locked file of an export."""
    return f"age --decrypt --output export.zip export-{public_id}.zip{ENDING}"


class LockedWriter(PieceWriter):
    """A file that opens with a passphrase alone. Its pieces are as large as those of age: 64 KiB."""

    def __init__(self, to: BinaryIO | PieceWriter, passphrase: str) -> None:
        key, nonce = os.urandom(_KEY), os.urandom(_NONCE)
        cipher = ChaCha20Poly1305(_derived(key, b"payload", salt=nonce))
        super().__init__(to, cipher, head=_header(key, passphrase) + nonce)


def _header(key: bytes, passphrase: str) -> bytes:
    """The key of the file, wrapped so that the passphrase opens it, and what proves the header."""
    salt = os.urandom(_SALT)
    hard = Scrypt(salt=_VERSION + b"/scrypt" + salt, length=32, n=1 << _WORK, r=8, p=1)
    # The key that wraps is there for this once.
    wrapped = ChaCha20Poly1305(hard.derive(passphrase.encode())).encrypt(bytes(12), key, None)
    said = b"\n".join((_VERSION, b"-> scrypt %b %d" % (_plain(salt), _WORK), _plain(wrapped), b"---"))
    proof = hmac.digest(_derived(key, b"header"), said, "sha256")
    return b"%b %b\n" % (said, _plain(proof))


def _derived(key: bytes, use: bytes, *, salt: bytes | None = None) -> bytes:
    return HKDF(SHA256(), length=32, salt=salt, info=use).derive(key)


def _plain(some: bytes) -> bytes:
    return b64encode(some).rstrip(b"=")
