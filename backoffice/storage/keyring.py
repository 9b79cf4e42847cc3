"""The keys, which live in a file outside the database and its backups.

A keyring holds keys for several purposes. Each key has a number; the highest one of a purpose is in
use, older ones only open what they once sealed. Purposes never share a key, so that one that leaks
(the signing key of sessions, say) opens nothing else.
"""

import base64
import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES = 32


class KeyPurpose(StrEnum):
    """What a key is for."""

    SEAL = "seal"
    INDEX = "index"
    USERNAME = "username"
    PIN = "pin"
    TOKEN = "token"  # noqa: S105 - the name of a purpose, not a secret
    STUDENT_JWT = "student-jwt"
    SECRET = "secret"  # noqa: S105


class KeyringError(Exception):
    """The keyring is missing, damaged or not the one of this database; says what to do."""


@dataclass(frozen=True, repr=False)
class Keyring:
    """Keys by purpose and number."""

    keys: Mapping[KeyPurpose, Mapping[int, bytes]]
    _ciphers: dict[int, AESGCM] = field(default_factory=dict, compare=False)

    @classmethod
    def generate(cls) -> "Keyring":
        """A new keyring with one random key for every purpose."""
        return cls({purpose: {1: secrets.token_bytes(KEY_BYTES)} for purpose in KeyPurpose})

    @classmethod
    def read(cls, path: Path) -> "Keyring":
        """The keyring in a file. Raises `KeyringError`."""
        try:
            if path.stat().st_mode & 0o077:
                raise KeyringError(f"Other users can read the keyring {path}. Run: chmod 600 {path}")
            stored = json.loads(path.read_text("ascii"))["keys"]
            keys = {
                purpose: {int(n): _decode(key) for n, key in stored[purpose].items()}
                for purpose in KeyPurpose
            }
        except FileNotFoundError:
            raise KeyringError(
                f"The keyring {path} is missing. Put the file back from where it is kept;"
                " without it nobody can read this database."
            ) from None
        except OSError as error:
            raise KeyringError(f"The keyring {path} cannot be read: {error.strerror}.") from None
        except (ValueError, KeyError, AttributeError, TypeError):
            raise KeyringError(f"The keyring {path} is damaged. Put back a good copy.") from None
        if not all(keys.values()):
            raise KeyringError(f"The keyring {path} lacks a key. Put back a good copy.")
        return cls(keys)

    def write(self, path: Path) -> None:
        """Store the keyring for its owner's eyes only, never over an existing file. Raises `KeyringError`."""
        text = json.dumps(
            {
                "keys": {
                    purpose: {str(n): base64.b64encode(key).decode() for n, key in numbered.items()}
                    for purpose, numbered in self.keys.items()
                }
            },
            indent=1,
        )
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "w", encoding="ascii") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise KeyringError(
                f"The keyring {path} cannot be written: {error.strerror}."
                " Choose another folder with BACKOFFICE_DATA_DIR."
            ) from None

    def newest(self, purpose: KeyPurpose) -> tuple[int, bytes]:
        """Number and key in use for a purpose."""
        number = max(self.keys[purpose])
        return number, self.keys[purpose][number]

    def seal(self, plain: bytes, *, context: str) -> bytes:
        """Encrypt by AES-256-GCM: key number (2 bytes), nonce (12), ciphertext and tag.

        `context` (table and column) is authenticated: a value moved to another column does not open.
        """
        return self.sealing(context)(plain)

    def sealing(self, context: str) -> Callable[[bytes], bytes]:
        """`seal` for many values of one column."""
        number = max(self.keys[KeyPurpose.SEAL])
        head, encrypt, authenticated = number.to_bytes(2), self._cipher(number).encrypt, context.encode()

        def seal(plain: bytes) -> bytes:
            # Never from a store of random bytes: two processes after a fork would share it.
            nonce = os.urandom(12)
            return head + nonce + encrypt(nonce, plain, authenticated)

        return seal

    def open(self, sealed: bytes, *, context: str) -> bytes:
        """The plain value. Raises `KeyringError` if this keyring or context did not seal it."""
        number = int.from_bytes(sealed[:2])
        try:
            return self._cipher(number).decrypt(sealed[2:14], sealed[14:], context.encode())
        except Exception as error:
            raise KeyringError(
                "A sealed value does not open with this keyring. Is it the keyring of this database?"
            ) from error

    def blind_index(self, value: str, *, context: str) -> bytes:
        """A keyed digest (16 bytes) that finds equal values without showing them."""
        return self.digest(KeyPurpose.INDEX, f"{context}\0{value}".encode())[:16]

    def digest(self, purpose: KeyPurpose, value: bytes) -> bytes:
        """HMAC-SHA256 under the newest key of a purpose, 32 bytes."""
        return hmac.digest(self.newest(purpose)[1], value, hashlib.sha256)

    def username_digest(self, username: str, *, school: str) -> str:
        """The 32 hex digits that stand for a student's username: HMAC-MD5, keyed outside the database.

        The published policy promises MD5. A bare MD5 falls to a dictionary in seconds; under a key it
        does not. `school` keeps equal usernames of two schools apart.
        """
        key = self.newest(KeyPurpose.USERNAME)[1]
        return hmac.digest(key, f"{school}\0{username.casefold()}".encode(), "md5").hex()

    def derive(self, name: str) -> str:
        """A secret (43 characters) for one named use, derived from the root secret."""
        derived = self.digest(KeyPurpose.SECRET, name.encode())
        return base64.urlsafe_b64encode(derived).decode().rstrip("=")

    def _cipher(self, number: int) -> AESGCM:
        if number not in self._ciphers:
            self._ciphers[number] = AESGCM(self.keys[KeyPurpose.SEAL][number])
        return self._ciphers[number]


_installed: Keyring | None = None


def install(keyring: Keyring) -> None:
    """Make this the keyring of the process."""
    global _installed  # noqa: PLW0603 - a process has one keyring, as it has one environment
    _installed = keyring


def current() -> Keyring:
    """The keyring of the process. Raises `KeyringError` before `install`."""
    if _installed is None:
        raise KeyringError("No keyring is installed in this process.")
    return _installed


def _decode(text: str) -> bytes:
    key = base64.b64decode(text, validate=True)
    if len(key) != KEY_BYTES:
        raise ValueError("wrong key length")
    return key
