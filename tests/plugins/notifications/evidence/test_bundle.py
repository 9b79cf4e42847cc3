"""A bundle proves what it holds, and one changed byte shows."""

import hashlib
import io
import json
import subprocess
import zipfile
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from backoffice.privacy.erasure import receipts
from plugins.notifications.evidence import bundle

pytestmark = pytest.mark.usefixtures("world")
FILES = {"incident.json": b"{}\n", "incident.pdf": b"%PDF-"}


def _opened() -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(bundle.pack(FILES))) as packed:
        return {name: packed.read(name) for name in packed.namelist()}


def _verify(found: dict[str, bytes], manifest: bytes) -> None:
    key = load_pem_public_key(found[bundle.KEY])
    assert isinstance(key, Ed25519PublicKey)
    key.verify(found[bundle.SIGNATURE], manifest)


def test_manifest_has_the_hash_of_each_file_and_is_signed() -> None:
    found = _opened()
    told = json.loads(found[bundle.MANIFEST])["files"]
    assert set(told) == {*FILES, bundle.README}
    assert all(hashlib.sha256(found[name]).hexdigest() == told[name] for name in told)
    _verify(found, found[bundle.MANIFEST])


def test_one_changed_byte_shows() -> None:
    found = _opened()
    manifest = bytearray(found[bundle.MANIFEST])
    manifest[10] ^= 1
    with pytest.raises(InvalidSignature):
        _verify(found, bytes(manifest))


def test_same_content_gives_the_same_bytes() -> None:
    assert bundle.pack(FILES) == bundle.pack(FILES)


def test_a_bundle_never_passes_for_a_receipt() -> None:
    found = _opened()
    assert not receipts.is_ours(found[bundle.MANIFEST].decode(), found[bundle.SIGNATURE])


def test_the_command_of_the_readme_checks_it(tmp_path: Path) -> None:
    for name, content in _opened().items():
        (tmp_path / name).write_bytes(content)
    lines = (tmp_path / bundle.README).read_text().splitlines()
    command = next(line.split() for line in lines if line.strip().startswith("openssl"))
    assert subprocess.run(command, cwd=tmp_path, check=False).returncode == 0
    manifest = tmp_path / bundle.MANIFEST
    manifest.write_bytes(manifest.read_bytes() + b" ")
    assert subprocess.run(command, cwd=tmp_path, check=False).returncode != 0
