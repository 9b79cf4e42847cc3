"""The database's own functions, one Python function each.

They are the few ways around row-level security, each as narrow as its name: coming in as somebody, and
the look-ups before there is a principal. Their SQL stands in the migrations.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Connection,
    LargeBinary,
    TableValuedAlias,
    Text,
    Uuid,
    bindparam,
    cast,
    column,
    func,
    select,
    text,
)
from sqlalchemy.engine import Row
from sqlalchemy.orm import Session

from backoffice.storage.numbers import ManyNumbers, array_of
from backoffice.storage.prepared import PREPARED

AnyRow = Row[tuple[Any, ...]]


# By name: there are columns more for row-level security, with all of a district's schools again.
_OF_ACCOUNT = (
    *("account_id", "account_public_id", "name", "session_id", "session_public_id", "time_zone", "language"),
    *("founder", "taught_schools", "personal_schools", "officer_schools", "owned", "co_taught", "helped"),
    *("children", "own_classrooms", "factor_missing", "unread", "plugin_version"),
)
_ALL_OF_ACCOUNT = ", ".join(_OF_ACCOUNT)
# Each transaction of an account begins with it. What its columns are is said, and not found out each time.
_ENTER_ACCOUNT = (
    text(
        f"select {_ALL_OF_ACCOUNT}, led_schools::text,"  # noqa: S608 - names of ours
        " app.has_views(account_id, schools, :few_schools) as has_views from app.enter(:digest, :at)"
    )
    .columns(*map(column, _OF_ACCOUNT), column("led_schools", ManyNumbers()), column("has_views"))
    .execution_options(**PREPARED)
)


def enter_account(connection: Connection, *, digest: bytes, at: datetime, few_schools: int) -> AnyRow | None:
    """Make the account session with this token digest the principal; its facts, or None.

    Of somebody with more schools than a few, `has_views` tells only of their own.
    """
    given = {"digest": digest, "at": at, "few_schools": few_schools}
    return connection.execute(_ENTER_ACCOUNT, given).first()


def enter_student(connection: Connection, *, token_id: UUID, at: datetime) -> AnyRow | None:
    """Make the student session with this `jti` the principal; its facts, or None."""
    statement = text(
        "select *, app.own_language() as language, app.plugin_version() as plugin_version"
        " from app.enter_student(:token, :at)"
    )
    return connection.execute(statement, {"token": token_id, "at": at}).first()


def enter_system(connection: Connection, *, purpose: str) -> None:
    """State what backoffice_system is at work for."""
    connection.execute(text("select set_config('app.purpose', :purpose, true)"), {"purpose": purpose})


def find(*, schools: Collection[int], tokens: Sequence[bytes]) -> TableValuedAlias:
    """The `school_id` and `id` of students with all of the tokens of their school; to be selected from.

    `tokens` are equally many for each of the schools, those of the lowest number first.
    """
    wanted = bindparam("tokens", tokens, type_=ARRAY(LargeBinary), unique=True)
    return func.app.find(array_of(schools), wanted).table_valued("school_id", "id", name="named")


def receipt(session: Session, *, number: str, digest: bytes) -> AnyRow | None:
    """Receipt and signature of an erasure, for whoever has the receipt's number and its SHA-256."""
    statement = text("select receipt, signature from app.receipt(:number, :digest)")
    return session.execute(statement, {"number": number, "digest": digest}).first()


def receipt_followed(session: Session, *, number: str, digest: bytes) -> Sequence[AnyRow]:
    """What has followed the erasure of a receipt, for whoever has its number and its SHA-256."""
    statement = text("select part, noted_at, done_at, proof from app.receipt_followed(:number, :digest)")
    return session.execute(statement, {"number": number, "digest": digest}).all()


def erased_among(session: Session, *, marks: Collection[UUID]) -> set[UUID]:
    """Those of the marks that the ledger of erasures has."""
    if not marks:
        return set()
    wanted = bindparam("marks", list(marks), type_=ARRAY(Uuid))
    return set(session.scalars(select(func.app.erased_among(wanted).column_valued("mark"))))


def account_outside(session: Session, *, account_id: int) -> str | None:
    """What an account is called outside the database, which its mark in the ledger is made of."""
    found: str | None = session.scalar(text("select app.account_outside(:account)"), {"account": account_id})
    return found


def card_outside(session: Session, *, digest: bytes) -> str | None:
    """What the child whose card this is is called outside the database."""
    found: str | None = session.scalar(text("select app.card_outside(:digest)"), {"digest": digest})
    return found


def leave_erasure(session: Session, *, number: int) -> bool:
    """Whether something that the principal asked to be erased, and has not confirmed, is not any more."""
    return bool(session.scalar(text("select app.leave_erasure(:number)"), {"number": number}))


def erased_by_others(session: Session, *, number: int) -> bool:
    """Whether another erasure is under way of a student whom this one of the principal's is of.

    Whoever else asks so in its school waits for the transaction's end, and sees what comes of this one.
    """
    return bool(session.scalar(text("select app.erased_by_others(:number)"), {"number": number}))


def end_access(session: Session, *, erasure: int, at: datetime) -> None:
    """Let nobody in any more to what an erasure takes that the principal has confirmed."""
    session.execute(text("select app.end_access(:erasure, :at)"), {"erasure": erasure, "at": at})


def lock_fields(session: Session, *, of: str) -> None:
    """Wait until nobody else makes fields of a school, or writes in those of a student or class."""
    statement = text("select pg_advisory_xact_lock(hashtextextended(:of, 7207))")
    session.execute(statement, {"of": of})


def guarded_fields() -> ColumnElement[Any]:
    """The fields of which only those read who are in charge of a class, as an array; to be compared with."""
    return _numbers(func.app.guarded_fields())


def children_in_charge() -> ColumnElement[Any]:
    """The students of the classes that the principal owns or co-teaches, as an array; to be compared with."""
    return _numbers(func.app.children_in_charge())


def rooms_in_charge() -> ColumnElement[Any]:
    """The classes that the principal owns or co-teaches, as an array; to be compared with."""
    return _numbers(func.app.rooms_in_charge())


def _numbers(call: ColumnElement[Any]) -> ColumnElement[Any]:
    # By a subquery, so that the database asks once and not for every row.
    return cast(select(call).scalar_subquery(), ARRAY(BigInteger))


def hold_fields(session: Session, *, school_id: int, fields: Collection[int]) -> None:
    """Keep these fields as they are until the transaction ends. To be called before any value is touched."""
    session.execute(select(func.app.hold_fields(school_id, array_of(fields))))


def forget_student_values(
    session: Session, *, school_id: int, student_id: int, fields: Collection[int]
) -> bool:
    """Take away what is written in these fields about a student whom the principal teaches or leads.

    Whether it may go: what is under a legal hold stays.
    """
    statement = select(func.app.forget_student_values(school_id, student_id, array_of(fields)))
    return bool(session.scalar(statement))


def forget_classroom_values(
    session: Session, *, school_id: int, classroom_id: int, fields: Collection[int]
) -> bool:
    """Take away what is written in these fields about a class that the principal teaches or leads.

    Whether it may go: what is under a legal hold stays.
    """
    statement = select(func.app.forget_classroom_values(school_id, classroom_id, array_of(fields)))
    return bool(session.scalar(statement))


def count_in_field(session: Session, *, school_id: int, field_id: int, digest: bytes | None = None) -> int:
    """How many values a field has that the principal manages, or how often the one of this digest."""
    statement = text("select app.count_in_field(:school, :field, cast(:digest as bytea))")
    return int(session.scalar(statement, {"school": school_id, "field": field_id, "digest": digest}) or 0)


def keep_as_field_says(session: Session, *, school_id: int, field_id: int) -> None:
    """Have all values of a field that the principal manages go by its time, which is written already."""
    session.execute(
        text("select app.keep_as_field_says(:school, :field)"), {"school": school_id, "field": field_id}
    )


def erase_field(session: Session, *, school_id: int, field_id: int, at: datetime) -> AnyRow:
    """Erase a field with all of its values, in a school led or one's own: `done` in a word, and `gone`."""
    statement = text("select done, gone from app.erase_field(:school, :field, :at)")
    return session.execute(statement, {"school": school_id, "field": field_id, "at": at}).one()


# Said before a statement: what `lock_holds` says, if not `alone`.
HOLDS_LOCKED = "select pg_advisory_xact_lock_shared(hashtextextended('legal holds', 7203))"


def lock_holds(session: Session, *, alone: bool) -> None:
    """Wait until nobody proposes a legal hold; `alone`, until nothing is being erased either.

    Whoever else waits does so until this transaction ends.
    """
    if alone:
        session.execute(text("select pg_advisory_xact_lock(hashtextextended('legal holds', 7203))"))
    else:
        session.execute(text(f"{HOLDS_LOCKED}"))


def subject_to_hold(session: Session, *, subject: str, public_id: str) -> AnyRow | None:
    """Number and school of what a founder names by its identifier, or None."""
    statement = text("select number, school_id from app.subject_to_hold(:subject, :outside)")
    return session.execute(statement, {"subject": subject, "outside": public_id}).first()


def confirm_hold(session: Session, *, number: int, at: datetime) -> bool:
    """Put a legal hold in force that another founder has proposed; whether it was to be."""
    return bool(session.scalar(text("select app.confirm_hold(:number, :at)"), {"number": number, "at": at}))


def withdraw_hold(session: Session, *, number: int, at: datetime) -> bool:
    """Take back a legal hold that nobody has confirmed; whether it was one."""
    return bool(session.scalar(text("select app.withdraw_hold(:number, :at)"), {"number": number, "at": at}))


def review_hold(session: Session, *, number: int, review_on: date) -> bool:
    """Say when a legal hold in force is to be looked at again; whether it is in force."""
    given = {"number": number, "next": review_on}
    return bool(session.scalar(text("select app.review_hold(:number, :next)"), given))


def ask_for_release(session: Session, *, number: int, at: datetime) -> bool:
    """Ask for the end of a legal hold; whether it is in force and nobody had asked."""
    return bool(
        session.scalar(text("select app.ask_for_release(:number, :at)"), {"number": number, "at": at})
    )


def release_hold(session: Session, *, number: int, at: datetime) -> bool:
    """End a legal hold whose end another founder has asked for; whether it was to be."""
    return bool(session.scalar(text("select app.release_hold(:number, :at)"), {"number": number, "at": at}))


def holds_in_force(session: Session) -> int:
    """How many legal holds are in force."""
    return int(session.scalar(text("select app.holds_in_force()")) or 0)


def students_kept(session: Session, *, school_id: int, students: Collection[int]) -> bool:
    """Whether something of one of these students has to be kept as it is."""
    statement = text("select app.students_kept(:school, cast(:students as bigint[]))")
    return bool(session.scalar(statement, {"school": school_id, "students": list(students)}))


def plugin_version(connection: Connection) -> int:
    """A number that grows whenever a plugin is switched or its settings change."""
    version = connection.scalar(text("select app.plugin_version()"))
    assert isinstance(version, int)
    return version


def plugin_toggles(connection: Connection) -> Sequence[AnyRow]:
    """Name, whether it is on, when it was last changed and when switched, of each plugin that was touched."""
    return connection.execute(text("select * from app.plugin_toggles()")).all()


def lock_plugin_toggles(session: Session) -> None:
    """Wait until nobody else is switching a plugin, and let the next wait for this transaction's end."""
    session.execute(text("select pg_advisory_xact_lock(hashtextextended('plugin toggles', 7203))"))


def lock_retention_policy(session: Session) -> None:
    """Wait until nobody else decides about the policy of retention, and let the next wait as long."""
    session.execute(text("select pg_advisory_xact_lock(hashtextextended('retention policy', 7203))"))


def retention_policies(connection: Connection) -> Sequence[AnyRow]:
    """Every policy of retention that was decided, the oldest first, and what of it comes in force later."""
    return connection.execute(text("select * from app.retention_policies()")).all()


def lock_saved_views(session: Session, *, school_id: int) -> None:
    """Wait until nobody else changes the saved views of a school, and let the next wait as long."""
    statement = text("select pg_advisory_xact_lock(hashtextextended(:lock, 7203))")
    session.execute(statement, {"lock": f"saved views {school_id}"})


# Said before a statement: wait until nobody else writes to a ledger of erasures, and let the next wait for
# this one's end.
LEDGER_LOCKED = "select pg_advisory_xact_lock(hashtextextended('ledger of erasures', 7203))"


def lock_new_classes(session: Session, *, school_id: int) -> None:
    """Wait until nobody else brings classes into a school, and let the next wait as long."""
    statement = text("select pg_advisory_xact_lock(hashtextextended(:lock, 7205))")
    session.execute(statement, {"lock": f"new classes {school_id}"})


def used_of(session: Session, *, school_id: int) -> AnyRow | None:
    """How many `seats`, `classes` and `students` a school has; None if it is not the principal's."""
    statement = text("select seats, classes, students from app.used_of(:school)")
    return session.execute(statement, {"school": school_id}).first()


def take_room(
    session: Session, *, school_id: int, entitlement: str, addresses: Collection[bytes]
) -> AnyRow | None:
    """How many are `used` of what a plan limits, and how many of the addresses are `seated` among them.

    Waits until nobody else takes of it, and lets the next wait for this transaction's end. None if the school
    is not the principal's.
    """
    statement = text("select used, seated from app.take_room(:school, :entitlement, :addresses)")
    given = {"school": school_id, "entitlement": entitlement, "addresses": list(addresses)}
    return session.execute(
        statement.bindparams(bindparam("addresses", type_=ARRAY(LargeBinary))), given
    ).first()


def lock_school_days(session: Session, *, school_id: int) -> None:
    """Wait until nobody else sets the days of a school, and let the next wait as long."""
    statement = text("select pg_advisory_xact_lock(hashtextextended(:lock, 7204))")
    session.execute(statement, {"lock": f"school days {school_id}"})


def lock_contacts(session: Session, *, place: str) -> None:
    """Wait until nobody else sets the contacts of a school or district, and let the next wait as long."""
    statement = text("select pg_advisory_xact_lock(hashtextextended(:lock, 7206))")
    session.execute(statement, {"lock": f"contacts {place}"})


def plugin_settings(connection: Connection, *, plugin: str) -> bytes | None:
    """The sealed settings of a plugin that has been configured."""
    found = connection.scalar(text("select app.plugin_settings(:plugin)"), {"plugin": plugin})
    return None if found is None else bytes(found)


def other_founders(session: Session) -> Sequence[AnyRow]:
    """Number, sealed address, sealed name and language of every other active founder, for a founder."""
    return session.execute(text("select * from app.other_founders()")).all()


class MessageRow(NamedTuple):
    """The message beside a mail. `account` is whom it is for where the envelope does not say so."""

    mail: int
    public_id: str
    account: int | None
    subject: str | None
    once: str


def leave_messages(
    session: Session, rows: Sequence[MessageRow], *, skips_told: bool, skips_unwanted: bool
) -> frozenset[int]:
    """Leave a message with each of these mails, which the transaction has just written.

    The numbers of the mails that are gone again: of what was told before, and of what was turned off.
    """
    kinds = {"mail": BigInteger, "public_id": Text, "account": BigInteger, "subject": Text, "once": Text}
    statement = text(
        "select app.leave_messages(:mail, :public_id, :account, :subject, :once,"
        " :skips_told, :skips_unwanted)"
    ).bindparams(*(bindparam(name, type_=ARRAY(kind)) for name, kind in kinds.items()))
    lists = {name: [getattr(row, name) for row in rows] for name in kinds}
    said = {**lists, "skips_told": skips_told, "skips_unwanted": skips_unwanted}
    return frozenset(session.scalar(statement, said) or ())


def estimated_rows(session: Session, *, schema: str) -> dict[str, int | None]:
    """About how many rows each table of a schema has, for a founder; None while nobody has estimated.

    Never counted: it may be millions.
    """
    found = session.execute(text("select * from app.estimated_rows(:schema)"), {"schema": schema})
    return {row.table_name: row.row_count for row in found}


def operation_counts(connection: Connection, *, since: datetime) -> Sequence[AnyRow]:
    """How many runs have ended since a moment, jobs are queued and mails are kept, by name and state."""
    return connection.execute(text("select * from app.operation_counts(:since)"), {"since": since}).all()


def sign_in_account(session: Session, *, email_index: bytes) -> AnyRow | None:
    """Number, password hash, status and epoch of the account with this address, or None."""
    statement = text("select * from app.sign_in_account(:index)")
    return session.execute(statement, {"index": email_index}).first()


@dataclass(frozen=True)
class NewAccountSession:
    """What an account session begins with. Address and device are sealed already.

    `security_epoch` is the one under which the credentials were checked.
    """

    account_id: int
    security_epoch: int
    public_id: str
    token_digest: bytes
    at: datetime
    idle_minutes: int
    expires_at: datetime
    address: bytes | None
    device: bytes | None
    # The mark of the ledger: whoever was erased does not come in with a backup.
    erased: UUID | None = None


def begin_account_session(session: Session, new: NewAccountSession) -> int | None:
    """Insert a session; its number, or None if the account is not active or its epoch has moved on."""
    statement = text(
        "select app.begin_account_session(:account_id, :security_epoch, :public_id, :token_digest, :at,"
        " :idle_minutes, :expires_at, :address, :device, :erased)"
    )
    made: int | None = session.scalar(statement, vars(new))
    return made


def second_factor(session: Session, *, account_id: int) -> bytes | None:
    """The sealed secret of an account's second factor, or None."""
    found = session.scalar(text("select app.second_factor(:account)"), {"account": account_id})
    return None if found is None else bytes(found)


def use_step(session: Session, *, account_id: int, step: int) -> bool:
    """Use a step of the clock for an account; whether neither it nor a later one was used before."""
    statement = text("select app.use_step(:account, :step)")
    return bool(session.scalar(statement, {"account": account_id, "step": step}))


def use_recovery_code(session: Session, *, account_id: int, digest: bytes, at: datetime) -> bool:
    """Use a recovery code and have its owner told; whether it is one that was not used before."""
    statement = text("select app.use_recovery_code(:account, :digest, :at)")
    return bool(session.scalar(statement, {"account": account_id, "digest": digest, "at": at}))


def passkeys_of(session: Session, *, account_id: int) -> Sequence[AnyRow]:
    """Identifier and transports of each passkey of an account."""
    return session.execute(text("select * from app.passkeys_of(:account)"), {"account": account_id}).all()


def open_passkey(session: Session, *, credential_id: bytes) -> AnyRow | None:
    """The passkey of this identifier: its number and public key, and what signing in asks of its account."""
    statement = text("select * from app.open_passkey(:credential)")
    return session.execute(statement, {"credential": credential_id}).first()


def use_passkey(session: Session, *, passkey_id: int, count: int, backed_up: bool, at: datetime) -> str:
    """Note that a passkey was used: "used", "gone", or "copied" if its count went back."""
    statement = text("select app.use_passkey(:passkey, :count, :backed_up, :at)")
    values = {"passkey": passkey_id, "count": count, "backed_up": backed_up, "at": at}
    return str(session.scalar(statement, values))


def forget_passkey(session: Session, *, passkey_id: int) -> None:
    """Delete a passkey of the principal's own account, and its recovery codes if it was the last factor."""
    session.execute(text("select app.forget_passkey(:passkey)"), {"passkey": passkey_id})


def forget_saved_view(session: Session, *, view_id: int) -> None:
    """Delete a saved view that is the principal's own, or of a school that it leads."""
    session.execute(text("select app.forget_saved_view(:view)"), {"view": view_id})


def spend_challenge(session: Session, *, digest: UUID, at: datetime, until: datetime) -> bool:
    """Use a challenge; whether it was not used before."""
    statement = text("select app.spend_challenge(:digest, :at, :until)")
    return bool(session.scalar(statement, {"digest": digest, "at": at, "until": until}))


def open_account_link(session: Session, *, purpose: str, digest: bytes, at: datetime) -> int | None:
    """The account whose unused link of this purpose this is, or None."""
    found: int | None = session.scalar(
        text("select app.open_account_link(:purpose, :digest, :at)"),
        {"purpose": purpose, "digest": digest, "at": at},
    )
    return found


def reset_password(session: Session, *, digest: bytes, at: datetime, password_hash: str) -> int | None:
    """Use a link to set a password and raise the epoch; the account, or None if the link opens nothing."""
    found: int | None = session.scalar(
        text("select app.reset_password(:digest, :at, :hash)"),
        {"digest": digest, "at": at, "hash": password_hash},
    )
    return found


def address_before(session: Session, *, digest: bytes, at: datetime) -> bytes | None:
    """The sealed address that this link gives back to an account that was moved since; None if it was not."""
    found = session.scalar(text("select app.address_before(:digest, :at)"), {"digest": digest, "at": at})
    return None if found is None else bytes(found)


def lock_account(session: Session, *, digest: bytes, at: datetime, email: bytes | None) -> int | None:
    """Use a link to lock an account and raise its epoch; the account, or None if the link opens nothing.

    `email` is the address before, sealed anew for the account.
    """
    found: int | None = session.scalar(
        text("select app.lock_account(:digest, :at, :email)"), {"digest": digest, "at": at, "email": email}
    )
    return found


def identity_providers(session: Session) -> Sequence[AnyRow]:
    """The identity providers that people may sign in with. Their secrets are sealed."""
    return session.execute(text("select * from app.identity_providers()")).all()


def identity_account(session: Session, *, provider_id: int, subject_digest: bytes) -> AnyRow | None:
    """Number, blind index, status and epoch of the account that somebody at a provider opens, or None."""
    statement = text("select * from app.identity_account(:provider, :digest)")
    return session.execute(statement, {"provider": provider_id, "digest": subject_digest}).first()


def forget_identity(session: Session, *, provider_id: int) -> bool:
    """Unlink the principal's own account from a provider; whether it was linked."""
    return bool(session.scalar(text("select app.forget_identity(:provider)"), {"provider": provider_id}))


def open_identity_offer(session: Session, *, digest: bytes, at: datetime) -> AnyRow | None:
    """What an unused link would link: account, provider's title and sealed address; None if nothing."""
    statement = text("select * from app.open_identity_offer(:digest, :at)")
    return session.execute(statement, {"digest": digest, "at": at}).first()


def accept_identity_offer(session: Session, *, digest: bytes, at: datetime, email: bytes) -> int | None:
    """Use a link to link its account and raise the epoch; the account, or None if the link opens nothing.

    `email` is sealed for where it will stand.
    """
    found: int | None = session.scalar(
        text("select app.accept_identity_offer(:digest, :at, :email)"),
        {"digest": digest, "at": at, "email": email},
    )
    return found


def schools_that_ask(session: Session, *, session_id: int) -> Sequence[AnyRow]:
    """The principal's schools (sealed names) that are closed to its session, and what they ask for."""
    statement = text("select * from app.schools_that_ask(:session)")
    return session.execute(statement, {"session": session_id}).all()


def open_sign_up(session: Session, *, digest: bytes, at: datetime) -> AnyRow | None:
    """What somebody wrote who wants an account (address and name sealed), by the link; None if it is dead."""
    statement = text("select * from app.open_sign_up(:digest, :at)")
    return session.execute(statement, {"digest": digest, "at": at}).first()


@dataclass(frozen=True)
class NewcomerAccount:
    """What an account begins with that is made by a link. Address and name are sealed already."""

    public_id: str
    email: bytes
    name: bytes
    password_hash: str


@dataclass(frozen=True)
class NewSchool:
    """What a school begins with that a link makes. The name is sealed already."""

    public_id: str
    name: bytes


def sign_up(
    session: Session, new: NewcomerAccount, school: NewSchool, *, digest: bytes, at: datetime
) -> AnyRow | None:
    """Use a link to make an account with a school of its own; None if it is dead or the address taken."""
    statement = text(
        "select * from app.sign_up(:digest, :at, :public_id, :email, :name, :password_hash,"
        " :school_public_id, :school_name)"
    )
    values = {**vars(new), "school_public_id": school.public_id, "school_name": school.name}
    return session.execute(statement, {**values, "digest": digest, "at": at}).first()


def change_address(session: Session, *, digest: bytes, at: datetime, email: bytes) -> int | None:
    """Use a link to move the principal's account to its address, given sealed; the change, or None."""
    changed: int | None = session.scalar(
        text("select app.change_address(:digest, :at, :email)"), {"digest": digest, "at": at, "email": email}
    )
    return changed


def open_take_back(session: Session, *, digest: bytes, at: datetime) -> bytes | None:
    """The sealed address that this link gives back to an account; None if the link is dead."""
    found = session.scalar(text("select app.open_take_back(:digest, :at)"), {"digest": digest, "at": at})
    return None if found is None else bytes(found)


def take_back_address(session: Session, *, digest: bytes, at: datetime, email: bytes) -> int | None:
    """Use a link to give an account its old address, given sealed, and lock it; the account, or None."""
    found: int | None = session.scalar(
        text("select app.take_back_address(:digest, :at, :email)"),
        {"digest": digest, "at": at, "email": email},
    )
    return found


def students_of_nobody_else(session: Session) -> int:
    """How many students go with the principal's account, those who have left a class too."""
    return int(session.scalar(text("select app.students_of_nobody_else()")) or 0)


def deactivate(session: Session, *, at: datetime) -> str:
    """Close the principal's own account: "done", or why not: "ended", "last_founder", "last_leader"."""
    return str(session.scalar(text("select app.deactivate(:at)"), {"at": at}))


def open_invitation(session: Session, *, digest: bytes, at: datetime) -> AnyRow | None:
    """What an open invitation says (names and address sealed), and about the account of its address."""
    statement = text("select * from app.open_invitation(:digest, :at)")
    return session.execute(statement, {"digest": digest, "at": at}).first()


def accept_invitation(session: Session, *, digest: bytes, at: datetime) -> AnyRow | None:
    """Give the principal the place that it was invited to; None if it was not, or not any more."""
    statement = text("select * from app.accept_invitation(:digest, :at)")
    return session.execute(statement, {"digest": digest, "at": at}).first()


def accept_invitation_anew(
    session: Session, new: NewcomerAccount, *, digest: bytes, at: datetime
) -> AnyRow | None:
    """Make or open an account and give it the place; None if the link is dead or the account in use."""
    statement = text(
        "select * from app.accept_invitation_anew(:digest, :at, :public_id, :email, :name, :password_hash)"
    )
    return session.execute(statement, {**vars(new), "digest": digest, "at": at}).first()


def open_guardian_invitation(session: Session, *, digest: bytes, at: datetime) -> AnyRow | None:
    """What an open invitation of a parent says (all sealed) to who has its link or the code of its letter."""
    statement = text("select * from app.open_guardian_invitation(:digest, :at)")
    return session.execute(statement, {"digest": digest, "at": at}).first()


def accept_guardian_invitation(
    session: Session, *, digest: bytes, at: datetime, name: bytes, public_id: str
) -> AnyRow | None:
    """Let the principal ask to follow a child; None if it was not invited, or not any more."""
    statement = text("select * from app.accept_guardian_invitation(:digest, :at, :name, :public_id)")
    values = {"digest": digest, "at": at, "name": name, "public_id": public_id}
    return session.execute(statement, values).first()


def accept_guardian_invitation_anew(
    session: Session, new: NewcomerAccount, *, digest: bytes, at: datetime, name: bytes, public_id: str
) -> AnyRow | None:
    """Make an account that asks to follow a child; None if the link is dead or the address has an account.

    `name` and `public_id` are those of the guardian link.
    """
    statement = text(
        "select * from app.accept_guardian_invitation_anew(:digest, :at, :account, :email, :account_name,"
        " :password_hash, :name, :public_id)"
    )
    values = {
        "digest": digest,
        "at": at,
        "account": new.public_id,
        "email": new.email,
        "account_name": new.name,
        "password_hash": new.password_hash,
        "name": name,
        "public_id": public_id,
    }
    return session.execute(statement, values).first()


def address_guardian_letter(
    session: Session, *, digest: bytes, at: datetime, email: bytes, email_index: bytes, name: bytes
) -> AnyRow | None:
    """Have the link of a printed letter mailed to this address (sealed); None if the code opens nothing."""
    statement = text("select * from app.address_guardian_letter(:digest, :at, :email, :index, :name)")
    values = {"digest": digest, "at": at, "email": email, "index": email_index, "name": name}
    return session.execute(statement, values).first()


def names_of_viewers(session: Session) -> dict[int, bytes]:
    """The sealed names of those who have opened the record of one of the principal's own children."""
    found = session.execute(text("select * from app.names_of_viewers()"))
    return {row.account_id: bytes(row.name) for row in found}


def leader_to_tell(session: Session) -> bool:
    """Whether the school of the signed-in child has a leader who does not work in its class."""
    return bool(session.scalar(text("select app.leader_to_tell()")))


def end_place(
    session: Session, *, school_id: int, account_id: int, heir: int | None, at: datetime
) -> AnyRow | None:
    """End what an account is at a school that the principal leads; None if nothing could be ended."""
    statement = text("select * from app.end_place(:school, :account, :heir, :at)")
    values = {"school": school_id, "account": account_id, "heir": heir, "at": at}
    return session.execute(statement, values).first()


def forget_recovery_codes(session: Session) -> None:
    """Delete the recovery codes of the principal's own account."""
    session.execute(text("select app.forget_recovery_codes()"))


def forget_second_factor(session: Session) -> None:
    """Delete the principal's own authenticator app, and the recovery codes if no passkey is left."""
    session.execute(text("select app.forget_second_factor()"))


def suspend_account(session: Session, *, account: str, reason: bytes, at: datetime) -> int | None:
    """Suspend an account, as a founder, for a sealed reason; its number, or None if that cannot be."""
    found: int | None = session.scalar(
        text("select app.suspend_account(:account, :reason, :at)"),
        {"account": account, "reason": reason, "at": at},
    )
    return found


def reinstate_account(session: Session, *, account: str, at: datetime) -> int | None:
    """End the suspension of an account, as a founder; its number, or None if there is none."""
    found: int | None = session.scalar(
        text("select app.reinstate_account(:account, :at)"), {"account": account, "at": at}
    )
    return found


def suspend_place(
    session: Session, *, school_id: int, account_id: int, reason: bytes, at: datetime
) -> bool | None:
    """Suspend a place at a school that one leads; whether the whole account is, None if it cannot be."""
    whole: bool | None = session.scalar(
        text("select app.suspend_place(:school, :account, :reason, :at)"),
        {"school": school_id, "account": account_id, "reason": reason, "at": at},
    )
    return whole


def reinstate_place(session: Session, *, school_id: int, account_id: int) -> bool:
    """End the suspension of a place at a school that the principal leads; whether there was one."""
    statement = text("select app.reinstate_place(:school, :account)")
    return bool(session.scalar(statement, {"school": school_id, "account": account_id}))


def account_in_care(
    session: Session, *, account: str | None = None, email_index: bytes | None = None
) -> AnyRow | None:
    """What a founder sees of the account with this identifier or exact address, or None."""
    statement = text("select * from app.account_in_care(:account, cast(:index as bytea))")
    return session.execute(statement, {"account": account, "index": email_index}).first()


def ask_factor_reset(session: Session, *, account: str, school_id: int | None, at: datetime) -> int | None:
    """Begin the reset of a lost second factor; the account, or None if one cannot, or one waits."""
    found: int | None = session.scalar(
        text("select app.ask_factor_reset(:account, :school, :at)"),
        {"account": account, "school": school_id, "at": at},
    )
    return found


def end_factor_reset(session: Session, *, account_id: int, state: str, at: datetime) -> bool:
    """End the reset that waits for an account, and have whoever asked told; whether there was one."""
    statement = text("select app.end_factor_reset(:account, :state, :at)")
    return bool(session.scalar(statement, {"account": account_id, "state": state, "at": at}))


def reset_to_refuse(session: Session, *, digest: bytes) -> int | None:
    """The account whose waiting reset this link refuses, or None."""
    found: int | None = session.scalar(text("select app.reset_to_refuse(:digest)"), {"digest": digest})
    return found


def refuse_factor_reset(session: Session, *, digest: bytes, at: datetime) -> int | None:
    """Stop a reset by its link; the account, or None if the link stops nothing."""
    found: int | None = session.scalar(
        text("select app.refuse_factor_reset(:digest, :at)"), {"digest": digest, "at": at}
    )
    return found


def forget_factors_of(session: Session, *, account_id: int) -> None:
    """Take away every second factor of an account."""
    session.execute(text("select app.forget_factors_of(:account)"), {"account": account_id})


def factor_asked_by(session: Session) -> Sequence[bytes | None]:
    """Who requires a second factor of the principal: sealed names of schools, and None for the company."""
    return session.scalars(text("select school from app.factor_asked_by()")).all()


def open_security_event(
    session: Session, *, kind: str, account_id: int, public_id: str, at: datetime
) -> bool:
    """Open an event about an account; False if one of its kind is open already."""
    statement = text("select app.open_security_event(:kind, :account, :public_id, :at)")
    values = {"kind": kind, "account": account_id, "public_id": public_id, "at": at}
    return bool(session.scalar(statement, values))


def names_behind_code(session: Session, *, code_index: bytes, at: datetime) -> Sequence[AnyRow]:
    """The children (sealed names) of the class whose code this is, if its door is open.

    A name that the class does not show is None, and a class that asks for usernames shows nobody.
    """
    statement = text("select * from app.names_behind_code(:index, :at)")
    return session.execute(statement, {"index": code_index, "at": at}).all()


def class_behind_code(session: Session, *, code_index: bytes, at: datetime) -> AnyRow | None:
    """School, class and how it shows its children, if this is its code and its door is open."""
    statement = text("select * from app.class_behind_code(:index, :at)")
    return session.execute(statement, {"index": code_index, "at": at}).first()


def child_by_username(session: Session, *, code_index: bytes, digest: str, at: datetime) -> str | None:
    """The public identifier of the child with this username, if the class behind the code asks for one."""
    found: str | None = session.scalar(
        text("select app.child_by_username(:index, :digest, :at)"),
        {"index": code_index, "digest": digest, "at": at},
    )
    return found


def names_shown(session: Session, *, classroom_id: int) -> str:
    """How a class shows its children."""
    return str(session.scalar(text("select app.names_shown(:classroom)"), {"classroom": classroom_id}))


def why_over(session: Session, *, token_id: UUID, at: datetime) -> str | None:
    """Why this student session is over: "idle", "lesson" or "ended"; None if there was none."""
    found: str | None = session.scalar(
        text("select app.why_over(:token, :at)"), {"token": token_id, "at": at}
    )
    return found


@dataclass(frozen=True)
class NewStudentSession:
    """What a student session begins with. The address is sealed already."""

    code_index: bytes
    student: str
    token_id: UUID
    at: datetime
    idle_shared: int
    idle_own: int
    expires_at: datetime
    address: bytes | None
    # The hash that the child's PIN was checked against; the database lets nobody in by another.
    verified_pin: str | None = None
    # The digest of what the device presents as the class's tablet, and whether it must be one.
    tablet: bytes | None = None
    only_there: bool = False
    device: UUID | None = None
    # The mark of the ledger: whoever was erased does not come in with a backup.
    erased: UUID | None = None


def begin_student_session(session: Session, new: NewStudentSession) -> AnyRow | None:
    """Insert a session for a child of the class behind the code; None if the door is not open to it.

    Says whether the school vouches for the device: not if it is one that anybody can open.
    """
    statement = text(
        "select * from app.begin_student_session(:code_index, :student, :token_id, :at, :idle_shared,"
        " :idle_own, :expires_at, :address, :verified_pin, :tablet, :only_there, :device, :erased)"
    )
    return session.execute(statement, vars(new)).first()


def pin_behind_code(session: Session, *, code_index: bytes, student: str, at: datetime) -> AnyRow | None:
    """Class, number and PIN's hash of a child of the class behind an open code, or None."""
    statement = text("select * from app.pin_behind_code(:index, :student, :at)")
    return session.execute(statement, {"index": code_index, "student": student, "at": at}).first()


def device_in_class(
    session: Session,
    *,
    classroom_id: int,
    tablet: bytes | None,
    device: UUID | None,
    vouched: int,
    since: datetime,
    at: datetime,
) -> AnyRow | None:
    """The class's tablet that presents this token's digest, and whether some child vouches for the device.

    That is so if it is one of the first `vouched` devices at which the child was in the class since a moment.
    """
    statement = text("select * from app.device_in_class(:classroom, :tablet, :device, :vouched, :since, :at)")
    values = {"classroom": classroom_id, "tablet": tablet, "device": device, "vouched": vouched}
    return session.execute(statement, {**values, "since": since, "at": at}).first()


def network_opened(session: Session, *, classroom_id: int, network: UUID, since: datetime) -> AnyRow | None:
    """The school of a class, and when it opened a network for its classes; None unless since a moment."""
    statement = text("select * from app.network_opened(:classroom, :network, :since)")
    return session.execute(statement, {"classroom": classroom_id, "network": network, "since": since}).first()


def note_locked_network(
    session: Session, *, classroom_id: int, network: UUID, public_id: str, at: datetime, until: datetime
) -> None:
    """Note, for the school of a class, that a network was refused there and until when it has no try left."""
    statement = text("select app.note_locked_network(:classroom, :network, :public_id, :at, :until)")
    values = {"classroom": classroom_id, "network": network, "public_id": public_id}
    session.execute(statement, {**values, "at": at, "until": until})


def network_locked_until(session: Session, *, classroom_id: int, at: datetime) -> datetime | None:
    """Until when a network is locked that was refused at the school of a class of the principal."""
    found: datetime | None = session.scalar(
        text("select app.network_locked_until(:classroom, :at)"), {"classroom": classroom_id, "at": at}
    )
    return found


def set_own_pin(session: Session, *, verified: str | None, pin_hash: str | None, at: datetime) -> bool:
    """Set or remove the PIN of the signed-in child; False unless its hash is still the verified one."""
    statement = text("select app.set_own_pin(:verified, :hash, :at)")
    return bool(session.scalar(statement, {"verified": verified, "hash": pin_hash, "at": at}))


def hash_own_pin_anew(session: Session, *, verified: str, pin_hash: str) -> None:
    """Keep the PIN of the signed-in child by another hash of it, if its hash is still the verified one."""
    session.execute(
        text("select app.hash_own_pin_anew(:verified, :hash)"), {"verified": verified, "hash": pin_hash}
    )


def pin_is_required(session: Session) -> bool:
    """Whether any class of the signed-in child asks each child for a PIN."""
    return bool(session.scalar(text("select app.pin_is_required()")))


def clear_pins(session: Session, *, school_id: int, students: Collection[int], at: datetime) -> Sequence[int]:
    """Take the PINs of students away whom the principal teaches or leads; the numbers of who had one."""
    statement = text("select app.clear_pins(:school, cast(:students as bigint[]), :at)")
    found: Sequence[int] = session.scalar(
        statement, {"school": school_id, "students": list(students), "at": at}
    )
    return found


def open_card(session: Session, *, digest: bytes, at: datetime) -> AnyRow | None:
    """The child (sealed names) whose card this is, if the door of its class is open; else None."""
    statement = text("select * from app.open_card(:digest, :at)")
    return session.execute(statement, {"digest": digest, "at": at}).first()


def card_stands(session: Session, *, digest: bytes) -> bool:
    """Whether a child has this card, open or closed as the door may be."""
    return bool(session.scalar(text("select app.card_stands(:digest)"), {"digest": digest}))


@dataclass(frozen=True)
class NewCardSession:
    """What a session begins with that a card begins. The address is sealed already."""

    digest: bytes
    token_id: UUID
    at: datetime
    idle_shared: int
    idle_own: int
    expires_at: datetime
    address: bytes | None
    verified_pin: str | None
    tablet: bytes | None = None
    device: UUID | None = None


def begin_card_session(session: Session, new: NewCardSession) -> AnyRow | None:
    """Insert a session for the child whose card this is; None if the door is not open to it."""
    statement = text(
        "select * from app.begin_card_session(:digest, :token_id, :at, :idle_shared, :idle_own, :expires_at,"
        " :address, :verified_pin, :tablet, :device)"
    )
    return session.execute(statement, vars(new)).first()


def tablet_waits(session: Session, *, digest: bytes, at: datetime) -> bool:
    """Whether the pairing with this token's digest can still be used."""
    return bool(session.scalar(text("select app.tablet_waits(:digest, :at)"), {"digest": digest, "at": at}))


def pair_tablet(
    session: Session, *, digest: bytes, token: bytes, at: datetime, until: datetime
) -> AnyRow | None:
    """Use a pairing: the token (its digest) is a tablet's from now on; school and tablet, or None."""
    statement = text("select * from app.pair_tablet(:digest, :token, :at, :until)")
    return session.execute(statement, {"digest": digest, "token": token, "at": at, "until": until}).first()


def open_tablet(session: Session, *, digest: bytes, at: datetime) -> AnyRow | None:
    """The tablet with this token's digest and its class's sealed standing code, or None if it is voided."""
    statement = text("select * from app.open_tablet(:digest, :at)")
    return session.execute(statement, {"digest": digest, "at": at}).first()


def who_left(session: Session, *, school_id: int, classrooms: Collection[int]) -> Sequence[AnyRow]:
    """Former students (sealed names) of classes that the principal teaches or leads, in one statement."""
    statement = text(
        "select r.room as classroom_id, l.*"
        " from unnest(cast(:classrooms as bigint[])) as r (room), app.who_left(:school, r.room) as l"
    )
    return session.execute(statement, {"school": school_id, "classrooms": sorted(classrooms)}).all()


def forget_added(session: Session, *, school_id: int, classroom_id: int) -> int:
    """Erase whom the last change of a class's roster wrote down, if nothing became of them; how many."""
    statement = text("select app.forget_added(:school, :classroom)")
    return int(session.scalar(statement, {"school": school_id, "classroom": classroom_id}) or 0)


def forget_roster_change(session: Session, *, school_id: int, classroom_id: int) -> None:
    """Forget the last change of a class's roster."""
    statement = text("select app.forget_roster_change(:school, :classroom)")
    session.execute(statement, {"school": school_id, "classroom": classroom_id})


def forget_roster_changes(session: Session, *, school_id: int, classrooms: Collection[int]) -> None:
    """Forget the last changes of the rosters of classes that end together."""
    statement = text("select app.forget_roster_changes(:school, cast(:classrooms as bigint[]))")
    session.execute(statement, {"school": school_id, "classrooms": list(classrooms)})


def forget_roster_changes_of(session: Session, *, rooms: Collection[tuple[int, int]]) -> None:
    """Forget the last changes of the rosters of classes, each with its school; one statement for all."""
    statement = text(
        "select app.forget_roster_changes(school, array_agg(room))"
        " from unnest(cast(:schools as bigint[]), cast(:rooms as bigint[])) as r(school, room)"
        " group by school"
    )
    given = {"schools": [school for school, _ in rooms], "rooms": [room for _, room in rooms]}
    session.execute(statement, given)


def may_merge(session: Session, *, school_id: int, students: Collection[int]) -> bool:
    """Whether students are the principal's alone to merge."""
    statement = text("select app.may_merge(:school, cast(:students as bigint[]))")
    return bool(session.scalar(statement, {"school": school_id, "students": list(students)}))


def merge_students(
    session: Session, *, school_id: int, keeper: int, merged: int, at: datetime, mark: UUID
) -> str:
    """Make one student of two: "merged", or why not ("not theirs", "being erased", "requests wait").

    `mark` is that of the ledger, by which the second is recognised should a backup bring it back.
    """
    statement = text("select app.merge_students(:school, :keeper, :merged, :at, :mark)")
    given = {"school": school_id, "keeper": keeper, "merged": merged, "at": at, "mark": mark}
    return str(session.scalar(statement, given))


def plugin_rows_that_stay(session: Session, *, school_id: int, keeper: int, merged: int) -> Sequence[AnyRow]:
    """Of how many rows of plugins, by schema, the keeper has the same: merging leaves them behind."""
    statement = text("select * from app.plugin_rows_that_stay(:school, :keeper, :merged)")
    given = {"school": school_id, "keeper": keeper, "merged": merged}
    return session.execute(statement, given).all()


def set_school_days(session: Session, *, school_id: int, days: Sequence[str], time_zone: str) -> str:
    """Set the days and the time zone of a school: "set", or why not ("not theirs", "no such zone")."""
    statement = text("select app.set_school_days(:school, cast(:days as text[]), :zone)")
    given = {"school": school_id, "days": list(days), "zone": time_zone}
    return str(session.scalar(statement, given))


def set_school_language(session: Session, *, school_id: int, language: str) -> bool:
    """Set the language of a school that the principal runs; False for any other."""
    statement = text("select app.set_school_language(:school, :language)")
    return bool(session.scalar(statement, {"school": school_id, "language": language}))


def set_school_contacts(
    session: Session, *, school_id: int, contact: bytes | None, address: bytes | None
) -> bool:
    """Set the sealed contacts of a school that the principal leads, or of any for a founder; else False."""
    statement = text("select app.set_school_contacts(:school, :contact, :address)")
    given = {"school": school_id, "contact": contact, "address": address}
    return bool(session.scalar(statement, given))


def leads_district(session: Session, *, district_id: int) -> bool:
    """Whether the principal is a founder, or leads a district as a whole."""
    return bool(session.scalar(text("select app.leads_district(:district)"), {"district": district_id}))


def set_district_contacts(
    session: Session, *, district_id: int, contact: bytes | None, address: bytes | None
) -> bool:
    """Set the sealed contacts of a district that the principal leads, or of any for a founder; else False."""
    statement = text("select app.set_district_contacts(:district, :contact, :address)")
    given = {"district": district_id, "contact": contact, "address": address}
    return bool(session.scalar(statement, given))


def colleagues(session: Session, *, school_id: int, classroom_id: int) -> Sequence[AnyRow]:
    """Who works at the school of an own class and has no role in it: number, public id, sealed name."""
    statement = text("select * from app.colleagues(:school, :classroom)")
    return session.execute(statement, {"school": school_id, "classroom": classroom_id}).all()


def may_assign(session: Session, *, school_id: int, classroom_id: int) -> bool:
    """Whether the principal chooses who teaches a class."""
    statement = text("select app.may_assign(:school, :classroom)")
    return bool(session.scalar(statement, {"school": school_id, "classroom": classroom_id}))


def who_answers(session: Session, *, school_id: int, student_id: int, asked_by: int) -> Sequence[int]:
    """Accounts that are told what a parent asks about a child, for workers. Nobody if nobody is left."""
    statement = text("select app.who_answers(:school, :student, :asked_by)")
    given = {"school": school_id, "student": student_id, "asked_by": asked_by}
    return session.scalars(statement, given).all()


def somebody_answers(session: Session, *, student_id: int) -> bool:
    """Whether anybody is told what the principal asks about the own child."""
    return bool(session.scalar(text("select app.somebody_answers(:student)"), {"student": student_id}))


def who_works_at(session: Session, *, school_id: int, accounts: Collection[int]) -> Sequence[int]:
    """Those of these accounts that belong to a school."""
    statement = text(
        "select a.id from unnest(cast(:accounts as bigint[])) as a (id) where app.works_at(a.id, :school)"
    )
    return session.scalars(statement, {"school": school_id, "accounts": list(accounts)}).all()


def has_other_owner(session: Session, *, school_id: int, classroom_id: int, account_id: int) -> bool:
    """Whether a class has an owner besides somebody; nobody changes that until the transaction ends."""
    statement = text("select app.has_other_owner(:school, :classroom, :account)")
    given = {"school": school_id, "classroom": classroom_id, "account": account_id}
    return bool(session.scalar(statement, given))


def owners_seen(session: Session, *, school_id: int, classroom_id: int) -> Sequence[int]:
    """The owners of a class of the principal's who can act: an account or place is not suspended."""
    found: Sequence[int] = session.scalar(
        text("select app.owners_seen(:school, :classroom)"), {"school": school_id, "classroom": classroom_id}
    )
    return found


def change_teaching_role(
    session: Session, *, school_id: int, classroom_id: int, account_id: int, role: str
) -> bool:
    """Make somebody of a class something else in it; whether they are, and the class keeps an owner."""
    statement = text("select app.change_teaching_role(:school, :classroom, :account, :role)")
    given = {"school": school_id, "classroom": classroom_id, "account": account_id, "role": role}
    return bool(session.scalar(statement, given))


def end_teaching_role(session: Session, *, school_id: int, classroom_id: int, account_id: int) -> bool:
    """End somebody's role in a class; whether there was one to end and the class keeps an owner."""
    statement = text("select app.end_teaching_role(:school, :classroom, :account)")
    given = {"school": school_id, "classroom": classroom_id, "account": account_id}
    return bool(session.scalar(statement, given))


def school_counts(session: Session, *, schools: Collection[int]) -> Sequence[AnyRow]:
    """Classrooms, students and staff of those of these schools that the principal may count."""
    statement = text("select * from app.school_counts(cast(:schools as bigint[]))")
    return session.execute(statement, {"schools": list(schools)}).all()


def school_totals(session: Session) -> AnyRow:
    """Schools, classrooms, students and staff of all that the principal may count."""
    return session.execute(text("select * from app.school_totals()")).one()


def next_numbers(session: Session, *, sequence: str, count: int) -> Sequence[int]:
    """The next values of a sequence."""
    statement = text("select nextval(cast(:name as regclass)) from generate_series(1, :count)")
    return session.scalars(statement, {"name": sequence, "count": count}).all()


def take_tries(
    connection: Connection,
    *,
    keys: Sequence[UUID],
    seconds: Sequence[int],
    most: Sequence[int],
    at: datetime,
    code_index: bytes | None = None,
) -> AnyRow | None:
    """Take one try under each key, or none if one of them has none left: its place (from 1), its span's end.

    A span begins with its first try and lasts so many seconds. A try of a code that a class has, be its door
    open or not, counts as none.
    """
    statement = text(
        "select * from app.take_tries(cast(:keys as uuid[]), cast(:seconds as integer[]),"
        " cast(:most as integer[]), :at, :code)"
    )
    values = {"keys": list(keys), "seconds": list(seconds), "most": list(most), "at": at, "code": code_index}
    return connection.execute(statement, values).first()


def take_some(
    session: Session, *, wanted: Mapping[UUID, int], most: int, until: datetime, at: datetime
) -> dict[UUID, int]:
    """Take tries under each key, as many as are wanted and left of the most until a moment: how many.

    Whoever else takes some under one of the keys waits until this transaction ends.
    """
    statement = text(
        "select place, granted from app.take_some(cast(:keys as uuid[]), cast(:wanted as integer[]), :most,"
        " :until, :at)"
    )
    keys = list(wanted)
    values = {"keys": keys, "wanted": list(wanted.values()), "most": most, "until": until, "at": at}
    return {keys[row.place - 1]: row.granted for row in session.execute(statement, values)}


def give_back_tries(connection: Connection, *, keys: Sequence[UUID], at: datetime) -> None:
    """Give a try back under each key, in the spans that still run."""
    statement = text("select app.give_back_tries(cast(:keys as uuid[]), :at)")
    connection.execute(statement, {"keys": list(keys), "at": at})


def take_step(
    connection: Connection,
    *,
    counted_by: UUID,
    held_by: UUID,
    most: Sequence[int],
    seconds: Sequence[int],
    at: datetime,
) -> datetime | None:
    """Count a try; or, while those before it hold the next ones up, only say until when."""
    statement = text(
        "select app.take_step(:counted, :held, cast(:most as integer[]), cast(:seconds as integer[]), :at)"
    )
    values = {
        "counted": counted_by,
        "held": held_by,
        "most": list(most),
        "seconds": list(seconds),
        "at": at,
    }
    found: datetime | None = connection.scalar(statement, values)
    return found


def tries_taken(session: Session, *, keys: Sequence[UUID], at: datetime) -> Sequence[AnyRow]:
    """Key, tries and end of the spans that run under these keys."""
    statement = text("select * from app.tries_taken(cast(:keys as uuid[]), :at)")
    return session.execute(statement, {"keys": list(keys), "at": at}).all()


def forget_tries(session: Session | Connection, *, keys: Sequence[UUID]) -> None:
    """Forget what was counted under these keys."""
    session.execute(text("select app.forget_tries(cast(:keys as uuid[]))"), {"keys": list(keys)})


def continue_contract(session: Session, *, number: int) -> bool:
    """Forget that a contract ends; whether its erasure had not begun. For founders and the system."""
    return bool(session.scalar(text("select app.continue_contract(:number)"), {"number": number}))


def let_retention_go_on(session: Session, *, number: int, at: datetime) -> bool:
    """Let a run of retention that waits for a person take what it found; whether it did wait."""
    return bool(
        session.scalar(text("select app.let_retention_go_on(:number, :at)"), {"number": number, "at": at})
    )


@dataclass(frozen=True)
class LogDay:
    """A day of a log that is kept by the day; how many rows it has is `counted`, or as the planner has it."""

    since: datetime
    until: datetime
    amount: int
    counted: bool


def log_days(session: Session, *, log: str, before: datetime) -> list[LogDay]:
    """The days of a log that ended by a moment, the oldest first; last, those of rows without a day there."""
    statement = text("select since, until, amount, counted from app.log_days(:log, :before)")
    return [LogDay(*row) for row in session.execute(statement, {"log": log, "before": before})]


def days_to_make(session: Session, *, log: str, first: date, last: date) -> list[date]:
    """Those of some days that a log has not, and those of its rows that came without a day."""
    statement = text("select * from app.days_to_make(:log, :first, :last)")
    return list(session.scalars(statement, {"log": log, "first": first, "last": last}))


def make_day(session: Session, *, log: str, day: date) -> int | None:
    """Give a log a day; how many rows were waiting for it, or None where it is there.

    Raises `OperationalError` where somebody reads or writes for too long.
    """
    moved: int | None = session.scalar(text("select app.make_day(:log, :day)"), {"log": log, "day": day})
    return moved


def log_has_day(session: Session, *, log: str, before: datetime) -> bool:
    """Whether the oldest day of a log ended before a moment."""
    statement = text("select app.log_has_day(:log, :before)")
    return bool(session.scalar(statement, {"log": log, "before": before}))


def log_oldest(session: Session, *, log: str) -> datetime | None:
    """The moment of the oldest row of a log that is kept by the day."""
    oldest: datetime | None = session.scalar(text("select app.log_oldest(:log)"), {"log": log})
    return oldest


def drop_days(session: Session, *, log: str, before: datetime, most: int) -> list[LogDay]:
    """Drop the oldest days of a log that ended before a moment, so many at most.

    Raises `OperationalError` where somebody reads or writes for too long.
    """
    statement = text("select since, until, amount, counted from app.drop_days(:log, :before, :most)")
    found = session.execute(statement, {"log": log, "before": before, "most": most})
    return [LogDay(*row) for row in found]


def forget_past_tries(session: Session, *, before: datetime) -> int:
    """Forget the spans that ended before; how many."""
    gone: int = session.scalar(text("select app.forget_past_tries(:before)"), {"before": before})
    return gone


def hurry(session: Session) -> None:
    """Let this transaction's commit not wait for the disk: a crash may undo it, and nothing else."""
    session.execute(text("set local synchronous_commit = off"))


def try_lock(connection: Connection, lock: str) -> bool:
    """Take the lock for as long as the connection lives; false if somebody has it."""
    statement = text("select pg_try_advisory_lock(hashtextextended(:lock, 7203))")
    return bool(connection.scalar(statement, {"lock": lock}))


def unlock(connection: Connection) -> None:
    """Give back what the connection has locked."""
    connection.execute(text("select pg_advisory_unlock_all()"))
