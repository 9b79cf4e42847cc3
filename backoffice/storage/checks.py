"""Whether personal data in the database is unintelligible without the keys."""

from sqlalchemy import Column, LargeBinary, select, type_coerce

from backoffice.controls.check import Check, Finding, Looking, falls_short, holds, not_exercised
from backoffice.controls.looking import count, metadatas, some
from backoffice.privacy.inventory import held_in, mapped, name
from backoffice.storage import catalog, keyring
from backoffice.storage.columns import Class
from backoffice.storage.keyring import KeyringError
from backoffice.storage.sealed import Sealed

MUST_BE_SEALED = frozenset({Class.PERSONAL, Class.NETWORK_ADDRESS})
SAMPLE = 200


def encryption_at_rest(look: Looking) -> Finding:
    """Every personal column is sealed, in the models and in the database, and so is a sample of values."""
    personal = [
        column
        for column in mapped(metadatas(look))
        if (held := held_in(column)) is not None and held.kind in MUST_BE_SEALED
    ]
    live = {(each.table, each.name): each.type for each in catalog.columns(look.tx.connection())}
    open_columns = [
        name(column)
        for column in personal
        if not isinstance(column.type, Sealed) or live.get((str(column.table), column.name)) != "bytea"
    ]
    if open_columns:
        return falls_short(f"Not sealed: {some(open_columns)}.")
    opened, bad = 0, []
    for column in personal:
        values = sample(look, column)
        opened += len(values)
        if not all(_is_sealed(column, value) for value in values):
            bad.append(name(column))
    if bad:
        return falls_short(f"Values that are readable or do not open: {some(bad)}.")
    if not opened:
        return not_exercised(f"{count(len(personal), 'personal column')} sealed; no value stored yet.")
    return holds(
        f"{count(len(personal), 'personal column')} sealed;"
        f" {count(opened, 'sampled value')} opened only with the key."
    )


def sample(look: Looking, column: Column[object]) -> list[bytes]:
    """Up to `SAMPLE` values as they are stored, the newest and the oldest."""
    raw = type_coerce(column, LargeBinary)
    # A number grows with time; a key that leads with the school does not.
    order = [column.table.c.id] if "id" in column.table.c else list(column.table.primary_key.columns)
    found: list[bytes] = []
    for ends in (order, [each.desc() for each in order]):
        statement = select(raw).where(column.is_not(None)).order_by(*ends).limit(SAMPLE // 2)
        found += [bytes(value) for value in look.tx.scalars(statement)]
    return found


def _is_sealed(column: Column[object], value: bytes) -> bool:
    assert isinstance(column.type, Sealed)
    try:
        keyring.current().open(value, context=column.type.context)
    except KeyringError:
        return False
    return not _is_text(value)


def _is_text(value: bytes) -> bool:
    try:
        return value.decode().isprintable()
    except UnicodeDecodeError:
        return False


CHECKS = (Check("encryption-at-rest", encryption_at_rest),)
