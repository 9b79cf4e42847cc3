"""Writing the trail. Every service writes its entry in its own transaction."""

import hashlib
import hmac
import json
import secrets
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any
from uuid import UUID

from backoffice import clock
from backoffice.access.principal import Kind, Principal
from backoffice.access.transaction import Transaction
from backoffice.audit.models import AuditDetail, AuditEntry
from backoffice.storage import about, keyring
from backoffice.storage.keyring import KeyPurpose
from backoffice.storage.lists import in_lists, insertion
from backoffice.storage.public_id import new_public_id

# The names of a detail's numbers that are those of a subject; all others number something else.
SUBJECTS = {
    "student": about.STUDENT,
    "students": about.STUDENT,
    "merged": about.STUDENT,
    "classroom": about.CLASSROOM,
    "classrooms": about.CLASSROOM,
    "target": about.CLASSROOM,
    "made": about.CLASSROOM,
    "renamed": about.CLASSROOM,
    "ended_classrooms": about.CLASSROOM,
    "account": about.ACCOUNT,
    "accounts": about.ACCOUNT,
    "heir": about.ACCOUNT,
}


class Answer(StrEnum):
    """What verifying a detail of the trail comes to."""

    FITS = "fits"
    REDACTED = "redacted"  # somebody erased was taken out of it: nobody can tell any more
    DIFFERS = "differs"


def record(tx: Transaction, verb: str, *, school_id: int | None = None, **detail: Any) -> None:
    """Note that the transaction's principal did `verb` ("classrooms.create").

    `detail` holds internal numbers and fixed words, no names; it is sealed and forgotten in time. The
    entry keeps a commitment to it: HMAC-SHA256 over a random nonce and the canonical detail.
    """
    record_each(tx, verb, [(school_id, detail)])


def record_each(
    tx: Transaction,
    verb: str,
    details: Sequence[tuple[int | None, Mapping[str, Any]]],
    *,
    found_by: str | None = None,
) -> None:
    """Note it once for each of these, with its school; three statements, however many they are.

    By the public identifier `found_by`, which is no subject's, details are found as long as they are whole.
    """
    outside = [about.outside(found_by)] if found_by else []
    principal, now = tx.principal, clock.now()
    entries, kept = [], []
    for entry_id, (school_id, detail) in zip(tx.take_ids(AuditEntry, len(details)), details, strict=True):
        whole = {"actor": _actor(principal), **detail}
        nonce = secrets.token_bytes(16)
        entries.append(
            {
                "id": entry_id,
                "public_id": new_public_id(),
                "at": now,
                "school_id": school_id,
                "verb": verb,
                "actor_kind": principal.kind,
                "commitment": commitment(nonce, whole),
            }
        )
        kept.append(
            {
                "entry_id": entry_id,
                "at": now,
                "school_id": school_id,
                "nonce": nonce,
                "detail": whole,
                "about": sorted({*subjects_of(whole), *outside}),
                "redacted": False,
                "address": principal.credential.address,
            }
        )
    for model, rows in ((AuditEntry, entries), (AuditDetail, kept)):
        if rows:
            table: Any = model.__table__
            names = tuple(rows[0])
            tx.execute(insertion(table, names), in_lists(table, names, rows))


def record_by_school(
    tx: Transaction, verb: str, things: Iterable[tuple[int | None, Mapping[str, int]]]
) -> None:
    """Note what was done to many things at once: one entry a school, with the numbers of all of its things.

    `things` are their schools and numbers ({"link": 7, "student": 3}); an entry has lists of these ("links").
    """
    by_school: dict[int | None, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for school, numbers in things:
        for name, number in numbers.items():
            by_school[school][f"{name}s"].append(number)
    record_each(tx, verb, [(school, dict(listed)) for school, listed in by_school.items()])


def subjects_of(detail: Mapping[str, Any]) -> list[UUID]:
    """The marks of everybody and every class that a detail is about, its actor among them."""
    found: list[UUID] = []
    for name, value in (*detail.items(), *detail.get("actor", {}).items()):
        kind = kind_of(name, value)
        if kind is not None and value is not None:
            found += about.marks(kind, value if isinstance(value, list | tuple) else [value])
    return sorted(set(found))


def kind_of(name: str, value: Any) -> str | None:
    """Of what kind of subject a detail has numbers by this name; None if they number something else."""
    if name == "ended" and isinstance(value, list | tuple):
        # So the beginning of a school year named the classes that it ended, at first.
        return about.CLASSROOM
    return SUBJECTS.get(name)


def commitment(nonce: bytes, detail: dict[str, Any]) -> bytes:
    """What an entry keeps of its detail, 32 bytes."""
    canonical = json.dumps(detail, sort_keys=True, separators=(",", ":")).encode()
    return keyring.current().digest(KeyPurpose.INDEX, nonce + hashlib.sha256(canonical).digest())


def answer(committed: bytes, detail: AuditDetail) -> Answer:
    """Whether a detail is what its entry keeps a commitment to."""
    if detail.redacted or detail.nonce is None:
        return Answer.REDACTED
    fits = hmac.compare_digest(commitment(bytes(detail.nonce), detail.detail), bytes(committed))
    return Answer.FITS if fits else Answer.DIFFERS


def _actor(principal: Principal) -> dict[str, Any]:
    match principal.kind:
        case Kind.ACCOUNT:
            return {"account": principal.account_id, "session": principal.session_id}
        case Kind.STUDENT:
            return {"student": principal.student_id, "session": principal.session_id}
        case Kind.SYSTEM:
            return {"purpose": getattr(principal.credential, "name", "")}
        case Kind.NOBODY:
            return {}
