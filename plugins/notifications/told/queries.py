"""What is read of an incident by whoever answers for a school that was told of it.

The rows of the schools go through the policy. What else is shown hangs on them and is read by functions of
the database, which ask once more whose they are and whether they were told.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import column, func, select

from backoffice.access.lookup import rows_of
from backoffice.access.transaction import Transaction
from backoffice.storage.numbers import array_of
from backoffice.storage.sealed import SealedJSON
from plugins.notifications.models import ConcernedSchool
from plugins.notifications.permissions import INCIDENTS_TOLD

# A district with more schools than so many reads the others in the list.
MOST_SCHOOLS = 500
_HERE = func.plugin_notifications


def of_same_incident(tx: Transaction, school: ConcernedSchool) -> Sequence[ConcernedSchool]:
    """The schools that the reader answers for and that were told of the same incident."""
    mine = rows_of(tx.principal, ConcernedSchool, INCIDENTS_TOLD)
    mine = mine.where(ConcernedSchool.incident_id == school.incident_id)
    return tx.scalars(mine.order_by(ConcernedSchool.id).limit(MOST_SCHOOLS)).all()


def facts_of(tx: Transaction, schools: Sequence[ConcernedSchool]) -> dict[int, Any]:
    """What laws ask of the incidents of these schools, by the incidents' numbers."""
    known = _HERE.told_facts(_numbers(schools)).table_valued(
        *("id", "role", "risk", "kinds", "encrypted", "noticed_at", "determined_at", "confirmed_at"),
        *("held_since", "held_until", "closed_at"),
    )
    return {row.id: row for row in tx.rows(select(known))}


def notices_of(tx: Transaction, schools: Sequence[ConcernedSchool]) -> Sequence[Any]:
    """What was let out to these schools, a row for each of them, the newest first."""
    known = _HERE.told_notices(_numbers(schools)).table_valued(
        *("concerned_school_id", "notice_id", "audience", "approved_at", "template", "template_version"),
        column("said", SealedJSON("notice.said")),
    )
    return tx.rows(select(known).order_by(known.c.approved_at.desc(), known.c.notice_id.desc()))


def ways_of(tx: Transaction, schools: Sequence[ConcernedSchool]) -> Sequence[Any]:
    """What became of notices to these schools: how many people, by the state, and since when."""
    known = _HERE.told_ways(_numbers(schools)).table_valued(
        "concerned_school_id", "notice_id", "state", "at", "people"
    )
    return tx.rows(select(known).order_by(known.c.concerned_school_id, known.c.notice_id, known.c.state))


def given_of(tx: Transaction, schools: Sequence[ConcernedSchool]) -> Sequence[Any]:
    """Which rules about these schools were answered, and when."""
    known = _HERE.told_given(_numbers(schools)).table_valued("concerned_school_id", "rule", "at")
    return tx.rows(select(known))


def _numbers(schools: Sequence[ConcernedSchool]) -> Any:
    return array_of({each.id for each in schools})
