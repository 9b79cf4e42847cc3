"""Deciding about guardian links: approving, refusing, revoking; and a parent's own leaving."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select, update

from backoffice import clock
from backoffice.access.lookup import NotFound
from backoffice.access.permissions import CHILDREN_READ, GUARDIANS_APPROVE
from backoffice.access.policy import visible
from backoffice.access.principal import Principal
from backoffice.access.selection import Which, selected
from backoffice.access.transaction import Transaction, transaction
from backoffice.audit.trail import record, record_by_school
from backoffice.families.models import GuardianLink, GuardianStatus
from backoffice.families.services.invitations import WRITE
from backoffice.jobs import queue
from backoffice.schools.models import Student
from backoffice.storage.numbers import one_of


def approve(*, principal: Principal, links: Which) -> int:
    """Approve those of these links that wait, except one's own; their parents are told. How many."""
    return _decide(principal, links, GuardianStatus.WAITING, GuardianStatus.APPROVED, "guardians.approve")


def refuse(*, principal: Principal, links: Which) -> int:
    """Refuse those of these links that wait; their parents are told. How many."""
    return _decide(principal, links, GuardianStatus.WAITING, GuardianStatus.REFUSED, "guardians.refuse")


def revoke(*, principal: Principal, links: Which) -> int:
    """Revoke those of these links that are approved: out at the next request. How many."""
    return _decide(principal, links, GuardianStatus.APPROVED, GuardianStatus.REVOKED, "guardians.revoke")


def leave(*, principal: Principal, student: str) -> None:
    """End one's own link to a child. Raises `NotFound`."""
    with transaction(principal) as tx:
        child = select(Student.id).where(Student.public_id == student)
        number = tx.scalar(visible(tx.principal, child, CHILDREN_READ))
        own = (
            GuardianLink.account_id == tx.principal.account_id,
            GuardianLink.student_id == number,
            GuardianLink.status == GuardianStatus.APPROVED,
        )
        link = tx.scalars(visible(tx.principal, select(GuardianLink).where(*own))).one_or_none()
        if link is None:
            raise NotFound
        # Whoever goes need not be told.
        _set(tx, [link], GuardianStatus.REVOKED, clock.now(), told=GuardianStatus.REVOKED)
        record(tx, "guardians.leave", school_id=link.school_id, student=link.student_id, link=link.id)


def _decide(
    principal: Principal, links: Which, before: GuardianStatus, after: GuardianStatus, verb: str
) -> int:
    now = clock.now()
    with transaction(principal) as tx:
        numbers = selected(tx, GuardianLink, links, GUARDIANS_APPROVE)
        chosen = visible(tx.principal, select(GuardianLink), GUARDIANS_APPROVE).where(
            one_of(GuardianLink.id, numbers),
            GuardianLink.status == before,
            GuardianLink.account_id != tx.principal.account_id,
        )
        # Locked: of two who decide at once the second finds it decided.
        found = tx.scalars(chosen.order_by(GuardianLink.id).with_for_update()).all()
        if found:
            _set(tx, found, after, now)
            record_by_school(tx, verb, ((link.school_id, _numbers(link)) for link in found))
            queue.defer(tx, WRITE)
    return len(found)


def _numbers(link: GuardianLink) -> dict[str, int]:
    return {"student": link.student_id, "link": link.id, "account": link.account_id}


def _set(
    tx: Transaction,
    links: Sequence[GuardianLink],
    status: GuardianStatus,
    at: datetime,
    told: GuardianStatus | None = None,
) -> None:
    approved = status is GuardianStatus.APPROVED
    values: dict[str, object] = (
        {"approved_by": tx.principal.account_id, "approved_at": at} if approved else {"ended_at": at}
    )
    if told is not None:
        values["told"] = told
    tx.execute(
        update(GuardianLink)
        .where(
            one_of(GuardianLink.school_id, {link.school_id for link in links}),
            one_of(GuardianLink.id, {link.id for link in links}),
        )
        .values(status=status, **values)
        .execution_options(synchronize_session=False)
    )
