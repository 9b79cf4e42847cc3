"""Which accounts nobody uses and what keeps one; whom to tell of what ends, and whether they were told."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Row, and_, exists, func, literal, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, aliased

from backoffice.access.transaction import Transaction
from backoffice.accounts.founders import founders
from backoffice.accounts.models import Account, AccountStatus
from backoffice.families.models import GuardianInvitation, GuardianLink, GuardianStatus
from backoffice.outbox.mail import Recipient
from backoffice.outbox.models import REACHED_NOBODY, MailState, OutgoingMail
from backoffice.privacy.erasure.plan import HERE
from backoffice.privacy.holdings import Subject
from backoffice.privacy.holds.extent import is_subject_kept
from backoffice.schools import grown_ups
from backoffice.schools.ending_models import ContractEnd, OwnerlessClass
from backoffice.schools.models import (
    IN_CHARGE,
    Classroom,
    Membership,
    Role,
    School,
    SchoolKind,
    TeachingRole,
)
from backoffice.staff.models import Invitation
from backoffice.students.models import StudentSession
from plugins.retention.models import IdleAccount

STAFF = (Role.TEACHER, Role.LEADER)


def warning_left(tx: Transaction, account: int, *, given_up_before: datetime) -> bool:
    """Whether the last warning to an account was handed over to the mail server, or given up long ago."""
    mine = (OutgoingMail.account_id == account, OutgoingMail.name == "retention.idle-warning")
    newest = select(OutgoingMail).where(*mine).order_by(OutgoingMail.id.desc()).limit(1)
    mail = tx.scalars(newest).one_or_none()
    if mail is None or mail.finished_at is None:
        return False
    return mail.state == MailState.SENT or mail.finished_at <= given_up_before


def signed_in() -> ColumnElement[datetime]:
    """When an account was signed in to, or made."""
    return func.coalesce(Account.last_active_at, Account.created_at)


def used_at() -> ColumnElement[datetime]:
    """When an account was used: signed in to, a class of it used, or kept by its owner."""
    noted = select(IdleAccount.used_at).where(IdleAccount.account_id == Account.id)
    otherwise = noted.correlate(Account).scalar_subquery()
    # `greatest` passes over what is null.
    return func.greatest(signed_in(), otherwise)


def is_teachers() -> ColumnElement[bool]:
    """An account of somebody who teaches or leads, or did, and has been here: no founder's, no parent's.

    A roster's teacher who was never invited has no account to use, and goes with the school.
    """
    works = exists().where(Membership.account_id == Account.id, Membership.role.in_(STAFF))
    # Whoever is suspended cannot come back by themselves, and is for whoever suspended them to end.
    waits = (AccountStatus.NOT_INVITED, AccountStatus.SUSPENDED)
    return and_(~Account.founder, Account.status.not_in(waits), works)


def leads_alone() -> ColumnElement[bool]:
    """Nobody else who can sign in leads a place that the account leads: it goes with the place."""
    other, somebody = aliased(Membership), aliased(Account)
    place = aliased(School)
    another = (
        exists()
        .where(
            other.account_id == somebody.id,
            somebody.status.in_(HERE),
            other.role == Role.LEADER,
            other.account_id != Membership.account_id,
            or_(
                other.school_id == Membership.school_id,
                other.district_id == func.coalesce(Membership.district_id, place.district_id),
            ),
        )
        .correlate(Membership, place)
    )
    return (
        select(Membership.id)
        .outerjoin(place, place.id == Membership.school_id)
        .where(Membership.account_id == Account.id, Membership.role == Role.LEADER, ~another)
        .correlate(Account)
        .exists()
    )


def is_alone() -> ColumnElement[bool]:
    """An account that is in no school or district, follows no child and was asked to do neither."""
    member = exists().where(Membership.account_id == Account.id)
    follows = exists().where(
        GuardianLink.account_id == Account.id,
        GuardianLink.status.in_((GuardianStatus.WAITING, GuardianStatus.APPROVED)),
    )
    asked = exists().where(
        Invitation.email_index == Account.email_index,
        Invitation.accepted_at.is_(None),
        Invitation.withdrawn_at.is_(None),
    )
    asked_as_parent = exists().where(
        GuardianInvitation.email_index == Account.email_index,
        GuardianInvitation.accepted_at.is_(None),
        GuardianInvitation.withdrawn_at.is_(None),
    )
    return and_(~Account.founder, ~member, ~follows, ~asked, ~asked_as_parent)


def note_alone(tx: Transaction, *, at: datetime) -> None:
    """Keep since when accounts have been alone, and forget it of those that no longer are."""
    adding = insert(IdleAccount).from_select(
        ["account_id", "alone_since"], select(Account.id, literal(at)).where(is_alone())
    )
    first = {"alone_since": func.coalesce(IdleAccount.alone_since, adding.excluded.alone_since)}
    tx.execute(adding.on_conflict_do_update(index_elements=["account_id"], set_=first))
    alone = select(Account.id).where(Account.id == IdleAccount.account_id, is_alone()).exists()
    back = update(IdleAccount).where(IdleAccount.alone_since.is_not(None), ~alone)
    nothing = dict.fromkeys(("alone_since", "due_at", "told_days", "told_at", "keep_digest"))
    tx.execute(back.values(nothing).execution_options(synchronize_session=False))


def alone_and_due(tx: Transaction, *, at: datetime) -> int:
    """How many accounts that belong nowhere are due, and were told so."""
    due = select(func.count()).where(IdleAccount.alone_since.is_not(None), IdleAccount.due_at <= at)
    return tx.scalar(due) or 0


def alone(tx: Transaction, *, since: datetime) -> Sequence[Row[int, str]]:
    """Accounts that have been alone since a moment, the longest first."""
    return tx.execute(
        select(Account.id, Account.public_id)
        .join(IdleAccount, IdleAccount.account_id == Account.id)
        .where(IdleAccount.alone_since <= since)
        .order_by(IdleAccount.alone_since, Account.id)
    ).all()


def note_class_use(tx: Transaction, *, before: datetime) -> None:
    """Keep when the classes of those were used who did not sign in since a moment.

    Sign-ins of children are forgotten after half a year, so this is asked more often.
    """
    used = (
        select(TeachingRole.account_id, func.max(StudentSession.last_seen_at))
        .join(Account, Account.id == TeachingRole.account_id)
        .join(
            StudentSession,
            and_(
                StudentSession.school_id == TeachingRole.school_id,
                StudentSession.classroom_id == TeachingRole.classroom_id,
            ),
        )
        .where(TeachingRole.role.in_(IN_CHARGE), is_teachers(), signed_in() < before)
        .group_by(TeachingRole.account_id)
    )
    adding = insert(IdleAccount).from_select(["account_id", "used_at"], used)
    later = {"used_at": func.greatest(IdleAccount.used_at, adding.excluded.used_at)}
    tx.execute(adding.on_conflict_do_update(index_elements=["account_id"], set_=later))


def idle(tx: Transaction, *, since: datetime) -> Sequence[Row[int, str, datetime, bool]]:
    """Teachers' accounts that nobody used since a moment, the longest first, and whether each leads alone."""
    used = used_at().label("used_at")
    return tx.execute(
        select(Account.id, Account.public_id, used, leads_alone().label("leads_alone"))
        .where(is_teachers(), used_at() <= since)
        .order_by(used, Account.id)
    ).all()


def told_and_due(tx: Transaction, *, at: datetime) -> int:
    """How many accounts are due that were told so and do not lead a place alone."""
    due = select(func.count()).select_from(Account).join(IdleAccount, IdleAccount.account_id == Account.id)
    return (
        tx.scalar(
            due.where(
                IdleAccount.due_at <= at,
                IdleAccount.alone_since.is_(None),
                IdleAccount.told_at >= used_at(),
                is_teachers(),
                ~leads_alone(),
            )
        )
        or 0
    )


def under_notice(tx: Transaction, *, at: datetime) -> set[int]:
    """The accounts whose owners were told of an end that is still to come."""
    return set(tx.scalars(select(IdleAccount.account_id).where(IdleAccount.due_at > at)))


def longest_idle(tx: Transaction) -> datetime | None:
    """When the account was used that nobody has used for longest, of those that are to go by themselves."""
    return tx.scalar(select(func.min(used_at())).where(is_teachers(), ~leads_alone()))


def leaders_of(tx: Transaction, account: int) -> Sequence[tuple[Recipient, int]]:
    """Whom to tell of an end at a school, who leads it or its district, and in which school's name."""
    own = select(Membership.school_id).where(Membership.account_id == account)
    schools = select(School).where(School.id.in_(own), School.kind != SchoolKind.PERSONAL)
    return [
        (_recipient(each), school.id)
        for school in tx.scalars(schools.order_by(School.id)).all()
        for each in grown_ups.leaders(tx, school, without=[account])
    ]


def leaders_at(
    tx: Transaction, *, school: int | None = None, district: int | None = None
) -> Sequence[Recipient]:
    """Whom to write to about a school: who leads it or its district; about a district, who leads any of it.

    Where nobody does who could be written to, the founders, who can name a leader.
    """
    if school is not None:
        people = grown_ups.leaders(tx, tx.get_one(School, school))
    else:
        assert district is not None
        people = grown_ups.leaders_within(tx, district)
    return [*map(_recipient, people)] or founders(tx)


def _recipient(person: Account) -> Recipient:
    return Recipient(person.id, person.email, person.name, person.language)


def left_at(tx: Transaction, mails: Sequence[str]) -> datetime | None:
    """When the first of these mails was handed over to the mail server; None if none was."""
    sent = (OutgoingMail.public_id.in_(mails), OutgoingMail.state == MailState.SENT)
    return tx.scalar(select(func.min(OutgoingMail.finished_at)).where(*sent))


def all_given_up(tx: Transaction, mails: Sequence[str]) -> bool:
    """Whether none of these mails is on its way any more."""
    on_its_way = (OutgoingMail.public_id.in_(mails), OutgoingMail.state.not_in(REACHED_NOBODY))
    return tx.scalar(select(OutgoingMail.id).where(*on_its_way).limit(1)) is None


def are_founders(tx: Transaction, mails: Sequence[str]) -> bool:
    """Whether none of these mails went to anybody but founders."""
    founder = exists().where(Account.id == OutgoingMail.account_id, Account.founder)
    others = select(OutgoingMail.id).where(OutgoingMail.public_id.in_(mails), ~founder)
    return tx.scalar(others.limit(1)) is None


def ends_due(tx: Transaction, *, at: datetime, warned: int) -> int:
    """How many schools are due since their contract or that of their district ended.

    Only where the last warning was given and no hold keeps anything.
    """
    due = (ContractEnd.due_at <= at, ContractEnd.told_days == warned, ContractEnd.begun_at.is_(None))
    ends = [end for end in tx.scalars(select(ContractEnd).where(*due)).all() if not is_end_kept(tx, end)]
    below = or_(
        School.id.in_([each.school_id for each in ends if each.school_id is not None]),
        School.district_id.in_([each.district_id for each in ends if each.district_id is not None]),
    )
    return tx.scalar(select(func.count()).select_from(School).where(below)) or 0


def is_end_kept(tx: Transaction, end: ContractEnd) -> bool:
    """Whether a legal hold keeps something of the school or district whose contract ended."""
    if end.school_id is not None:
        return is_subject_kept(tx, Subject.SCHOOL, end.school_id)
    assert end.district_id is not None
    return is_subject_kept(tx, Subject.DISTRICT, end.district_id)


def ownerless_due(tx: Transaction, *, at: datetime, warned: int) -> int:
    """How many classes without a teacher are due that the last warning was given of and no hold keeps."""
    return _to_go(tx, (OwnerlessClass.due_at <= at) & (OwnerlessClass.told_days == warned))


def ownerless_overdue(tx: Transaction, *, at: datetime) -> int:
    """How many classes should have gone before a moment, for want of a teacher, that no hold keeps."""
    return _to_go(tx, OwnerlessClass.due_at < at)


def ownerless_schools(tx: Transaction) -> Sequence[int]:
    """The schools that have such classes and are not being erased themselves, in order."""
    there = select(OwnerlessClass.school_id).join(School, School.id == OwnerlessClass.school_id)
    found = there.where(School.erasing_since.is_(None)).distinct().order_by(OwnerlessClass.school_id)
    return tx.scalars(found).all()


def _to_go(tx: Transaction, which: ColumnElement[bool]) -> int:
    there = select(OwnerlessClass.classroom_id).join(School, School.id == OwnerlessClass.school_id)
    found = tx.scalars(there.where(School.erasing_since.is_(None), which)).all()
    return sum(not is_subject_kept(tx, Subject.CLASSROOM, each) for each in found)


def schools_there(tx: Transaction) -> int:
    """How many schools there are."""
    return tx.scalar(select(func.count()).select_from(School)) or 0


def classes_there(tx: Transaction) -> int:
    """How many classes there are."""
    return tx.scalar(select(func.count()).select_from(Classroom)) or 0


def keep(session: Session, *, digest: bytes, at: datetime) -> int | None:
    """Count the account with this link as used; its number, or None."""
    found: int | None = session.scalar(
        text("select plugin_retention.keep(:digest, :at)"), {"digest": digest, "at": at}
    )
    return found


def can_be_kept(session: Session, *, digest: bytes) -> bool:
    """Whether there is an account with this link."""
    return bool(session.scalar(text("select plugin_retention.can_be_kept(:digest)"), {"digest": digest}))
