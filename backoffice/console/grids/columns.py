"""Columns of a list, and the orders that they offer."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import InstrumentedAttribute

from backoffice.access.permissions import Permission
from backoffice.console.grids.edits import Edit
from backoffice.console.grids.filters import Few


@dataclass(frozen=True, eq=False)
class By:
    """In the order of a column of the table that is never empty. `carried_by` names indexes that have it."""

    column: InstrumentedAttribute[Any]
    carried_by: tuple[str, ...] | Few
    # What a first click asks for.
    latest_first: bool = False


class ByName:
    """In the order of a sealed name: sorted here, up to as many rows as that takes no time for."""


BY_NAME = ByName()


@dataclass(frozen=True, eq=False)
class Column:
    """A column's key and heading, and who sees it: without `permission` everybody who sees the list."""

    key: str
    title: str
    numeric: bool = False
    sort: By | ByName | None = None
    # Whoever reads the list may leave it out.
    optional: bool = False
    permission: Permission | None = None
    # Left out until somebody asks for it.
    hidden: bool = False
    # How its cells are changed where they stand, if they are.
    edit: Edit | None = None


@dataclass(frozen=True, eq=False)
class Order:
    """How a list is ordered: by a column, or as it came about."""

    column: Column | None = None
    descending: bool = False

    @property
    def by(self) -> InstrumentedAttribute[Any] | None:
        """The column of the table that has the order, if one has."""
        sort = self.column.sort if self.column else None
        return sort.column if isinstance(sort, By) else None

    @property
    def by_name(self) -> bool:
        """Whether it is the order of a sealed name."""
        return self.column is not None and self.column.sort is BY_NAME
