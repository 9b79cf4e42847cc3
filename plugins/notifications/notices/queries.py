"""Which notices there are, what banners say, and who is still to be told."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    case,
    column,
    exists,
    false,
    func,
    null,
    or_,
    select,
    true,
    update,
)
from sqlalchemy.orm import aliased

from backoffice.access.lookup import rows_of
from backoffice.access.transaction import Transaction
from backoffice.accounts.models import Account
from backoffice.families.models import GuardianLink
from backoffice.outbox.mail import Recipient
from backoffice.outbox.message import deliverable
from backoffice.outbox.models import HANDED_OVER, MailState, OutgoingMail
from backoffice.schools.models import District, Membership, Role, School
from backoffice.storage.numbers import array_of, one_of
from backoffice.storage.sealed import SealedJSON, seal_text
from plugins.notifications.models import ConcernedSchool, Incident
from plugins.notifications.notices.models import (
    Audience,
    DeliveryState,
    Notice,
    NoticeDelivery,
    NoticeState,
    NoticeStep,
)
from plugins.notifications.permissions import INCIDENTS_READ

# In this order people are told.
_ORDER = tuple(Audience)
_PAUSED = Notice.paused_at.is_not(None)
# Who answers for a school or its district, and its privacy.
_ANSWER_FOR_IT = (Role.LEADER, Role.PRIVACY_OFFICER)
_SAID = ("template", "template_version", column("said", SealedJSON("notice.said")))
_UP = func.plugin_notifications.banners_up().table_valued(*_SAID)
_BANNERS = select(_UP.c.template, _UP.c.template_version, _UP.c.said)


class Told(NamedTuple):
    """Who is to be told: an account, or a school by its contact. `to` is None where no mail can be."""

    account_id: int | None
    concerned_school_id: int | None
    to: Recipient | None


def banners_up(tx: Transaction) -> Sequence[Any]:
    """What banners say that are up, for anybody; one statement."""
    return tx.rows(_BANNERS)


def told(tx: Transaction, notice: str) -> Any:
    """What a notice says, to an account that it was sent to; None if that is nothing of it."""
    found = func.plugin_notifications.notice_told(notice).table_valued(*_SAID)
    return next(iter(tx.rows(select(found.c.template, found.c.template_version, found.c.said))), None)


def notices_of(tx: Transaction, incident: Incident) -> Sequence[Notice]:
    """The notices of an incident, in the order in which they were begun."""
    mine = rows_of(tx.principal, Notice, INCIDENTS_READ).where(Notice.incident_id == incident.id)
    return tx.scalars(mine.order_by(Notice.id)).all()


def is_any_up(tx: Transaction, incident: Incident) -> bool:
    """Whether a banner of the incident is up, which is to be taken down before the incident is closed."""
    up = rows_of(tx.principal, Notice, INCIDENTS_READ).where(
        Notice.incident_id == incident.id, Notice.state == NoticeState.UP
    )
    return tx.scalar(select(up.exists())) or False


def is_any_on_its_way(tx: Transaction, incident: Incident) -> bool:
    """Whether a notice of the incident that is mailed waits to be approved, is being written, or paused."""
    ways = Notice.state.in_((NoticeState.PROPOSED, NoticeState.APPROVED))
    return _is_any_mailed(tx, incident, ways | (Notice.state == NoticeState.SENT) & _PAUSED)


def is_form_decided(tx: Transaction, incident: Incident, rule: str) -> bool:
    """Whether a form to an authority by a rule was proposed or approved, and not handed in or given up."""
    forms = rows_of(tx.principal, Notice, INCIDENTS_READ).where(
        *(Notice.incident_id == incident.id, Notice.rule == rule),
        Notice.state.in_((NoticeState.PROPOSED, NoticeState.APPROVED)),
    )
    return tx.scalar(select(forms.exists())) or False


def was_any_sent(tx: Transaction, incident: Incident) -> bool:
    """Whether somebody may have been written to about the incident."""
    return _is_any_mailed(tx, incident, Notice.approved_at.is_not(None))


def _is_any_mailed(tx: Transaction, incident: Incident, such: ColumnElement[bool]) -> bool:
    some = rows_of(tx.principal, Notice, INCIDENTS_READ).where(
        Notice.incident_id == incident.id, is_mailed(), such
    )
    return tx.scalar(select(some.exists())) or False


def is_mailed() -> ColumnElement[bool]:
    """That a notice is written to people: a banner is not, nor is a form to an authority."""
    return Notice.audience.not_in((Audience.BANNER, Audience.AUTHORITY))


def is_any_to_hand_in(tx: Transaction, incident: Incident) -> bool:
    """Whether a form to an authority waits to be approved, or to be handed in."""
    some = rows_of(tx.principal, Notice, INCIDENTS_READ).where(
        Notice.incident_id == incident.id,
        Notice.audience == Audience.AUTHORITY,
        Notice.state.in_((NoticeState.PROPOSED, NoticeState.APPROVED)),
    )
    return tx.scalar(select(some.exists())) or False


def steps_of(tx: Transaction, notice: Notice) -> Sequence[Any]:
    """What was decided about a notice, and why."""
    of_it = rows_of(tx.principal, NoticeStep, INCIDENTS_READ).where(NoticeStep.notice_id == notice.id)
    wanted = (NoticeStep.kind, NoticeStep.reason, NoticeStep.done_at, NoticeStep.done_by)
    return tx.rows(of_it.order_by(NoticeStep.id).with_only_columns(*wanted))


def progress_of(tx: Transaction, notices: Sequence[Notice]) -> Mapping[int, Mapping[str, int]]:
    """How many people each of these was written to, by what became of it; for founders."""
    found: dict[int, dict[str, int]] = {each.id: {} for each in notices}
    if found:
        counted = func.plugin_notifications.progress_of(array_of(found)).table_valued(
            "notice_id", "state", "people"
        )
        for row in tx.rows(select(counted.c.notice_id, counted.c.state, counted.c.people)):
            found[row.notice_id][row.state] = row.people
    return found


def maybe_twice(tx: Transaction, notice: Notice) -> int:
    """How many people it may have reached twice; for founders."""
    return tx.scalar(select(func.plugin_notifications.maybe_twice_of(notice.id))) or 0


def meant_for(tx: Transaction, notice: Notice) -> tuple[int, int | None]:
    """How many schools a notice concerns, and how many of their people it is for; None of schools as such."""
    counted = {Audience.STAFF: ConcernedSchool.staff, Audience.PARENTS: ConcernedSchool.parents}
    people = counted.get(Audience(notice.audience))
    row = tx.rows(
        select(
            func.count().label("schools"),
            (func.coalesce(func.sum(people), 0) if people is not None else null()).label("people"),
        ).where(*_concerned(notice))
    )[0]
    return row.schools, None if row.people is None else int(row.people)


# --------------------------------------------------------------------------------- what is decided of them


def propose(
    tx: Transaction,
    notice: Notice,
    *,
    at: datetime,
    facts: Mapping[str, Any] | None = None,
    late: str | None = None,
) -> bool:
    """Propose a draft as it was read; whether it was one. With what an authority is told, and why so late."""
    known = func.plugin_notifications.propose_notice(
        notice.id,
        notice.version,
        at,
        None if facts is None else seal_text(json.dumps(facts, sort_keys=True), context="notice.facts"),
        sealed_late(late),
    )
    return _done(tx, known)


def take_back(tx: Transaction, notice: Notice, *, at: datetime) -> bool:
    """Make a draft again of what was proposed; whether it was."""
    return _done(tx, func.plugin_notifications.take_back_notice(notice.id, at))


def approve(tx: Transaction, notice: Notice, *, at: datetime, late: str | None = None) -> bool:
    """Let a notice go out that another founder has proposed; whether it was to be."""
    called = func.plugin_notifications.approve_notice(notice.id, notice.version, at, sealed_late(late))
    return _done(tx, called)


def approve_alone(
    tx: Transaction, notice: Notice, *, at: datetime, reason: str, late: str | None = None
) -> bool:
    """Let a notice go out that one has proposed an hour ago; whether it was to be."""
    called = func.plugin_notifications.approve_alone(
        notice.id, notice.version, at, _sealed(reason), sealed_late(late)
    )
    return _done(tx, called)


def hand_in(tx: Transaction, notice: Notice, *, handed: datetime, at: datetime) -> bool:
    """Note when a form that was approved was handed in; whether it was to be."""
    return _done(tx, func.plugin_notifications.hand_in_notice(notice.id, handed, at))


def review(tx: Transaction, notice: Notice, *, at: datetime) -> bool:
    """Say that one has looked at what another founder let out alone; whether that was due."""
    return _done(tx, func.plugin_notifications.review_notice(notice.id, at))


def end(tx: Transaction, notice: Notice, *, at: datetime, reason: str | None) -> bool:
    """Take a banner down, or give up a draft or an approved form; whether it was one."""
    return _done(tx, func.plugin_notifications.end_notice(notice.id, at, reason and _sealed(reason)))


def pause(tx: Transaction, notice: Notice, *, at: datetime, reason: str) -> bool:
    """Have nothing more written of a notice that is being sent; whether it was."""
    return _done(tx, func.plugin_notifications.pause_notice(notice.id, at, _sealed(reason)))


def resume(tx: Transaction, notice: Notice, *, at: datetime, late: str | None = None) -> bool:
    """Go on with a notice that was paused; whether it was."""
    return _done(tx, func.plugin_notifications.resume_notice(notice.id, at, sealed_late(late)))


def stop(tx: Transaction, notice: Notice, *, at: datetime, reason: str) -> bool:
    """End a notice that is paused; whether it was."""
    return _done(tx, func.plugin_notifications.stop_notice(notice.id, at, _sealed(reason)))


def mails_behind(such: ColumnElement[bool]) -> Select[Any]:
    """The numbers of mails of such notices as were paused, whose deliveries are open. As the system."""
    paused = select(NoticeDelivery.mail_id).join(Notice, Notice.id == NoticeDelivery.notice_id)
    return paused.where(
        _PAUSED, such, NoticeDelivery.mail_id.is_not(None), NoticeDelivery.state == DeliveryState.QUEUED
    )


def waiting_mails(notice: Notice) -> Select[Any]:
    """The numbers of its mails that have not left; for founders."""
    return select(func.plugin_notifications.mails_of(notice.id).column_valued("mail_id"))


def _done(tx: Transaction, called: Any) -> bool:
    return bool(tx.scalar(select(called)))


def _sealed(reason: str) -> bytes:
    return seal_text(reason, context="notice_step.reason")


def sealed_late(reason: str | None) -> bytes | None:
    """Why schools are told late, as a notice keeps it."""
    return seal_text(reason, context="notice.late_reason") if reason else None


# ------------------------------------------------------------------------------------- to whom they are sent


def at_work(tx: Transaction) -> Sequence[int]:
    """The notices that are being sent, schools first. As the system."""
    order = case({each.value: place for place, each in enumerate(_ORDER)}, value=Notice.audience)
    open_ones = select(Notice.id).where(Notice.state == NoticeState.APPROVED, ~_PAUSED, is_mailed())
    return tx.scalars(open_ones.order_by(order, Notice.approved_at, Notice.id)).all()


def locked(tx: Transaction, number: int) -> Notice | None:
    """A notice that is being sent, for whoever is first; another worker waits. As the system."""
    mine = select(Notice).where(
        Notice.id == number, Notice.state == NoticeState.APPROVED, ~_PAUSED, is_mailed()
    )
    return tx.scalars(mine.with_for_update()).one_or_none()


def still_to_tell(tx: Transaction, notice: Notice, *, most: int) -> Sequence[Told]:
    """Some of those whom a notice was not written to yet, each once; none if all were. As the system."""
    match Audience(notice.audience):
        case Audience.SCHOOLS:
            return (
                _contacts_left(tx, notice)[:most]
                or _people(tx, notice, _leading_others(tx, notice), most)
                or _places(tx, notice, _without_anybody(tx, notice), most)
            )
        case Audience.LETTERS:
            return _places(tx, notice, true(), most)
        case Audience.STAFF:
            return _people(tx, notice, _working(notice), most)
        case Audience.PARENTS:
            return _people(tx, notice, _following(notice), most)
        case Audience.BANNER | Audience.AUTHORITY:
            return ()


def of_schools(tx: Transaction, notice: Notice) -> Sequence[Recipient]:
    """Whom to write to about a notice at each concerned school: its contact, else who leads it.

    As the system.
    """
    leaders = tx.scalars(select(Account).where(Account.id.in_(_leading_others(tx, notice))))
    found = [*_contacts(tx, notice).values(), *map(_told, leaders)]
    return [each.to for each in found if each.to is not None]


def to_settle(tx: Transaction, *, after: int, most: int) -> Sequence[Any]:
    """Deliveries whose mail has left, came back, was given up or is gone, from a number on. As the system.

    Of one that was given up, when somebody had it tried again, and it left.
    """
    open_mail = OutgoingMail.state.in_((MailState.QUEUED, MailState.SENDING, MailState.HELD))
    wanted = (
        NoticeDelivery.id,
        OutgoingMail.state,
        OutgoingMail.finished_at,
        func.coalesce(OutgoingMail.maybe_twice, false()).label("maybe_twice"),
    )
    open_ones = (
        select(*wanted)
        .join(OutgoingMail, OutgoingMail.id == NoticeDelivery.mail_id, isouter=True)
        .where(NoticeDelivery.state == DeliveryState.QUEUED, NoticeDelivery.id > after)
        .where(OutgoingMail.id.is_(None) | ~open_mail)
    )
    came_back = (
        select(*wanted)
        .join(OutgoingMail, OutgoingMail.id == NoticeDelivery.mail_id)
        .where(NoticeDelivery.state == DeliveryState.SENT, NoticeDelivery.id > after)
        .where(OutgoingMail.state == MailState.BOUNCED)
    )
    left_after_all = (
        select(*wanted)
        .join(OutgoingMail, OutgoingMail.id == NoticeDelivery.mail_id)
        .where(NoticeDelivery.state == DeliveryState.FAILED, NoticeDelivery.id > after)
        .where(OutgoingMail.state.in_(HANDED_OVER))
    )
    found = open_ones.union_all(came_back, left_after_all).subquery()
    return tx.rows(select(*found.c).order_by(found.c.id).limit(most))


def note_schools_told(tx: Transaction) -> Sequence[int]:
    """Keep of schools that a notice to them has left, for their contact or somebody of theirs; which.

    What has left is what a mail server has taken, what was posted, or what a drill has played. As the system.
    """
    left = select(func.min(NoticeDelivery.settled_at)).join(Notice, Notice.id == NoticeDelivery.notice_id)
    left = left.where(
        Notice.incident_id == ConcernedSchool.incident_id,
        Notice.audience.in_((Audience.SCHOOLS, Audience.LETTERS)),
        NoticeDelivery.state.in_((DeliveryState.SENT, DeliveryState.PLAYED, DeliveryState.LETTER)),
    )
    # Correlated by name: two selects deep, nothing is by itself.
    above = select(School.district_id).where(School.id == ConcernedSchool.school_id)
    above = above.correlate(ConcernedSchool)
    there = or_(Membership.school_id == ConcernedSchool.school_id, Membership.district_id.in_(above))
    of_school = exists().where(Membership.account_id == NoticeDelivery.account_id, there)
    of_school = of_school.correlate(ConcernedSchool, NoticeDelivery)
    contact = NoticeDelivery.concerned_school_id == ConcernedSchool.id
    # What went out before a school was concerned told it of nothing, whoever of its district read it.
    meant = or_(
        ConcernedSchool.concerned_at.is_(None), ConcernedSchool.concerned_at <= NoticeDelivery.settled_at
    )
    first = left.where(or_(contact, and_(of_school, meant))).correlate(ConcernedSchool).scalar_subquery()
    open_ones = (ConcernedSchool.told_at.is_(None), ConcernedSchool.left_out_at.is_(None))
    told = (
        update(ConcernedSchool)
        .where(*open_ones, first.is_not(None))
        .values(told_at=first)
        .returning(ConcernedSchool.id)
        .execution_options(synchronize_session=False)
    )
    return tx.scalars(told).all()


def _schools(notice: Notice) -> Select[Any]:
    return select(ConcernedSchool.school_id).where(
        *_concerned(notice), ConcernedSchool.school_id.is_not(None)
    )


def _concerned(notice: Notice) -> tuple[ColumnElement[bool], ...]:
    """Of the incident, and not known by now not to be concerned."""
    return ConcernedSchool.incident_id == notice.incident_id, ConcernedSchool.left_out_at.is_(None)


def _working(notice: Notice) -> Select[Any]:
    """Who works at a concerned school or for its district, whatever they may do there."""
    above = select(School.district_id).where(School.id.in_(_schools(notice)), School.district_id.is_not(None))
    there = or_(Membership.school_id.in_(_schools(notice)), Membership.district_id.in_(above))
    return select(Membership.account_id).where(there)


def _leading_others(tx: Transaction, notice: Notice) -> Select[Any]:
    """Who leads a concerned school that has no contact; where nobody leads it, who works there."""
    with_contact = _contacts(tx, notice)
    schools = select(School.id).where(
        School.id.in_(_schools(notice)), ~one_of(School.id, with_contact) if with_contact else true()
    )
    leader = aliased(Membership)
    led = exists().where(
        (leader.school_id == School.id) | (leader.district_id == School.district_id),
        leader.role.in_(_ANSWER_FOR_IT),
        leader.suspended_at.is_(None),
    )
    here = Membership.school_id == School.id
    leads = (here | (Membership.district_id == School.district_id)) & Membership.role.in_(_ANSWER_FOR_IT)
    return (
        select(Membership.account_id)
        .join(School, or_(leads, here & ~led))
        .where(School.id.in_(schools), Membership.suspended_at.is_(None))
    )


def _following(notice: Notice) -> Select[Any]:
    """Who follows a child of a concerned school, or asked to."""
    there = GuardianLink.school_id.in_(_schools(notice)) & GuardianLink.ended_at.is_(None)
    return select(GuardianLink.account_id).where(there)


def _people(tx: Transaction, notice: Notice, wanted: Select[Any], most: int) -> Sequence[Told]:
    told = exists().where(NoticeDelivery.notice_id == notice.id, NoticeDelivery.account_id == Account.id)
    left = select(Account).where(Account.id.in_(wanted), ~told).order_by(Account.id).limit(most)
    return [*map(_told, tx.scalars(left))]


def _told(person: Account) -> Told:
    return Told(person.id, None, Recipient(person.id, person.email, person.name, person.language))


def _places(tx: Transaction, notice: Notice, such: ColumnElement[bool], most: int) -> Sequence[Told]:
    """Concerned schools that the notice did not go to yet, each as such: no mail can be sent there."""
    done = exists().where(
        NoticeDelivery.notice_id == notice.id, NoticeDelivery.concerned_school_id == ConcernedSchool.id
    )
    left = select(ConcernedSchool.id).where(
        *_concerned(notice), ConcernedSchool.school_id.is_not(None), ~done, such
    )
    return [Told(None, each, None) for each in tx.scalars(left.order_by(ConcernedSchool.id).limit(most))]


def _without_anybody(tx: Transaction, notice: Notice) -> ColumnElement[bool]:
    """That a concerned school has no contact, and nobody who could be written to works there."""
    above = select(School.district_id).where(School.id == ConcernedSchool.school_id)
    there = or_(
        Membership.school_id == ConcernedSchool.school_id,
        and_(
            Membership.district_id.in_(above.correlate(ConcernedSchool)), Membership.role.in_(_ANSWER_FOR_IT)
        ),
    )
    somebody = exists().where(there, Membership.suspended_at.is_(None)).correlate(ConcernedSchool)
    with_contact = _contacts(tx, notice)
    without = ~one_of(ConcernedSchool.school_id, with_contact) if with_contact else true()
    return and_(without, ~somebody)


def _contacts_left(tx: Transaction, notice: Notice) -> Sequence[Told]:
    mine = (NoticeDelivery.notice_id == notice.id, NoticeDelivery.concerned_school_id.is_not(None))
    done = set(tx.scalars(select(NoticeDelivery.concerned_school_id).where(*mine)))
    return [each for each in _contacts(tx, notice).values() if each.concerned_school_id not in done]


def _contacts(tx: Transaction, notice: Notice) -> Mapping[int, Told]:
    """The security contacts of concerned schools that mail can be sent to, by the number of the school.

    Where a school has none, that of its district.
    """
    wanted = (
        ConcernedSchool.id,
        ConcernedSchool.school_id,
        School.security_contact,
        District.security_contact.label("of_district"),
        School.name,
        School.language,
    )
    with_contact = (
        select(*wanted)
        .join(School, School.id == ConcernedSchool.school_id)
        .outerjoin(District, District.id == School.district_id)
        .where(
            *_concerned(notice),
            or_(School.security_contact.is_not(None), District.security_contact.is_not(None)),
        )
    )
    found = {}
    for row in tx.rows(with_contact.order_by(ConcernedSchool.id)):
        address = _deliverable(row.security_contact) or _deliverable(row.of_district)
        # Where neither is one, the leaders are told.
        if address is not None:
            found[row.school_id] = Told(None, row.id, Recipient(None, address, row.name, row.language))
    return found


def _deliverable(contact: str | None) -> str | None:
    """The address that a contact is; None where somebody named a person and no address, or nobody."""
    try:
        return deliverable(contact.strip()) if contact else None
    except ValueError:
        return None
