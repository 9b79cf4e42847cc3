"""Holding what must not be erased: one founder proposes, a second one confirms, and so it is released."""

from datetime import date, timedelta

from sqlalchemy import select

from backoffice import clock
from backoffice.access.lookup import NotFound, find
from backoffice.access.permissions import HOLDS_EDIT
from backoffice.access.policy import require
from backoffice.access.principal import Principal, Purpose
from backoffice.access.transaction import Transaction, transaction
from backoffice.accounts.founders import other_founders
from backoffice.accounts.services import proof
from backoffice.audit.trail import record
from backoffice.jobs import queue
from backoffice.language.texts import gettext, lazy
from backoffice.outbox.services import post
from backoffice.privacy.erasure.names import SUBJECTS
from backoffice.privacy.holdings import Subject
from backoffice.privacy.holds import mails, queries
from backoffice.privacy.holds.models import HoldState, LegalHold
from backoffice.problems import Rejected
from backoffice.storage import functions
from backoffice.storage.public_id import PublicId, is_public_id, new_public_id

GO_ON = "core.go-on-erasing"
# How long a proposal stops erasing while nobody has confirmed it.
SUSPENDS = timedelta(hours=72)
# The day of review lies at most so far ahead.
LONGEST = timedelta(days=366)
# How often founders are told that a day of review is past.
REMINDED = timedelta(days=7)
SHORTEST_REASON, LONGEST_REASON = 10, 2000
OVER = lazy("It is not as it was when you looked. Look at it again.")
TWO = lazy("A second founder has to do this: it takes two people.")


def propose_hold(
    *, principal: Principal, subject: Subject, public_id: str, reason: str, review_on: date
) -> PublicId:
    """Stop erasing of this at once, for as long as a second founder has to confirm it.

    What is being erased at this moment is waited for, and then there is nothing to hold. Raises `Rejected`,
    `Denied` and `ProofNeeded`.
    """
    reason = " ".join(reason.split())
    outside = "".join(public_id.split())
    if not SHORTEST_REASON <= len(reason) <= LONGEST_REASON:
        raise Rejected(
            reason=gettext(
                "Say why, in %(least)s to %(most)s letters. Founders alone read it.",
                least=SHORTEST_REASON,
                most=LONGEST_REASON,
            )
        )
    _check_review(review_on)
    now, made = clock.now(), new_public_id()
    with transaction(principal) as tx:
        require(tx.principal, HOLDS_EDIT)
        proof.demand(tx)
        functions.lock_holds(tx, alone=True)
        found = (
            functions.subject_to_hold(tx, subject=subject, public_id=outside)
            if is_public_id(outside)
            else None
        )
        if found is None:
            raise Rejected(public_id=gettext("There is nothing of this kind with this identifier."))
        hold = LegalHold(
            id=tx.take_id(LegalHold),
            public_id=made,
            subject=subject,
            subject_id=found.number,
            outside=outside,
            school_id=found.school_id,
            state=HoldState.PROPOSED,
            reason=reason,
            review_on=review_on,
            proposed_by=tx.principal.account_id,
            proposed_at=now,
        )
        tx.add(hold)
        tx.flush()
        _done(tx, hold, "propose")
    return made


def confirm_hold(*, principal: Principal, hold: str) -> None:
    """Put a hold in force that another founder has proposed. Raises `Rejected`, `NotFound`, `ProofNeeded`."""
    with transaction(principal) as tx:
        row = _open(tx, hold)
        if row.proposed_by == tx.principal.account_id:
            raise Rejected.whole(TWO)
        if not functions.confirm_hold(tx, number=row.id, at=clock.now()):
            raise Rejected.whole(OVER)
        _done(tx, row, "confirm")


def withdraw_hold(*, principal: Principal, hold: str) -> None:
    """Take back a proposal that nobody has confirmed; any founder may. What waited goes on."""
    with transaction(principal) as tx:
        row = _open(tx, hold)
        if not functions.withdraw_hold(tx, number=row.id, at=clock.now()):
            raise Rejected.whole(OVER)
        _done(tx, row, "withdraw")
        queue.defer(tx, GO_ON)


def review_hold(*, principal: Principal, hold: str, review_on: date) -> None:
    """Say that a hold is needed still, and when it is to be looked at again; one founder is enough.

    Whoever had asked for its end is answered by that: it is asked for no more.
    """
    _check_review(review_on)
    with transaction(principal) as tx:
        row = _open(tx, hold)
        if not functions.review_hold(tx, number=row.id, review_on=review_on):
            raise Rejected.whole(OVER)
        tx.refresh(row)
        _done(tx, row, "review")


def ask_for_release(*, principal: Principal, hold: str) -> None:
    """Ask for the end of a hold, which another founder confirms. Until then it holds."""
    with transaction(principal) as tx:
        row = _open(tx, hold)
        if not functions.ask_for_release(tx, number=row.id, at=clock.now()):
            raise Rejected.whole(OVER)
        _done(tx, row, "ask-for-release")


def release_hold(*, principal: Principal, hold: str) -> None:
    """End a hold whose end another founder has asked for. What waited for it alone goes on by itself."""
    with transaction(principal) as tx:
        row = _open(tx, hold)
        if row.release_by == tx.principal.account_id:
            raise Rejected.whole(TWO)
        if not functions.release_hold(tx, number=row.id, at=clock.now()):
            raise Rejected.whole(OVER)
        _done(tx, row, "release")
        queue.defer(tx, GO_ON)


def let_lapse(who: Purpose) -> int:
    """Let proposals lapse that nobody has confirmed in time, and tell the founders; how many."""
    now = clock.now()
    old = select(LegalHold).where(
        LegalHold.state == HoldState.PROPOSED, LegalHold.proposed_at <= now - SUSPENDS
    )
    with transaction(who) as tx:
        rows = tx.scalars(old.order_by(LegalHold.id).with_for_update()).all()
        for row in rows:
            row.state, row.ended_at = HoldState.LAPSED, now
            _done(tx, row, "lapse")
    return len(rows)


def remind(who: Purpose) -> int:
    """Tell the founders of holds that were to be looked at again by now, once a week; how many."""
    now = clock.now()
    late = select(LegalHold).where(
        queries.overdue(),
        LegalHold.reminded_at.is_(None) | (LegalHold.reminded_at <= now - REMINDED),
    )
    with transaction(who) as tx:
        rows = tx.scalars(late.order_by(LegalHold.id).with_for_update()).all()
        for row in rows:
            row.reminded_at = now
            _done(tx, row, "remind")
    return len(rows)


def _open(tx: Transaction, hold: str) -> LegalHold:
    require(tx.principal, HOLDS_EDIT)
    proof.demand(tx)
    if not is_public_id(hold):
        raise NotFound
    return find(tx, LegalHold, hold, permission=HOLDS_EDIT)


def _check_review(review_on: date) -> None:
    today = clock.now().date()
    if not today < review_on <= today + LONGEST:
        raise Rejected(review_on=gettext("Choose a day to come, within twelve months."))


def _done(tx: Transaction, row: LegalHold, step: str) -> None:
    """Note a step in the trail and tell the other founders of it."""
    # In no school's trail: outside it is only said that something has to be kept.
    record(tx, f"holds.{step}", hold=row.id, subject=row.subject)
    told = mails.HoldStep(
        step=step,
        what=str(SUBJECTS[Subject(row.subject)]),
        outside=row.outside or "",
        by=tx.principal.name,
        at=clock.now(),
        review_on=row.review_on,
        until=row.proposed_at + SUSPENDS if step == "propose" else None,
    )
    for founder in other_founders(tx):
        post(tx, mails.HOLD_STEP, to=founder, parameters=told)
