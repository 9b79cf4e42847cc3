"""An authenticator in software, as small as WebAuthn allows, which makes every mistake that it is told to."""

import hashlib
import json
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from webauthn.helpers import base64url_to_bytes

PRESENT, VERIFIED, ELIGIBLE, BACKED_UP, WITH_KEY = 0x01, 0x04, 0x08, 0x10, 0x40


@dataclass
class Authenticator:
    """A device with one key pair. Its `count` grows with each use, unless it is 0 for good."""

    origin: str
    count: int = 0
    counts: bool = False
    flags: int = PRESENT | VERIFIED | ELIGIBLE | BACKED_UP
    handle: bytes | None = None
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    credential_id: bytes = field(default_factory=lambda: secrets.token_bytes(32))

    def make(self, options: Mapping[str, Any], **said: Any) -> str:
        """Answer to being asked for a key pair. `said` overrides what the browser says."""
        self.handle = base64url_to_bytes(options["user"]["id"])
        numbers = self.key.public_key().public_numbers()
        public = {1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")}
        attested = (
            bytes(16) + len(self.credential_id).to_bytes(2, "big") + self.credential_id + cbor2.dumps(public)
        )
        auth = self._data(said.pop("party", options["rp"]["id"]), WITH_KEY) + attested
        return self._answer(
            clientDataJSON=self._client("webauthn.create", options, said),
            attestationObject=cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": auth}),
            transports=["internal", "hybrid"],
        )

    def sign(self, options: Mapping[str, Any], **said: Any) -> str:
        """Answer to being asked for a signature."""
        if self.counts:
            self.count += 1
        auth = self._data(said.pop("party", options["rpId"]), 0)
        client = self._client("webauthn.get", options, said)
        signature = self.key.sign(auth + hashlib.sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        return self._answer(
            clientDataJSON=client,
            authenticatorData=auth,
            signature=signature,
            userHandle=self.handle,
        )

    def copy(self) -> "Authenticator":
        """One with the same key and the count as it is now."""
        return replace(self)

    def _data(self, party: str, more: int) -> bytes:
        flags = (self.flags | more).to_bytes(1, "big")
        return hashlib.sha256(party.encode()).digest() + flags + self.count.to_bytes(4, "big")

    def _client(self, kind: str, options: Mapping[str, Any], said: Mapping[str, Any]) -> bytes:
        client = {"type": kind, "challenge": options["challenge"], "origin": self.origin}
        return json.dumps({**client, "crossOrigin": False, **said}).encode()

    def _answer(self, **response: Any) -> str:
        name = encoded(self.credential_id)
        written = {key: encoded(each) if isinstance(each, bytes) else each for key, each in response.items()}
        return json.dumps({"id": name, "rawId": name, "type": "public-key", "response": written})


def encoded(raw: bytes) -> str:
    """In base 64 for addresses, without padding."""
    return urlsafe_b64encode(raw).rstrip(b"=").decode()
