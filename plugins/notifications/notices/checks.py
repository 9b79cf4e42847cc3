"""Whether people can be told of a breach: by a banner at once, by mail, and their schools directly."""

from datetime import timedelta
from http import HTTPStatus
from time import perf_counter
from uuid import uuid4

from flask import g
from sqlalchemy import exists, func, or_, select
from sqlalchemy.exc import SQLAlchemyError

from backoffice import clock
from backoffice.access import probe
from backoffice.access.transaction import Transaction
from backoffice.accounts.models import Account, AccountStatus
from backoffice.controls import registry
from backoffice.controls.check import Check, Finding, Looking, falls_short, holds, not_exercised
from backoffice.controls.looking import count
from backoffice.outbox.message import deliverable
from backoffice.schools.models import District, School, SchoolKind
from backoffice.storage.public_id import new_public_id
from plugins.notifications.models import ConcernedSchool, Incident
from plugins.notifications.notices import queries, wordings
from plugins.notifications.notices.models import (
    Audience,
    DeliveryState,
    Notice,
    NoticeDelivery,
    NoticeState,
)
from plugins.notifications.notices.services import ALONE_AFTER, new_draft
from plugins.notifications.services import Opened, new_incident

# Workers look each minute; a notice to many takes some minutes more.
WRITTEN_WITHIN = timedelta(hours=1)
POSTED_WITHIN = timedelta(days=7)
# Founders write a notice to schools that are found to be concerned later.
TOLD_WITHIN = timedelta(days=1)
TRIED = "Tried out."


def breach_homepage(look: Looking) -> Finding:
    """A banner that is let out stands on the home page at once. What is tried is undone."""
    (longest,) = registry.current().control("breach-homepage").times
    answer = look.app.test_client(use_cookies=False).get("/", base_url=look.settings.base_url)
    if answer.status_code != HTTPStatus.OK:
        return falls_short(f"The home page answers {answer.status_code}.")
    founder = _founder(look)
    if founder is None:
        return not_exercised("There is no founder who could let a banner out.")
    try:
        seconds = _tried(look, founder)
    except SQLAlchemyError:
        return falls_short("The database lets no banner out.")
    if seconds is None:
        return falls_short("A banner that was let out does not stand on the home page.")
    if seconds > longest.total_seconds():
        return falls_short(f"A banner stood on the home page {seconds:.0f} s after it was let out.")
    standing = select(func.count()).select_from(Notice).join(Incident, Incident.id == Notice.incident_id)
    up = look.tx.scalar(standing.where(Notice.state == NoticeState.UP, ~Incident.is_drill)) or 0
    return holds(
        f"Tried out and undone: a banner was read {seconds:.2f} s after a founder let it out;"
        f" {count(up, 'banner')} up."
    )


def breach_email(look: Looking) -> Finding:
    """Whoever a notice is for was written to. The newest incident or drill with a mailed one counts."""
    let_out = (queries.is_mailed(), Notice.approved_at.is_not(None))
    newest = (
        select(Notice.incident_id).where(*let_out).order_by(Notice.approved_at.desc(), Notice.id).limit(1)
    )
    incident = look.tx.get(Incident, look.tx.scalar(newest) or 0)
    if incident is None:
        return not_exercised("No notice was mailed yet, of an incident or in a drill.")
    late = Notice.state == NoticeState.APPROVED, Notice.approved_at < clock.now() - WRITTEN_WITHIN
    behind = look.tx.scalars(select(Notice).where(*late, queries.is_mailed())).all()
    untold = sum(bool(queries.still_to_tell(look.tx, each, most=1)) for each in behind)
    if untold:
        notices = count(untold, "notice")
        return falls_short(f"{notices} let out over an hour ago and not yet written to everybody.")
    since = _concerned_since(look.tx)
    if since:
        schools = count(since, "school")
        return falls_short(
            f"{schools} found to be concerned after the last notice, and not told within a day."
        )
    lie = (NoticeDelivery.state == DeliveryState.TO_POST, Notice.state != NoticeState.ENDED)
    unposted = look.tx.scalar(
        select(func.count())
        .select_from(NoticeDelivery)
        .join(Notice, Notice.id == NoticeDelivery.notice_id)
        .join(Incident, Incident.id == Notice.incident_id)
        .where(*lie, ~Incident.is_drill, NoticeDelivery.addressed_at < clock.now() - POSTED_WITHIN)
    )
    if unposted:
        return falls_short(f"{count(unposted, 'letter')} to be posted for over seven days.")
    by_state = (
        select(NoticeDelivery.state, func.count().label("people"))
        .join(Notice, Notice.id == NoticeDelivery.notice_id)
        .where(Notice.incident_id == incident.id)
        .group_by(NoticeDelivery.state)
    )
    found = {row.state: row.people for row in look.tx.rows(by_state)}
    what = "drill" if incident.is_drill else "incident"
    said = {
        "sent": DeliveryState.SENT,
        "came back": DeliveryState.BOUNCED,
        "given up": DeliveryState.FAILED,
        "waiting": DeliveryState.QUEUED,
        "called off": DeliveryState.CALLED_OFF,
        "to post": DeliveryState.TO_POST,
        "posted": DeliveryState.LETTER,
        "played": DeliveryState.PLAYED,
    }
    became = ", ".join(f"{found.get(state, 0):,} {words}" for words, state in said.items())
    return holds(f"The newest {what} addressed {sum(found.values()):,}: {became}.")


def breach_schools(look: Looking) -> Finding:
    """Each school or its district has a security contact that mail can be sent to; a teacher is their own."""
    district = School.district_id == District.id
    wanted = (School.security_contact, District.security_contact.label("of_district"))
    schools = select(*wanted).join(District, district, isouter=True)
    there = (School.kind == SchoolKind.SCHOOL, School.erasing_since.is_(None))
    contacts = look.tx.rows(schools.where(*there))
    without = sum(
        not (_can_be_written_to(each.security_contact) or _can_be_written_to(each.of_district))
        for each in contacts
    )
    if without:
        return falls_short(
            f"{without:,} of {count(len(contacts), 'school')} without a security contact: who leads them is"
            " written to instead."
        )
    if not contacts:
        return not_exercised("There is no school yet.")
    return holds(
        f"{count(len(contacts), 'school')}, each with a security contact of its own or of its district."
    )


def _concerned_since(tx: Transaction) -> int:
    """How many schools have been concerned for over a day, since after all notices of the incident were sent.

    Nobody has told them otherwise, and no notice is on its way that goes to them as well.
    """
    of_it = (Notice.incident_id == ConcernedSchool.incident_id, queries.is_mailed())
    before = exists().where(*of_it, Notice.sent_at <= ConcernedSchool.concerned_at)
    under_way = Notice.state == NoticeState.APPROVED
    reaches_it = exists().where(*of_it, or_(under_way, Notice.sent_at > ConcernedSchool.concerned_at))
    later = (
        select(func.count())
        .select_from(ConcernedSchool)
        .join(Incident, Incident.id == ConcernedSchool.incident_id)
        .where(Incident.closed_at.is_(None), ~Incident.is_drill)
        .where(ConcernedSchool.left_out_at.is_(None), ConcernedSchool.told_at.is_(None))
        .where(ConcernedSchool.school_id.is_not(None))
        .where(ConcernedSchool.concerned_at < clock.now() - TOLD_WITHIN, before, ~reaches_it)
    )
    return tx.scalar(later) or 0


def _tried(look: Looking, founder: Account) -> float | None:
    """Let a banner out as one founder does, and read it: the seconds that took; None if it is not up."""
    with (
        probe.as_account(founder.id, founder.security_epoch) as (connection, who),
        Transaction(who.credential, bind=connection) as tx,
    ):
        notice = _proposed(tx)
        before = len(queries.banners_up(tx))
        began = perf_counter()
        if not queries.approve_alone(tx, notice, at=clock.now(), reason=TRIED):
            return None
        page = _home_page(look, tx)
        took = perf_counter() - began
        is_up = len(queries.banners_up(tx)) == before + 1 and f">{TRIED}</h2>" in page
        return took if is_up else None


def _home_page(look: Looking, tx: Transaction) -> str:
    """The home page as it is with what is written in a transaction, which is to be undone."""
    with look.app.test_request_context("/", base_url=look.settings.base_url):
        look.app.preprocess_request()
        g.reading = tx
        try:
            return str(look.app.view_functions["web.home"]())
        finally:
            # Who ends a request ends what it reads with.
            g.pop("reading")


def _proposed(tx: Transaction) -> Notice:
    """A notice that was proposed as long ago as one founder has to wait for another."""
    opened = Opened(title=TRIED, what=TRIED, noticed_at=clock.now(), form=str(uuid4()))
    incident = new_incident(tx, opened, new_public_id())
    template = wordings.newest(Audience.BANNER)
    said = {wordings.ENGLISH: {each.name: TRIED for each in template.fields}}
    notice = new_draft(tx, incident, Audience.BANNER, template, said, new_public_id(), str(uuid4()))
    queries.propose(tx, notice, at=clock.now() - ALONE_AFTER)
    return notice


def _founder(look: Looking) -> Account | None:
    active = select(Account).where(Account.founder, Account.status == AccountStatus.ACTIVE)
    return look.tx.scalars(active.order_by(Account.id).limit(1)).first()


def _can_be_written_to(contact: str | None) -> bool:
    try:
        return bool(deliverable((contact or "").strip()))
    except ValueError:
        return False


CHECKS = (
    Check("breach-homepage", breach_homepage),
    Check("breach-email", breach_email),
    Check("breach-schools", breach_schools),
)
