"""A few saved views, so that the demo's lists show what they are for."""

from datetime import datetime

from sqlalchemy import insert

from backoffice.access.transaction import Transaction
from backoffice.saved_views.models import SavedView, SharedWith
from backoffice.storage.public_id import new_public_id


def save_views(tx: Transaction, *, leader: int, school: int, at: datetime) -> None:
    """One that the school shares, counted on everybody's first page, and three of the leader's own."""
    for name, grid, state, shared in (
        ("In or new within 7 days", "students", "active=last-7-days", True),
        ("Longest away first", "students", "sort=active", False),
        ("Only names", "students", "columns=name", False),
        ("Classes of earlier years", "classrooms", "archived=yes", False),
    ):
        tx.execute(
            insert(SavedView).values(
                id=tx.take_id(SavedView),
                public_id=new_public_id(),
                account_id=leader,
                school_id=school if shared else None,
                grid=grid,
                name=name,
                state=state,
                shared_with=SharedWith.SCHOOL if shared else SharedWith.NOBODY,
                is_default=False,
                pinned=grid == "classrooms" or shared,
                created_at=at,
            )
        )
