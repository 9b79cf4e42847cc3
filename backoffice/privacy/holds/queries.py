"""Which holds there are, for founders, and how many, for everybody."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, case, select

from backoffice import clock
from backoffice.access.permissions import HOLDS_READ
from backoffice.access.policy import visible
from backoffice.access.transaction import Transaction
from backoffice.privacy.holds.models import STOPS, HoldState, LegalHold
from backoffice.storage import functions

MOST_ENDED = 100


def standing(tx: Transaction) -> Sequence[LegalHold]:
    """The holds that stop something: what waits for a second founder first, then by the day of review."""
    waits = case((LegalHold.confirmed_at.is_(None), 0), (LegalHold.release_at.is_not(None), 1), else_=2)
    stops = select(LegalHold).where(LegalHold.state.in_(STOPS))
    return tx.scalars(
        visible(tx.principal, stops.order_by(waits, LegalHold.review_on, LegalHold.id), HOLDS_READ)
    ).all()


def is_overdue(hold: LegalHold) -> bool:
    """Whether a hold in force was to be looked at again by now."""
    return hold.state == HoldState.IN_FORCE and hold.review_on < clock.now().date()


def overdue() -> ColumnElement[bool]:
    """The same as a condition."""
    return (LegalHold.state == HoldState.IN_FORCE) & (LegalHold.review_on < clock.now().date())


def ended(tx: Transaction) -> Sequence[LegalHold]:
    """The holds that ended last."""
    over = select(LegalHold).where(LegalHold.state.not_in(STOPS)).order_by(LegalHold.id.desc())
    return tx.scalars(visible(tx.principal, over.limit(MOST_ENDED), HOLDS_READ)).all()


def number_in_force(tx: Transaction) -> int:
    """How many holds two founders have put in force. Everybody may know."""
    return functions.holds_in_force(tx)
