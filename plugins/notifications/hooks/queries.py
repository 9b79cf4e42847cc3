"""Which systems of districts are called, how calls went, and what is to be called now."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, delete, func, or_, select, true, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import undefer

from backoffice.access.lookup import rows_of
from backoffice.access.permissions import SCHOOLS_CONTACT
from backoffice.access.policy import visible
from backoffice.access.transaction import Transaction
from backoffice.schools.models import District, School
from backoffice.storage.public_id import new_public_id
from backoffice.storage.sealed import seal_text
from plugins.notifications.hooks.models import CallState, DistrictHook, HookCall
from plugins.notifications.models import ConcernedSchool, Incident
from plugins.notifications.notices.models import Audience, Notice, NoticeState

SHOWN = 20
# So long calls are signed with the secret from before as well: a system has to be told the new one.
BOTH_SIGN = timedelta(hours=24)
# What came of trying an address out is of use for so long.
TESTS_KEPT = timedelta(days=30)
_WAITS = HookCall.state == CallState.WAITING
_IS_TEST = HookCall.notice_id.is_(None)
_GOES_OUT = and_(Notice.state.in_((NoticeState.APPROVED, NoticeState.SENT)), Notice.paused_at.is_(None))


# ------------------------------------------------------------ for who leads a district


def hook_of(tx: Transaction, district: District) -> DistrictHook | None:
    """Where a district's own system is called, without the secret."""
    mine = rows_of(tx.principal, DistrictHook, SCHOOLS_CONTACT)
    return tx.scalars(mine.where(DistrictHook.district_id == district.id)).one_or_none()


def last_calls(tx: Transaction, hook: DistrictHook) -> Sequence[HookCall]:
    """The last calls to it, the newest first."""
    mine = rows_of(tx.principal, HookCall, SCHOOLS_CONTACT).where(HookCall.hook_id == hook.id)
    return tx.scalars(mine.order_by(HookCall.id.desc()).limit(SHOWN)).all()


def set_url(tx: Transaction, district: District, url: str, *, secret: str, at: datetime) -> bool | None:
    """Set the address; whether the secret is the one given, as there was none. None if it may not be set."""
    sealed = (
        seal_text(url, context="district_hook.url"),
        seal_text(secret, context="district_hook.secret"),
    )
    called = func.plugin_notifications.set_hook(district.id, *sealed, at)
    return tx.scalar(select(called))


def renew_secret(tx: Transaction, district: District, secret: str, *, at: datetime) -> bool:
    """Have calls signed with a new secret besides, which takes the old one's place; whether there was one."""
    sealed = seal_text(secret, context="district_hook.newer_secret")
    return bool(tx.scalar(select(func.plugin_notifications.renew_hook_secret(district.id, sealed, at))))


def remove(tx: Transaction, district: District, *, at: datetime) -> bool:
    """Remove the address, and give up what waits; whether there was one."""
    return bool(tx.scalar(select(func.plugin_notifications.remove_hook(district.id, at))))


def ask_for_test(tx: Transaction, district: District, *, at: datetime) -> bool:
    """Have the address called to try it out; whether there is one, and none of these waits already."""
    called = func.plugin_notifications.test_hook(district.id, new_public_id(), at)
    return bool(tx.scalar(select(called)))


# ---------------------------------------------------------------------- for founders


def calls_of(tx: Transaction, notices: Sequence[Notice]) -> Mapping[int, Mapping[str, int]]:
    """How many systems of districts each of these was to call, by how far the call is; for founders."""
    found: dict[int, dict[str, int]] = {each.id: {} for each in notices}
    if found:
        mine = visible(tx.principal, select(HookCall.notice_id, HookCall.state), SCHOOLS_CONTACT)
        some = mine.where(HookCall.notice_id.in_(found)).subquery()
        counted = select(some.c.notice_id, some.c.state, func.count().label("calls"))
        for row in tx.rows(counted.group_by(some.c.notice_id, some.c.state)):
            found[row.notice_id][row.state] = row.calls
    return found


# ---------------------------------------------------------------------- as the system


def note_due(tx: Transaction, *, at: datetime, notice: Notice | None = None) -> int:
    """Have each district's system called once by each notice, or by this one, that goes out to its schools.

    While it is being written: as long as that lasts nobody adds a school to those that two founders have
    decided about. How many calls were noted.
    """
    goes_out = and_(Notice.state == NoticeState.APPROVED, Notice.paused_at.is_(None))
    this = true() if notice is None else Notice.id == notice.id
    wanted = (
        select(DistrictHook.id.label("hook_id"), Notice.id.label("notice_id"))
        .join(School, School.district_id == DistrictHook.district_id)
        .join(ConcernedSchool, ConcernedSchool.school_id == School.id)
        .join(Incident, Incident.id == ConcernedSchool.incident_id)
        .join(Notice, Notice.incident_id == Incident.id)
        .outerjoin(HookCall, and_(HookCall.hook_id == DistrictHook.id, HookCall.notice_id == Notice.id))
        .where(HookCall.id.is_(None), Notice.audience == Audience.SCHOOLS, goes_out, this)
        .where(ConcernedSchool.left_out_at.is_(None), ~Incident.is_drill)
        .distinct()
    )
    found = tx.rows(wanted)
    begins = {"state": CallState.WAITING, "attempts": 0, "next_try_at": at, "created_at": at}
    rows = [
        {"id": number, "public_id": new_public_id(), **begins, **each._asdict()}
        for number, each in zip(tx.take_ids(HookCall, len(found)), found, strict=True)
    ]
    if rows:
        # Another worker may have noted the same.
        tx.execute(insert(HookCall).values(rows).on_conflict_do_nothing())
    return len(rows)


def next_due(tx: Transaction, *, at: datetime, most: int) -> Row[HookCall, DistrictHook] | None:
    """A call that is to be made now, with what is called, which no other worker has; none if all are made.

    What was tried least comes first, so that a system that never answers keeps no other waiting.
    """
    due = (
        select(HookCall, DistrictHook)
        .options(undefer(HookCall.body), undefer(DistrictHook.secret), undefer(DistrictHook.newer_secret))
        .join(DistrictHook, DistrictHook.id == HookCall.hook_id)
        .outerjoin(Notice, Notice.id == HookCall.notice_id)
        .where(_WAITS, HookCall.next_try_at <= at, or_(_IS_TEST, _GOES_OUT))
        .where(HookCall.attempts < most, or_(HookCall.attempts == 0, ~_IS_TEST))
        .order_by(HookCall.attempts, HookCall.next_try_at, HookCall.id)
        .limit(1)
        .with_for_update(of=HookCall, skip_locked=True)
    )
    return tx.execute(due).one_or_none()


def concerned(tx: Transaction, notice: Notice, district: int) -> Sequence[Any]:
    """The schools of a district that a notice is about: names and numbers."""
    numbers = (ConcernedSchool.students, ConcernedSchool.staff, ConcernedSchool.parents)
    some = select(School.public_id, School.name, *numbers).join(
        School, School.id == ConcernedSchool.school_id
    )
    mine = (ConcernedSchool.incident_id == notice.incident_id, ConcernedSchool.left_out_at.is_(None))
    return tx.rows(some.where(*mine, School.district_id == district).order_by(School.id))


def finish(tx: Transaction, number: int, *, attempt: int, **became: Any) -> bool:
    """Write down what came of an attempt, unless the call is over or tried anew meanwhile; whether it was.

    What was sent goes with the last attempt.
    """
    own = (HookCall.id == number, _WAITS, HookCall.attempts == attempt)
    body = {} if became["state"] == CallState.WAITING else {"body": None}
    done = update(HookCall).where(*own).values(**became, **body).returning(HookCall.id)
    return tx.scalar(done.execution_options(synchronize_session=False)) is not None


def unanswered(tx: Transaction, number: int) -> Row[str, str, int, int, str] | None:
    """Of which notice of which incident a call was, and of which district; None of one to try it out."""
    found = (
        select(
            Notice.public_id.label("notice"),
            Incident.public_id.label("incident"),
            Notice.id,
            District.id.label("district_id"),
            District.name.label("district"),
        )
        .join(Incident, Incident.id == Notice.incident_id)
        .join(HookCall, HookCall.notice_id == Notice.id)
        .join(DistrictHook, DistrictHook.id == HookCall.hook_id)
        .join(District, District.id == DistrictHook.district_id)
    )
    return tx.execute(found.where(HookCall.id == number)).one_or_none()


def take_over_secrets(tx: Transaction, *, at: datetime) -> None:
    """Have secrets that were made a day ago stand alone."""
    renewed = select(DistrictHook).options(undefer(DistrictHook.newer_secret)).with_for_update()
    for hook in tx.scalars(renewed.where(DistrictHook.renewed_at <= at - BOTH_SIGN)).all():
        assert hook.newer_secret is not None
        hook.secret, hook.newer_secret, hook.renewed_at = hook.newer_secret, None, None


def give_up(tx: Transaction, *, at: datetime, most: int) -> Sequence[Any]:
    """Give up what nobody will call any more, and forget old trials, and those of addresses that are gone.

    That is: the address is gone, the notice was stopped, or a worker was killed in the last attempt. Which
    were given up, and of each whether all was tried.
    """
    old = or_(HookCall.hook_id.is_(None), HookCall.finished_at < at - TESTS_KEPT)
    tx.execute(delete(HookCall).where(_IS_TEST, old).execution_options(synchronize_session=False))
    stopped = select(Notice.id).where(Notice.id == HookCall.notice_id, Notice.state == NoticeState.ENDED)
    tried: ColumnElement[bool] = or_(HookCall.attempts >= most, and_(_IS_TEST, HookCall.attempts > 0))
    over = or_(HookCall.hook_id.is_(None), stopped.exists(), and_(tried, HookCall.next_try_at <= at))
    ended = update(HookCall).where(_WAITS, over)
    ended = ended.values(state=CallState.GIVEN_UP, finished_at=at, body=None)
    was_tried = and_(HookCall.attempts >= most, ~stopped.exists()).label("was_tried")
    found = ended.returning(HookCall.id, was_tried).execution_options(synchronize_session=False)
    return tx.execute(found).all()
