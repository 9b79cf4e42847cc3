"""Filters by a thing that many lists are narrowed by."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy.orm import InstrumentedAttribute

from backoffice.access.permissions import Permission
from backoffice.access.policy import scope
from backoffice.access.transaction import Transaction
from backoffice.console.grids.filters import RelationFilter
from backoffice.language.texts import lazy
from backoffice.schools import queries
from backoffice.schools.models import School

# Each page opens the seals of their names.
MOST_SCHOOLS = 20


def school_filter(column: InstrumentedAttribute[int], *, read: Permission, carried_by: str) -> RelationFilter:
    """By school, offered to whoever reads several of them; one of many is picked by its name."""

    def choices(tx: Transaction, most: int) -> Sequence[School] | None:
        held = len(scope(tx.principal, read).schools)
        if held > MOST_SCHOOLS:
            return None
        return queries.schools_for(tx, read, most=most) if held > 1 else ()

    def condition(_tx: Transaction, school: Any) -> Any:
        return column == school.id

    return RelationFilter(
        "school",
        lazy("School"),
        entity=School,
        condition=condition,
        called=lambda _tx, school: str(school.name),
        choices=choices,
        pick="school",
        nothing=lazy("All schools"),
        carried_by=carried_by,
    )
