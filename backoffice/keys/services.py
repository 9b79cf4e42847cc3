"""Rotating keys. Each step may be killed and repeated: it finds what is done and does the rest.

Nothing is sealed under a key before the keyring's file holds it, and no key leaves the file before nothing
lies under it and nobody can be about to seal with it.
"""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import MetaData

from backoffice import clock
from backoffice.access.permissions import KEYS_ROTATE
from backoffice.access.policy import require
from backoffice.access.principal import Principal
from backoffice.access.transaction import transaction
from backoffice.audit.trail import record
from backoffice.keys import queries
from backoffice.keys.queries import SealedRow, SealedTable
from backoffice.storage import keyring
from backoffice.storage.installation import Installation
from backoffice.storage.keyring import ROTATED, KeyPurpose, Keyring, KeyringError, Stage
from backoffice.storage.sealed import Sealed

# A process seals with the old key until it looks at the file, and writes what it has sealed a little later.
GRACE = timedelta(seconds=60)
PASSES, BETWEEN_PASSES = 30, 1.0  # over rows that somebody was working on
PATIENCE = timedelta(minutes=15)
_LONG_AGO = datetime.min.replace(tzinfo=UTC)

Progress = Callable[[str, int], object]
Say = Callable[[str], object]


class KeysError(Exception):
    """A rotation cannot go on now; says why and what to do."""


@dataclass
class Resealed:
    """What sealing anew came to: rows changed, rows still to be done, values that do not open, by column."""

    rows: int = 0
    left: int = 0
    unreadable: Counter[str] = field(default_factory=Counter)


def prepare_keys(*, principal: Principal, path: Path) -> None:
    """Put new keys into the file that nobody uses yet, so that it can be copied to other machines.

    Raises `KeysError` while a rotation is under way, `KeyringError` for a file that cannot be changed.
    """
    ring = Keyring.read(path)
    if ring.stage or ring.old(KeyPurpose.SEAL):
        raise KeysError("A rotation is under way. Finish it first; see: backoffice keys list")
    _change(principal, path, "keys.prepare", _with_new_keys(ring, stage=Stage.PREPARED))


def use_new_keys(*, principal: Principal, path: Path) -> Stage | None:
    """Begin to use new keys: those prepared, else fresh ones. A rotation that is under way goes on as it is.

    Returns the stage that stops for copies, if that is how it was begun. Raises `KeyringError`.
    """
    ring = Keyring.read(path)
    if ring.stage is Stage.PREPARED:
        ring = replace(_used_from_now(ring), stage=Stage.STARTED)
    elif ring.stage is Stage.STARTED or ring.old(KeyPurpose.SEAL):
        return ring.stage
    else:
        ring = _used_from_now(_with_new_keys(ring, stage=None))
    _change(principal, path, "keys.rotate", ring)
    return ring.stage


def reseal(*, principal: Principal, metadatas: Sequence[MetaData], progress: Progress) -> Resealed:
    """Seal everything anew that lies under another key than the one in use.

    In short transactions that wait for nobody; rows in use are tried again. What does not open stays.
    """
    tables = queries.sealed_tables(metadatas)
    # First of all, so that a machine that lacks the key is told by its readiness.
    tables.sort(key=lambda each: each.table is not Installation.__table__)
    done = Resealed()
    for attempt in range(PASSES):
        if attempt:
            time.sleep(BETWEEN_PASSES)
        done.unreadable.clear()
        skipped = sum(_reseal_table(principal, each, done, progress) for each in tables)
        done.left = skipped
        if not skipped:
            break
    if done.rows:
        with transaction(principal) as tx:
            require(tx.principal, KEYS_ROTATE)
            record(tx, "keys.reseal", key=_in_use(), rows=done.rows)
    return done


def retire_seal_keys(
    *,
    principal: Principal,
    path: Path,
    metadatas: Sequence[MetaData],
    progress: Progress,
    say: Say,
    grace: timedelta = GRACE,
) -> list[int]:
    """Take the old seal keys out of the file once nothing needs them; their numbers.

    Waits until no process can be about to write what it sealed before the new key was in use. Raises
    `KeysError` if something still lies under an old key.
    """
    ring = Keyring.read(path)
    old = ring.old(KeyPurpose.SEAL)
    if ring.stage is Stage.PREPARED or not (old or ring.stage):
        return []
    begun = ring.since.get(KeyPurpose.SEAL, {}).get(ring.number_in_use(KeyPurpose.SEAL), _LONG_AGO)
    _wait_for_writers(principal, begun + grace if begun > _LONG_AGO else begun, say)
    done = reseal(principal=principal, metadatas=metadatas, progress=progress)
    _refuse_what_is_left(done)
    with transaction(principal) as tx:
        foreign = queries.unmapped_with_seals(tx, metadatas, numbers=old)
    if foreign:
        raise KeysError(
            f"The old key is kept: {', '.join(foreign)} may be sealed with it and belong to no installed"
            " plugin. Install that plugin, or drop its tables."
        )
    _change(principal, path, "keys.retire", replace(_without(ring, KeyPurpose.SEAL, old), stage=None))
    return old


def retire_signing_keys(
    *, principal: Principal, path: Path, overlap: timedelta
) -> dict[int, datetime | None]:
    """Take old keys of student tokens out of the file when nothing signed with them can be valid any more.

    Returns the old keys: None for one that is gone now, else until when it is kept.
    """
    ring = Keyring.read(path)
    since = ring.since.get(KeyPurpose.STUDENT_JWT, {})
    numbers = sorted(ring.keys[KeyPurpose.STUDENT_JWT])
    found: dict[int, datetime | None] = {}
    for number in ring.old(KeyPurpose.STUDENT_JWT):
        followed = since.get(numbers[numbers.index(number) + 1], _LONG_AGO)
        found[number] = followed + overlap if followed > clock.now() - overlap else None
    gone = [number for number, kept in found.items() if kept is None]
    if gone:
        _change(principal, path, "keys.retire", _without(ring, KeyPurpose.STUDENT_JWT, gone))
    return found


def _reseal_table(principal: Principal, sealed: SealedTable, done: Resealed, progress: Progress) -> int:
    """Seal a table's values anew; how many rows were passed over because somebody works on them."""
    after, unreadable_rows, rows = None, 0, 0
    while True:
        with transaction(principal) as tx:
            require(tx.principal, KEYS_ROTATE)
            taken = queries.take_rows(tx, sealed, beside=_in_use(), after=after)
            new = [_anew(sealed, row, done.unreadable) for row in taken]
            changed = [row for row, was in zip(new, taken, strict=True) if row != was]
            if changed:
                queries.put_rows(tx, sealed, changed)
        rows += len(changed)
        unreadable_rows += len(taken) - len(changed)
        if changed:
            progress(str(sealed.table), rows)
        if len(taken) < sealed.rows_at_once:
            break
        after = taken[-1].key
    done.rows += rows
    with transaction(principal) as tx:
        left = queries.rows_under_another(tx, sealed, beside=_in_use())
    return max(left - unreadable_rows, 0)


def _anew(sealed: SealedTable, row: SealedRow, unreadable: Counter[str]) -> SealedRow:
    ring, known = keyring.current(), queries.prefix(_in_use())
    values: list[bytes | None] = []
    for value, column in zip(row.values, sealed.columns, strict=True):
        new = value
        if value is not None and not value.startswith(known):
            assert isinstance(column.type, Sealed)
            context = column.type.context
            try:
                new = ring.seal(ring.open(value, context=context), context=context)
            except KeyringError:
                unreadable[f"{sealed.table}.{column.name}"] += 1
        values.append(new)
    return SealedRow(row.key, tuple(values))


def _in_use() -> int:
    return keyring.current().number_in_use(KeyPurpose.SEAL)


def _wait_for_writers(principal: Principal, until: datetime, say: Say) -> None:
    if until > clock.now():
        say(
            f"Waiting until {until:%H:%M:%S} UTC for whoever still seals with the old key."
            " To stop here is safe; run it again to go on."
        )
    while until > clock.now():
        time.sleep(min(1.0, max((until - clock.now()).total_seconds(), 0)))
    with transaction(principal) as tx:
        number = queries.transaction_number(tx)
    end = clock.now() + PATIENCE
    while True:
        with transaction(principal) as tx:
            if queries.all_ended_before(tx, number):
                return
        if clock.now() > end:
            raise KeysError(
                "The old key is kept: a transaction that began before the new one has not ended."
                " Run it again later."
            )
        time.sleep(0.2)


def _refuse_what_is_left(done: Resealed) -> None:
    if done.unreadable:
        where = ", ".join(f"{column} ({count:,})" for column, count in sorted(done.unreadable.items()))
        raise KeysError(f"The old key is kept: values do not open with this keyring: {where}.")
    if done.left:
        raise KeysError(f"The old key is kept: {done.left:,} rows were in use all the time. Run it again.")


def _with_new_keys(ring: Keyring, *, stage: Stage | None) -> Keyring:
    fresh = Keyring.generate()
    added = {each: {**ring.keys[each], max(ring.keys[each]) + 1: fresh.keys[each][1]} for each in ROTATED}
    return replace(ring, keys={**ring.keys, **added}, stage=stage)


def _used_from_now(ring: Keyring) -> Keyring:
    now = clock.now()
    begun = {each: {**ring.since.get(each, {}), max(ring.keys[each]): now} for each in ROTATED}
    return replace(ring, since={**ring.since, **begun})


def _without(ring: Keyring, purpose: KeyPurpose, numbers: Sequence[int]) -> Keyring:
    keys = {number: key for number, key in ring.keys[purpose].items() if number not in numbers}
    since = {number: at for number, at in ring.since.get(purpose, {}).items() if number not in numbers}
    return replace(ring, keys={**ring.keys, purpose: keys}, since={**ring.since, purpose: since})


def _change(principal: Principal, path: Path, verb: str, ring: Keyring) -> None:
    """Write the file last in the transaction of the entry: neither is without the other."""
    with transaction(principal) as tx:
        require(tx.principal, KEYS_ROTATE)
        record(tx, verb, keys={each: sorted(ring.keys[each]) for each in ROTATED})
        ring.write_over(path)
    keyring.look_again()
