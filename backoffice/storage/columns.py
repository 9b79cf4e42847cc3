"""Column declarations that carry their entry of the data inventory.

A mapped column is declared by one of these factories and by nothing else: each asks for the purpose of
the column, so a new field of data cannot appear unclassified (`tests/contract/test_schema.py`).
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Date,
    DateTime,
    FetchedValue,
    Identity,
    Integer,
    LargeBinary,
    String,
    Text,
    Uuid,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import MappedColumn, mapped_column
from sqlalchemy.types import TypeEngine

from backoffice.storage.numbers import NumberList
from backoffice.storage.public_id import new_public_id
from backoffice.storage.sealed import Sealed, SealedBytes, SealedJSON


class Class(StrEnum):
    """What kind of datum a column holds."""

    PERSONAL = "personal"
    NETWORK_ADDRESS = "network address"
    PSEUDONYM = "pseudonym"
    SECRET = "secret"  # noqa: S105 - the name of a class of data
    OPERATIONAL = "operational"


class Keep(StrEnum):
    """How long a datum stays: until something is erased, for a time, or for good."""

    STUDENT = "student"
    CLASSROOM = "classroom"
    ACCOUNT = "account"
    SCHOOL = "school"
    DISTRICT = "district"
    TWO_DAYS = "two days"
    ONE_MONTH = "one month"
    SIX_MONTHS = "six months"
    ONE_YEAR = "one year"
    SIX_YEARS = "six years"
    ERASURE = "erasure"
    FOR_GOOD = "for good"


class Form(StrEnum):
    """In which form a datum lies in the database."""

    SEALED = "sealed"
    HASHED = "hashed"
    DIGEST = "digest"
    KEYED_DIGEST = "keyed digest"
    RANDOM = "random"
    PROOF = "proof"
    NUMBER = "number"
    FOR_US_ALONE = "for us alone"
    PLAIN = "plain"


@dataclass(frozen=True)
class Held:
    """One entry of the data inventory: what a column is for, what it holds, how long and in which form.

    `purpose` is a text of the catalogues.
    """

    purpose: str
    kind: Class
    keep: Keep
    form: Form = Form.PLAIN


def key(*, keep: Keep) -> MappedColumn[int]:
    """The internal number of a row, which stays as long as the row."""
    return mapped_column(
        BigInteger,
        Identity(),
        primary_key=True,
        info=_held("Number of the row inside the database", Class.OPERATIONAL, keep, Form.NUMBER),
    )


def public_id(purpose: str = "Names it outside the database", *, keep: Keep) -> MappedColumn[str]:
    """The opaque identifier for addresses, file names and logs."""
    return mapped_column(
        String(16), default=new_public_id, info=_held(purpose, Class.PSEUDONYM, keep, Form.RANDOM)
    )


def reference(purpose: str, *constraints: Any, keep: Keep, primary_key: bool = False) -> MappedColumn[Any]:
    """The number of a row elsewhere; composite foreign keys stand in `__table_args__`."""
    return mapped_column(
        BigInteger,
        *constraints,
        primary_key=primary_key,
        autoincrement=False,
        info=_held(purpose, Class.PSEUDONYM, keep, Form.NUMBER),
    )


def references(purpose: str, *, keep: Keep, by_database: bool = True) -> MappedColumn[Any]:
    """Numbers of rows elsewhere as they were at a moment, which no key holds; the database may write them."""
    return mapped_column(
        # What we write ourselves may be ten thousand.
        ARRAY(BigInteger) if by_database else NumberList(),
        server_default=FetchedValue() if by_database else None,
        info=_held(purpose, Class.PSEUDONYM, keep, Form.NUMBER),
    )


def sealed(
    purpose: str, *, keep: Keep, kind: Class = Class.PERSONAL, apart: bool = False
) -> MappedColumn[Any]:
    """Text that only the keyring opens. Where rows are read, what is kept `apart` is read only if named."""
    return mapped_column(Sealed(), deferred=apart, info=_held(purpose, kind, keep, Form.SEALED))


def sealed_json(purpose: str, *, keep: Keep) -> MappedColumn[Any]:
    """A document that only the keyring opens."""
    return mapped_column(SealedJSON(), info=_held(purpose, Class.PERSONAL, keep, Form.SEALED))


def sealed_bytes(
    purpose: str, *, keep: Keep, kind: Class = Class.PERSONAL, apart: bool = False
) -> MappedColumn[Any]:
    """Bytes that only the keyring opens. Where rows are read, what is kept `apart` is read only if named."""
    return mapped_column(SealedBytes(), deferred=apart, info=_held(purpose, kind, keep, Form.SEALED))


def blind_index(purpose: str, *, keep: Keep) -> MappedColumn[Any]:
    """A keyed digest that finds a sealed value."""
    return mapped_column(LargeBinary, info=_held(purpose, Class.PSEUDONYM, keep, Form.KEYED_DIGEST))


def commitment(purpose: str, *, keep: Keep) -> MappedColumn[Any]:
    """Random bytes, or a digest over them: proves something without showing it, and finds nothing."""
    return mapped_column(LargeBinary, info=_held(purpose, Class.PSEUDONYM, keep, Form.PROOF))


def of_authenticator(purpose: str, *, keep: Keep) -> MappedColumn[Any]:
    """What an authenticator gave out for us alone: the identifier of a key pair, or its public half."""
    return mapped_column(LargeBinary, info=_held(purpose, Class.PSEUDONYM, keep, Form.FOR_US_ALONE))


def tokens(purpose: str, *, keep: Keep) -> MappedColumn[Any]:
    """Keyed digests of the beginnings of words, for search in sealed text."""
    return mapped_column(ARRAY(LargeBinary), info=_held(purpose, Class.PSEUDONYM, keep, Form.KEYED_DIGEST))


def secret(purpose: str, *, keep: Keep) -> MappedColumn[Any]:
    """A slow or keyed hash of something a person knows or carries."""
    return mapped_column(Text, info=_held(purpose, Class.SECRET, keep, Form.HASHED))


def secret_digest(purpose: str, *, keep: Keep) -> MappedColumn[Any]:
    """The digest of a random token, of which there is one; the token itself is never stored."""
    return mapped_column(LargeBinary, unique=True, info=_held(purpose, Class.SECRET, keep, Form.DIGEST))


def hex_digest(purpose: str, *, keep: Keep) -> MappedColumn[Any]:
    """A keyed digest in hexadecimal digits."""
    return mapped_column(Text, info=_held(purpose, Class.PSEUDONYM, keep, Form.KEYED_DIGEST))


def keyed_digest(purpose: str, *, keep: Keep, primary_key: bool = False) -> MappedColumn[Any]:
    """A keyed digest of 16 bytes, kept as a UUID: a third shorter than `bytea`, and quicker to compare."""
    return mapped_column(
        Uuid, primary_key=primary_key, info=_held(purpose, Class.PSEUDONYM, keep, Form.KEYED_DIGEST)
    )


def about(*, keep: Keep) -> MappedColumn[Any]:
    """Marks of the students, classes and accounts that a sealed text is about (`storage.about`)."""
    info = _held(
        "Finds it again when somebody whom it is about is erased", Class.PSEUDONYM, keep, Form.KEYED_DIGEST
    )
    return mapped_column(ARRAY(Uuid), server_default="{}", info=info)


def token_id(purpose: str, *, keep: Keep) -> MappedColumn[Any]:
    """A random UUID that one signed token names."""
    return mapped_column(Uuid, unique=True, info=_held(purpose, Class.PSEUDONYM, keep, Form.RANDOM))


def text(purpose: str, *, keep: Keep) -> MappedColumn[Any]:
    """Short text that names no person."""
    return mapped_column(Text, info=_held(purpose, Class.OPERATIONAL, keep))


def noted(purpose: str, *, keep: Keep) -> MappedColumn[Any]:
    """A word that the database notes by itself; nobody writes it."""
    return mapped_column(Text, server_default=FetchedValue(), info=_held(purpose, Class.OPERATIONAL, keep))


def choice(purpose: str, *, keep: Keep, primary_key: bool = False) -> MappedColumn[Any]:
    """One of a few words. Text, not an enum: only leakproof comparisons use an index under RLS."""
    return mapped_column(Text, primary_key=primary_key, info=_held(purpose, Class.OPERATIONAL, keep))


def moment(purpose: str, *, keep: Keep, primary_key: bool = False) -> MappedColumn[Any]:
    """A moment, aware, in UTC."""
    return mapped_column(
        DateTime(timezone=True),
        primary_key=primary_key,
        info=_held(purpose, Class.OPERATIONAL, keep),
    )


def day(purpose: str, *, keep: Keep) -> MappedColumn[Any]:
    """A calendar day."""
    return mapped_column(Date, info=_held(purpose, Class.OPERATIONAL, keep))


def noted_day(purpose: str, *, keep: Keep) -> MappedColumn[Any]:
    """A calendar day that the database notes by itself; nobody writes it."""
    return mapped_column(Date, server_default=FetchedValue(), info=_held(purpose, Class.OPERATIONAL, keep))


def number(purpose: str, *, keep: Keep, default: int | None = None) -> MappedColumn[Any]:
    """A small whole number."""
    return mapped_column(Integer, default=default, info=_held(purpose, Class.OPERATIONAL, keep))


def large_number(purpose: str, *, keep: Keep) -> MappedColumn[Any]:
    """A whole number that may pass 2,147,483,647."""
    return mapped_column(BigInteger, info=_held(purpose, Class.OPERATIONAL, keep))


def flag(purpose: str, *, keep: Keep) -> MappedColumn[Any]:
    """Yes or no."""
    return mapped_column(Boolean, info=_held(purpose, Class.OPERATIONAL, keep))


def words(purpose: str, *, keep: Keep) -> MappedColumn[Any]:
    """A few fixed words."""
    return mapped_column(ARRAY(Text), info=_held(purpose, Class.OPERATIONAL, keep))


def of_library(
    type_: TypeEngine[Any], purpose: str, *, keep: Keep, primary_key: bool = False
) -> MappedColumn[Any]:
    """A column of a table that a library made and looks after, with the type that it has there."""
    return mapped_column(type_, primary_key=primary_key, info=_held(purpose, Class.OPERATIONAL, keep))


def _held(purpose: str, kind: Class, keep: Keep, form: Form = Form.PLAIN) -> dict[str, Any]:
    return {"held": Held(purpose, kind, keep, form)}
