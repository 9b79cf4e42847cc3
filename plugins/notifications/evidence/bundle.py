"""A bundle of files that proves what it holds: a manifest of their hashes, signed with Ed25519 (RFC 8032).

Whoever has the service's public key from elsewhere checks it with standard tools, and without asking us.
"""

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from backoffice.storage import keyring
from backoffice.storage.keyring import KeyPurpose

MANIFEST, SIGNATURE, KEY, README = "MANIFEST.json", "MANIFEST.sig", "public-key.pem", "README.txt"
FORMAT = 1
# The oldest moment that a ZIP can say: the same content gives the same bytes.
_MOMENT = (1980, 1, 1, 0, 0, 0)
_READ_ME = f"""How to check this bundle
========================

1. Ask the service, by another way than this bundle, for the fingerprint of its public key, and compare it:
   sha256sum {KEY}
   A key that only comes along with what it signs proves nothing about who signed it.
2. Check the signature of the manifest (OpenSSL 3 or newer):
   openssl pkeyutl -verify -pubin -inkey {KEY} -rawin -in {MANIFEST} -sigfile {SIGNATURE}
3. Compare the SHA-256 of each file with the one in {MANIFEST}:
   sha256sum *
   {MANIFEST}, {SIGNATURE} and {KEY} themselves do not stand in it.

If one of them does not fit, the bundle was changed after it was made.
"""


def pack(files: Mapping[str, bytes]) -> bytes:
    """The files as one ZIP, with manifest, signature, public key, and how to check them."""
    inside = {**files, README: _READ_ME.encode()}
    hashes = {name: hashlib.sha256(inside[name]).hexdigest() for name in sorted(inside)}
    manifest = as_json({"format": FORMAT, "hash": "SHA-256", "signature": "Ed25519", "files": hashes})
    inside |= {MANIFEST: manifest, SIGNATURE: _key().sign(manifest), KEY: public_key()}
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as bundle:
        for name in sorted(inside):
            entry = zipfile.ZipInfo(name, _MOMENT)
            entry.compress_type = zipfile.ZIP_DEFLATED
            bundle.writestr(entry, inside[name])
    return packed.getvalue()


def as_json(told: object) -> bytes:
    """A document whose bytes depend on nothing but what it says."""
    return (json.dumps(told, ensure_ascii=False, indent=2, sort_keys=True) + "\n").encode()


def public_key() -> bytes:
    """With which anybody checks a signature, as PEM."""
    return _key().public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def fingerprint() -> str:
    """By what people tell the public key apart on the telephone: the SHA-256 of its file."""
    return hashlib.sha256(public_key()).hexdigest()


def _key() -> Ed25519PrivateKey:
    # From a key of the keyring that is never rotated: old bundles stay good. Not the key of
    # receipts: a bundle must never pass for one.
    seed = keyring.current().digest(KeyPurpose.INDEX, b"signing key of evidence")
    return Ed25519PrivateKey.from_private_bytes(seed)
