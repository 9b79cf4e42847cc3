"""Receipts: what was erased, when, by whom as what, and that nothing is left. Signed, and naming nobody.

A receipt is a JSON document with sorted keys; its hash is the SHA-256 of that text, and its signature one of
Ed25519 (RFC 8032), so that anybody who has the service's public key can check it without asking us.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from backoffice.privacy.erasure.ledger import Issued
from backoffice.privacy.erasure.models import Erasure
from backoffice.privacy.erasure.plan import MODELS, Plan
from backoffice.privacy.holdings import Subject
from backoffice.storage import keyring
from backoffice.storage.keyring import KeyPurpose

FORMAT = 1
# A child may have told the leaders something past its own teacher, who must not learn of it by erasing: it is
# counted together with the trail, of which there is always something. So are holds that were over before.
UNTOLD, REST = frozenset({"app.worry", "app.audit_detail", "app.legal_hold"}), "others"
METHOD = "rows deleted in PostgreSQL in one transaction, then every table asked again"
IN_STEPS = "rows deleted in PostgreSQL in several transactions, then every table asked again"


def issue(
    row: Erasure, plan: Plan, *, marks: int, backups_kept: timedelta, outside: Sequence[str] = ()
) -> Issued:
    """The receipt of an erasure that has just been verified, signed.

    `outside` are the handlers by which it is erased outside: when they have is told beside the receipt.
    """
    assert row.verified_at is not None
    assert row.erased_at is not None
    document: dict[str, Any] = {
        "format": FORMAT,
        "number": row.public_id,
        "subject": row.subject,
        "asked_as": row.asked_as,
        "method": METHOD if row.rows_planned is None else IN_STEPS,
        "times": {
            name: _said(getattr(row, f"{name}_at"))
            for name in ("asked", "confirmed", "noted", "erased", "verified")
        }
        | ({} if row.held_at is None else {"held": _said(row.held_at), "freed": _said(row.freed_at)}),
        "subjects": plan.subjects(),
        "rows": counts_of(row),
        "left": 0,
        "marks": marks,
        "last_backup_expires": _said(row.erased_at + backups_kept),
    }
    if outside:
        document["outside"] = list(outside)
    receipt = json.dumps(document, sort_keys=True, separators=(",", ":"))
    return Issued(receipt, _key().sign(receipt.encode()), row.school_id)


def subjects_of(told: Mapping[str, Any]) -> int:
    """Of how many of its subject a receipt is."""
    return int(told["subjects"].get(told["subject"], 1))


def gone_by_kind(told: Mapping[str, Any]) -> dict[Subject, int]:
    """How many subjects went of each kind, by what a receipt says: with a school those within it as well.

    These are in no plan one by one; their rows are counted.
    """
    found = {Subject(kind): int(count) for kind, count in told["subjects"].items()}
    for subject in (Subject.CLASSROOM, Subject.STUDENT):
        model: Any = MODELS[subject]
        if within := told["rows"].get(model.__table__.fullname):
            found[subject] = within
    return found


def counted(counts: Mapping[str, int]) -> str:
    """How many rows went by table, as an erasure keeps it."""
    return "\n".join(f"{table} {count}" for table, count in sorted(told(counts).items()) if count)


def told(counts: Mapping[str, int]) -> Counter[str]:
    """Rows by table, for whoever asked for an erasure: what is nobody's to know by it is not told apart."""
    found = Counter[str]()
    for table, count in counts.items():
        found[REST if table.partition(" ")[0] in UNTOLD else table] += count
    return found


def counts_of(row: Erasure) -> dict[str, int]:
    """How many rows went, by table."""
    lines = (line.rpartition(" ") for line in (row.counts or "").splitlines())
    return {table: int(count) for table, _, count in lines}


def hash_of(receipt: str) -> str:
    """The hash by which a receipt is checked, 64 hexadecimal digits."""
    return hashlib.sha256(receipt.encode()).hexdigest()


def is_ours(receipt: str, signature: bytes) -> bool:
    """Whether this service signed it so."""
    try:
        _key().public_key().verify(signature, receipt.encode())
    except InvalidSignature:
        return False
    return True


def public_key() -> Ed25519PublicKey:
    """With which anybody checks a signature."""
    return _key().public_key()


def read(receipt: str) -> Mapping[str, Any]:
    """The document."""
    told: Mapping[str, Any] = json.loads(receipt)
    return told


def _key() -> Ed25519PrivateKey:
    # From a key of the keyring that is never rotated: old receipts stay good.
    seed = keyring.current().digest(KeyPurpose.INDEX, b"signing key of receipts")
    return Ed25519PrivateKey.from_private_bytes(seed)


def _said(at: datetime | None) -> str | None:
    return at.isoformat(timespec="milliseconds") if at else None
