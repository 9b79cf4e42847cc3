"""On whose behalf a transaction runs.

A *credential* is what somebody presents: a session token, a student token, a stated purpose. Entering
with it makes the database the judge: one statement checks the session row, sets the principal for row-level
security and answers who it is. A `Principal` is that answer; it is never made from anything a client sent.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from backoffice import clock
from backoffice.storage import functions
from backoffice.storage.roles import DatabaseRole
from backoffice.storage.sealed import open_text


class Kind(StrEnum):
    """What kind of actor is at work."""

    NOBODY = "nobody"
    ACCOUNT = "account"
    STUDENT = "student"
    SYSTEM = "system"


class SessionEnded(Exception):
    """The session is over: signed out, idle too long, or its account's credentials changed."""


@dataclass(frozen=True)
class Nobody:
    """No credential: sees no row, may call the few look-ups that precede a principal."""

    address: str | None = None
    kind = Kind.NOBODY


@dataclass(frozen=True)
class AccountToken:
    """The digest of an account session's token, and the network address it came from."""

    digest: bytes
    address: str | None = None
    kind = Kind.ACCOUNT


@dataclass(frozen=True)
class StudentToken:
    """The `jti` of a verified student token, and the network address it came from."""

    token_id: UUID
    address: str | None = None
    kind = Kind.STUDENT


@dataclass(frozen=True)
class Purpose:
    """What a worker or a command is at work for, in a word that the trail keeps.

    A label and no permission: whatever the word is, the system may the same. That there must be one keeps a
    connection that nobody spoke for from seeing anything.
    """

    name: str
    address = None
    kind = Kind.SYSTEM


Credential = Nobody | AccountToken | StudentToken | Purpose
Ids = frozenset[int]
NONE: Ids = frozenset()
# With more schools than so many, what each of them shares is shown where a list is narrowed to it.
FEW_SCHOOLS = 3


@dataclass(frozen=True)
class Principal:
    """Who somebody is, as the database answered on entering. Identifiers are internal numbers."""

    credential: Credential
    account_id: int | None = None
    account_public_id: str | None = None
    name: str | None = None
    time_zone: str = "UTC"
    # An account's own, or that of a child's school.
    language: str | None = None
    session_id: int | None = None
    session_public_id: str | None = None
    founder: bool = False
    led_schools: Ids = NONE
    taught_schools: Ids = NONE
    officer_schools: Ids = NONE
    # Of those taught at, whose own teacher the account is: it signed up alone.
    personal_schools: Ids = NONE
    owned: Ids = NONE
    co_taught: Ids = NONE
    helped: Ids = NONE
    children: Ids = NONE
    own_classrooms: Ids = NONE
    school_id: int | None = None
    classroom_id: int | None = None
    student_id: int | None = None
    student_public_id: str | None = None
    idle_minutes: int | None = None
    expires_at: datetime | None = None
    # It must have a second factor and has none: until it has, it is nobody's founder, teacher or parent.
    factor_missing: bool = False
    # Whether it has any saved view at hand; of somebody with more than a few schools, an own one.
    has_views: bool = False
    # How many messages it has not read, counted up to a hundred.
    unread: int = 0
    # Grows whenever a plugin is switched; None where entering asks the database nothing.
    plugin_version: int | None = None
    # What the policy has found out about it: by permission, and what it holds anywhere.
    scopes: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)

    @property
    def kind(self) -> Kind:
        """What kind of actor this is."""
        return self.credential.kind

    @property
    def database_role(self) -> DatabaseRole:
        """As which database role its transactions run."""
        return DatabaseRole.SYSTEM if self.kind is Kind.SYSTEM else DatabaseRole.APP

    @property
    def member_schools(self) -> Ids:
        """Schools that the account leads or teaches at."""
        return self.led_schools | self.taught_schools


def enter(connection: Connection, credential: Credential) -> Principal:
    """Make the credential's owner the principal of the transaction. Raises `SessionEnded`."""
    match credential:
        case AccountToken():
            return _account(connection, credential)
        case StudentToken():
            return _student(connection, credential)
        case Purpose():
            functions.enter_system(connection, purpose=credential.name)
            return Principal(credential)
        case Nobody():
            return Principal(credential)


def _account(connection: Connection, credential: AccountToken) -> Principal:
    found = functions.enter_account(
        connection, digest=credential.digest, at=clock.now(), few_schools=FEW_SCHOOLS
    )
    if found is None:
        raise SessionEnded
    return Principal(
        credential,
        account_id=found.account_id,
        account_public_id=found.account_public_id,
        name=open_text(found.name, context="account.name"),
        session_id=found.session_id,
        session_public_id=found.session_public_id,
        time_zone=found.time_zone,
        language=found.language,
        founder=found.founder,
        led_schools=found.led_schools,
        taught_schools=frozenset(found.taught_schools),
        officer_schools=frozenset(found.officer_schools),
        personal_schools=frozenset(found.personal_schools),
        owned=frozenset(found.owned),
        co_taught=frozenset(found.co_taught),
        helped=frozenset(found.helped),
        children=frozenset(found.children),
        own_classrooms=frozenset(found.own_classrooms),
        factor_missing=found.factor_missing,
        has_views=found.has_views,
        unread=found.unread,
        plugin_version=found.plugin_version,
    )


def _student(connection: Connection, credential: StudentToken) -> Principal:
    found = functions.enter_student(connection, token_id=credential.token_id, at=clock.now())
    if found is None:
        raise SessionEnded
    return Principal(
        credential,
        session_id=found.session_id,
        school_id=found.school_id,
        classroom_id=found.classroom_id,
        own_classrooms=frozenset({found.classroom_id}),
        student_id=found.student_id,
        student_public_id=found.student_public_id,
        time_zone=found.time_zone,
        language=found.language,
        idle_minutes=found.idle_minutes,
        expires_at=found.expires_at,
        plugin_version=found.plugin_version,
    )
