"""What an import leaves alone, because somebody here decided otherwise than the roster.

`left_alone` has the numbers of the class and of whom it is about.
"""

from enum import IntEnum
from typing import Any

from sqlalchemy import text

from backoffice.access.transaction import Transaction
from plugins.rosters.importing.merging.counting import Counted


class Alone(IntEnum):
    """Whom it leaves alone: who was taken out here stays out, who was put in here stays in."""

    CHILDREN_OUT = 1
    CHILDREN_IN = 2
    TEACHERS_OUT = 3
    TEACHERS_IN = 4
    # A new class, and the one that was begun here for the same children.
    CLASSES_BESIDE = 5

    @property
    def counted(self) -> str:
        """As what they are counted."""
        return COUNTED[self]


COUNTED = {
    Alone.CHILDREN_OUT: "children left out",
    Alone.CHILDREN_IN: "children left in",
    Alone.TEACHERS_OUT: "teachers left out",
    Alone.TEACHERS_IN: "teachers left in",
    Alone.CLASSES_BESIDE: "new classes beside ones begun here",
}
MAKE = text("""
    create temp table left_alone (kind smallint, school_id bigint, classroom_id bigint, person bigint)
      on commit drop
""")
TIMES = text("select school_id, kind, count(*) as times from left_alone group by school_id, kind")
LISTED = text("""
    select kind, classroom_id, person from (
      select *, row_number() over (partition by kind order by school_id, classroom_id, person) as nth
        from left_alone) every
     where nth <= :most order by kind, nth
""")


def begin(tx: Transaction) -> None:
    """Leave nobody alone yet."""
    tx.execute(MAKE)


def how_many(tx: Transaction) -> Counted:
    """Of each kind, in which school, how many."""
    for row in tx.execute(TIMES):
        yield Alone(row.kind).counted, row.school_id, row.times


def left_alone(tx: Transaction, *, most: int) -> dict[str, list[Any]]:
    """The first of each kind: numbers of the class and of whom, by what they are counted as."""
    found: dict[str, list[Any]] = {}
    for row in tx.execute(LISTED, {"most": most}):
        found.setdefault(Alone(row.kind).counted, []).append([row.classroom_id, row.person])
    return found
