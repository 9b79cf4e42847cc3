"""Contracts that ended: leaders are told at once and in time, and then the school or district is erased."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select

from backoffice import clock
from backoffice.access.principal import Purpose
from backoffice.access.transaction import Transaction, transaction
from backoffice.accounts.founders import founders
from backoffice.audit.trail import record
from backoffice.outbox.mail import Recipient
from backoffice.outbox.services import post
from backoffice.privacy.erasure.erasing import Eraser
from backoffice.privacy.holdings import Subject
from backoffice.privacy.retention.runs import Rules, may_go
from backoffice.privacy.retention.runs import note as note_gone
from backoffice.schools.ending_models import ContractEnd
from backoffice.schools.models import District, School
from plugins.retention import mails, notice, queries
from plugins.retention.ending import begin
from plugins.retention.idle import Looked, Step
from plugins.retention.kinds import ENDED


@dataclass(frozen=True)
class Place:
    """A school or district whose erasure is to begin, and whom its receipt goes to."""

    subject: Subject
    public_id: str
    leaders: tuple[Recipient, ...]


def look_after_contracts(*, principal: Purpose, eraser: Eraser, rules: Rules) -> Looked:
    """Tell the leaders of places whose contract ended, and begin to erase what is due.

    Each has its own transaction. Where more would go at once than the rules allow, all of that waits for a
    person.
    """
    now, looked = clock.now(), Looked()
    with transaction(principal) as tx:
        found = tx.scalars(select(ContractEnd.id).order_by(ContractEnd.due_at, ContractEnd.id)).all()
        due = queries.ends_due(tx, at=now, warned=ENDED.entry.told_before[-1].days)
        border = may_go(tx, ENDED, due, rules, of=queries.schools_there(tx))
    for number in found:
        with transaction(principal) as tx:
            step, place = _look_after(tx, number, now, border)
        looked.told += step is Step.TOLD
        looked.waiting += step is Step.WAITS
        looked.held += step is Step.HELD
        looked.begun += place is not None and begin(
            eraser, place.subject, place.public_id, receipt_to=place.leaders
        )
    if looked.begun:
        with transaction(principal) as tx:
            note_gone(tx, ENDED, looked.begun, up_to=ENDED.before(now))
    return looked


def _look_after(
    tx: Transaction, number: int, now: datetime, border: datetime | None
) -> tuple[Step, Place | None]:
    locked = select(ContractEnd).where(ContractEnd.id == number).with_for_update()
    end = tx.scalars(locked).one_or_none()
    if end is None:
        return Step.NONE, None
    if end.begun_at is not None:
        # Killed before the erasure was noted, or it has not been carried out yet.
        return Step.OVER, _place(tx, end)
    due = notice.look(tx, end, ENDED.entry, now)
    if due.step is Step.TOLD:
        called, zone = _named(tx, end)
        # It ends with the midnight after it.
        last_day = (end.ends_at - timedelta(minutes=1)).astimezone(zone).date()
        told = mails.ContractEnded(called, last_day, end.due_at)
        sent = [
            post(tx, mails.CONTRACT_ENDED, to=to, parameters=told, school_id=end.school_id)
            for to in (founders(tx) if due.in_vain else _leaders(tx, end))
        ]
        notice.note(end, due.before, [each for each in sent if each], now)
        record(tx, "contracts.tell", school_id=end.school_id, district=end.district_id, days=due.before.days)
    if due.step is not Step.OVER:
        return due.step, None
    if border is None or end.ends_at > border:
        return Step.WAITS, None
    # Before it is said that there is no way back: until the hold ends there is one.
    if queries.is_end_kept(tx, end):
        return Step.HELD, None
    end.begun_at = now
    record(tx, "contracts.erase", school_id=end.school_id, district=end.district_id)
    return Step.OVER, _place(tx, end)


def _place(tx: Transaction, end: ContractEnd) -> Place:
    leaders = tuple(_leaders(tx, end))
    if end.school_id is not None:
        return Place(Subject.SCHOOL, tx.get_one(School, end.school_id).public_id, leaders)
    return Place(Subject.DISTRICT, tx.get_one(District, end.district_id).public_id, leaders)


def _leaders(tx: Transaction, end: ContractEnd) -> Sequence[Recipient]:
    return queries.leaders_at(tx, school=end.school_id, district=end.district_id)


def _named(tx: Transaction, end: ContractEnd) -> tuple[str, ZoneInfo]:
    place = (
        tx.get_one(School, end.school_id)
        if end.school_id is not None
        else tx.get_one(District, end.district_id)
    )
    return place.name, ZoneInfo(place.time_zone)
