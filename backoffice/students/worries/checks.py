"""Whether a child can tell its grown-ups something, and how long what was told has been open."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from backoffice import clock
from backoffice.access import probe
from backoffice.access.transaction import Transaction
from backoffice.controls.check import Looking
from backoffice.schools.let_in import children_let_in
from backoffice.students.worries.models import GoesTo, Worry, WorryKind
from backoffice.students.worries.services import add


def open_since(look: Looking) -> Sequence[datetime]:
    """When what children told came that nobody has closed."""
    return look.tx.scalars(select(Worry.told_at).where(Worry.closed_at.is_(None))).all()


def is_a_child_there(look: Looking) -> bool:
    """Whether there is a child with whom it can be tried out."""
    return _somebody(look) is not None


def what_hinders_children(look: Looking) -> str | None:
    """Why a child cannot tell its teachers anything, if so. What is tried is undone."""
    # Whoever is not signed in is led to the code, and not to an error.
    answer = look.app.test_client(use_cookies=False).get("/student/tell", base_url=look.settings.base_url)
    if answer.location != "/join":
        return f"/student/tell answers {answer.status_code}."
    row = _somebody(look)
    if row is None:
        return None
    with probe.as_student(row.code_index, row.public_id, pin_hash=row.pin_hash) as (connection, child):
        try:
            with Transaction(child.credential, bind=connection) as tx:
                add(tx, kind=WorryKind.OTHER, goes_to=GoesTo.TEACHER, note="", form=str(uuid4()))
        except SQLAlchemyError:
            return "The database takes nothing that a child tells."
    return None


def _somebody(look: Looking) -> Any:
    return look.tx.execute(children_let_in(clock.now()).limit(1)).first()
