"""Reading large changes."""

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import defer

from backoffice.access.policy import visible
from backoffice.access.transaction import Transaction
from backoffice.large_changes.models import UNDER_WAY, LargeChange

MOST_LISTED = 50


def changes_of(tx: Transaction) -> Sequence[LargeChange]:
    """The principal's own of the last month, the latest first."""
    latest = select(LargeChange).options(defer(LargeChange.asked)).order_by(LargeChange.id.desc())
    return tx.scalars(visible(tx.principal, latest.limit(MOST_LISTED))).all()


def under_way(tx: Transaction) -> int:
    """How many of the principal's own have not ended."""
    own = visible(tx.principal, select(LargeChange.id).where(LargeChange.state.in_(UNDER_WAY)))
    return tx.scalar(select(func.count()).select_from(own.subquery())) or 0
