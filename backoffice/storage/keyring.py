"""The keys, which live in a file outside the database and its backups.

A keyring holds keys for several purposes. Each key has a number; the highest one of a purpose is in
use, older ones only open what they once sealed. Purposes never share a key, so that one that leaks
(the signing key of sessions, say) opens nothing else.

Keys change while processes run. A process looks at its file again every second, and at once when it meets
a key number that it does not know; so whoever has put a new key into the file may use it.
"""

import base64
import hmac
import json
import os
import secrets
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import TextIO

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC

KEY_BYTES = 32
LOOK_EVERY = 1.0  # seconds between two looks at the file


class KeyPurpose(StrEnum):
    """What a key is for."""

    SEAL = "seal"
    INDEX = "index"
    USERNAME = "username"
    PIN = "pin"
    TOKEN = "token"  # noqa: S105 - the name of a purpose, not a secret
    STUDENT_JWT = "student-jwt"
    SECRET = "secret"  # noqa: S105


# What an old key of these did can be done again by the new one. What the others digest is not kept.
ROTATED = (KeyPurpose.SEAL, KeyPurpose.STUDENT_JWT)


class Stage(StrEnum):
    """How far a rotation is that stops for copies of the file on other machines."""

    PREPARED = "prepared"  # the newest keys are known and not used yet
    STARTED = "started"  # they are used, and the old ones are kept until every copy says so too


class KeyringError(Exception):
    """The keyring is missing, damaged or not the one of this database; says what to do."""


@dataclass(frozen=True, repr=False)
class Keyring:
    """Keys by purpose and number."""

    keys: Mapping[KeyPurpose, Mapping[int, bytes]]
    # Since when keys are in use, where they are not the first.
    since: Mapping[KeyPurpose, Mapping[int, datetime]] = field(default_factory=dict)
    stage: Stage | None = None
    # The file that it was read from, and what told that version of it from others.
    source: Path | None = field(default=None, compare=False)
    _version: tuple[int, ...] = field(default=(), compare=False)
    # Keys that have gone from the file since: somebody may be reading rows as they were before.
    _gone: Mapping[int, bytes] = field(default_factory=dict, compare=False)
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
            version = _version(path)
            stored = json.loads(path.read_text("ascii"))
            keys = {
                purpose: {int(n): _decode(key) for n, key in stored["keys"][purpose].items()}
                for purpose in KeyPurpose
            }
            since = {
                KeyPurpose(purpose): {int(n): datetime.fromisoformat(at) for n, at in moments.items()}
                for purpose, moments in stored.get("since", {}).items()
            }
            stage = Stage(stored["stage"]) if "stage" in stored else None
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
        return cls(keys, since, stage, source=path, _version=version)

    def write(self, path: Path) -> None:
        """Store the keyring for its owner's eyes only, never over an existing file. Raises `KeyringError`."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "w", encoding="ascii") as file:
                self._put(file)
        except OSError as error:
            raise KeyringError(
                f"The keyring {path} cannot be written: {error.strerror}."
                " Choose another folder with BACKOFFICE_DATA_DIR."
            ) from None

    def write_over(self, path: Path) -> None:
        """Put this keyring in the place of the one in the file, whole or not at all. Raises `KeyringError`.

        The file stays its owner's, so that whoever runs the command locks no process out.
        """
        path = path.resolve()
        new = path.with_name(f".{path.name}.new")
        try:
            owner = path.stat()
            new.unlink(missing_ok=True)
            handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "w", encoding="ascii") as file:
                if (owner.st_uid, owner.st_gid) != (os.geteuid(), os.getegid()):
                    os.fchown(handle, owner.st_uid, owner.st_gid)
                self._put(file)
            new.replace(path)
            folder = os.open(path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        except OSError as error:
            with suppress(OSError):
                new.unlink(missing_ok=True)
            raise KeyringError(
                f"The keyring {path} cannot be changed: {error.strerror}. Run this as the file's owner, or on"
                " a copy named by BACKOFFICE_KEYRING_FILE, and put that in its place on every machine."
            ) from None

    def _put(self, file: TextIO) -> None:
        stored: dict[str, object] = {
            "keys": {
                purpose: {str(n): base64.b64encode(key).decode() for n, key in numbered.items()}
                for purpose, numbered in self.keys.items()
            }
        }
        if any(self.since.values()):
            stored["since"] = {
                purpose: {str(n): at.isoformat() for n, at in moments.items()}
                for purpose, moments in self.since.items()
            }
        if self.stage is not None:
            stored["stage"] = self.stage
        file.write(json.dumps(stored, indent=1))
        file.flush()
        os.fsync(file.fileno())

    def newest(self, purpose: KeyPurpose) -> tuple[int, bytes]:
        """Number and key in use for a purpose."""
        number = self.number_in_use(purpose)
        return number, self.keys[purpose][number]

    def number_in_use(self, purpose: KeyPurpose) -> int:
        """The highest number of a purpose; while that is only prepared, the one below."""
        numbers = sorted(self.keys[purpose])
        return numbers[-2] if self.waits(purpose) else numbers[-1]

    def waits(self, purpose: KeyPurpose) -> bool:
        """Whether the newest key of a purpose is prepared and not used yet."""
        return self.stage is Stage.PREPARED and purpose in ROTATED and len(self.keys[purpose]) > 1

    def old(self, purpose: KeyPurpose) -> list[int]:
        """The numbers of the keys that came before the one in use."""
        return sorted(n for n in self.keys[purpose] if n < self.number_in_use(purpose))

    def seal(self, plain: bytes, *, context: str) -> bytes:
        """Encrypt by AES-256-GCM: key number (2 bytes), nonce (12), ciphertext and tag.

        `context` (table and column) is authenticated: a value moved to another column does not open.
        """
        return self.sealing(context)(plain)

    def sealing(self, context: str) -> Callable[[bytes], bytes]:
        """`seal` for many values of one column."""
        number = self._sealing
        head, encrypt, authenticated = number.to_bytes(2), self._cipher(number).encrypt, context.encode()

        def seal(plain: bytes) -> bytes:
            # Never from a store of random bytes: two processes after a fork would share it.
            nonce = os.urandom(12)
            return head + nonce + encrypt(nonce, plain, authenticated)

        return seal

    def open(self, sealed: bytes, *, context: str) -> bytes:
        """The plain value. Raises `KeyringError` if this keyring or context did not seal it."""
        number = int.from_bytes(sealed[:2])
        cipher = self._ciphers.get(number)
        if cipher is None:
            _meet(self, number)
        try:
            return (cipher or self._cipher(number)).decrypt(sealed[2:14], sealed[14:], context.encode())
        except Exception as error:
            raise _broken() from error

    def opening(self, context: str) -> Callable[[bytes], bytes]:
        """`open` for many values of one column."""
        ways: dict[bytes, Callable[[bytes, bytes, bytes], bytes]] = {}
        authenticated = context.encode()

        def opened(sealed: bytes) -> bytes:
            way = ways.get(sealed[:2])
            if way is None:
                # It is told apart there what is wrong with it, if anything is.
                plain = self.open(sealed, context=context)
                ways[sealed[:2]] = self._cipher(int.from_bytes(sealed[:2])).decrypt
                return plain
            try:
                return way(sealed[2:14], sealed[14:], authenticated)
            except Exception as error:
                raise _broken() from error

        return opened

    def blind_index(self, value: str, *, context: str) -> bytes:
        """A keyed digest (16 bytes) that finds equal values without showing them."""
        return self.digest(KeyPurpose.INDEX, f"{context}\0{value}".encode())[:16]

    def digest(self, purpose: KeyPurpose, value: bytes) -> bytes:
        """HMAC-SHA256 under the newest key of a purpose, 32 bytes."""
        return hmac.digest(self._in_use[purpose], value, "sha256")

    def digesting(self, purpose: KeyPurpose, beginning: bytes) -> Callable[[bytes], bytes]:
        """`digest` of many values that begin alike, by what comes after: a third of the time for each."""
        begun = HMAC(self._in_use[purpose], SHA256())
        begun.update(beginning)

        def digest(rest: bytes) -> bytes:
            made = begun.copy()
            made.update(rest)
            return made.finalize()

        return digest

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

    @cached_property
    def _sealing(self) -> int:
        return self.number_in_use(KeyPurpose.SEAL)

    @cached_property
    def _in_use(self) -> Mapping[KeyPurpose, bytes]:
        return {purpose: self.newest(purpose)[1] for purpose in self.keys}

    def _cipher(self, number: int) -> AESGCM:
        if number not in self._ciphers:
            key = self.keys[KeyPurpose.SEAL].get(number) or self._gone.get(number)
            if key is None:
                # The file has it since: whoever holds this object may go on.
                key = current().keys[KeyPurpose.SEAL][number]
            self._ciphers[number] = AESGCM(key)
        return self._ciphers[number]


def _broken() -> KeyringError:
    return KeyringError("A sealed value does not open with this keyring. Is it the keyring of this database?")


_installed: Keyring | None = None
_looked = 0.0
_looking = Lock()


def install(keyring: Keyring) -> None:
    """Make this the keyring of the process."""
    global _installed  # noqa: PLW0603 - a process has one keyring, as it has one environment
    _installed = keyring


def current() -> Keyring:
    """The keyring of the process, as its file says now. Raises `KeyringError` before `install`."""
    if _installed is None:
        raise KeyringError("No keyring is installed in this process.")
    if time.monotonic() - _looked >= LOOK_EVERY:
        look_again()
    return _installed


def look_again() -> bool:
    """Read the file again if it has changed; whether it had.

    One that is missing, damaged or of another database changes nothing: what works goes on working.
    """
    global _looked  # noqa: PLW0603
    with _looking:
        _looked = time.monotonic()
        known = _installed
        if known is None or known.source is None:
            return False
        try:
            if _version(known.source) == known._version:  # noqa: SLF001
                return False
            found = Keyring.read(known.source)
        except (OSError, KeyringError):
            return False
        if any(found.keys[each] != known.keys[each] for each in KeyPurpose if each not in ROTATED):
            return False
        gone = {**known._gone, **known.keys[KeyPurpose.SEAL]}  # noqa: SLF001
        install(replace(found, _gone=gone, _ciphers={}))
        return True


def _meet(ring: Keyring, number: int) -> None:
    """What is done about a sealed value under a key that this ring has opened nothing with yet."""
    known = _installed
    if known is None:
        return
    if number not in ring.keys[KeyPurpose.SEAL] and number not in known.keys[KeyPurpose.SEAL]:
        look_again()
    elif ring is known and ring.waits(KeyPurpose.SEAL) and number > ring.number_in_use(KeyPurpose.SEAL):
        # Another machine uses it, so all have it by now.
        install(replace(ring, stage=Stage.STARTED, _ciphers={}))


def _version(path: Path) -> tuple[int, ...]:
    found = path.stat()
    return found.st_mtime_ns, found.st_ino, found.st_size


def _decode(text: str) -> bytes:
    key = base64.b64decode(text, validate=True)
    if len(key) != KEY_BYTES:
        raise ValueError("wrong key length")
    return key
