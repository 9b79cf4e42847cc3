"""The form above a list: the search, the filters, the columns. All that its template looks at is here."""

from collections.abc import Sequence
from typing import NamedTuple

from backoffice.console.grids.columns import Column
from backoffice.console.grids.filters import Filter, Input, Option, RelationFilter
from backoffice.console.grids.own import OwnColumn, OwnFilter

Pairs = tuple[tuple[str, str], ...]


class PanelFilter(NamedTuple):
    """One filter of the panel."""

    help: str | None
    inputs: tuple[Input, ...]


class GridForm(NamedTuple):
    """The form. `at_hand` are the inputs in sight, filter by filter, and `panel` those that open."""

    title: str
    # None: nothing is searched for in this list.
    placeholder: str | None
    words: str
    refocus: bool
    # Words are typed into some of its inputs: it travels as a form.
    picks: bool
    # What else the list is asked for.
    kept: Pairs
    at_hand: tuple[tuple[Input, ...], ...]
    panel: tuple[PanelFilter, ...]
    choosable: tuple[Option, ...]
    first_column: str
    opened: bool
    # The school to which the list is narrowed.
    within: str

    @property
    def asks(self) -> bool:
        """Whether there is more than a search."""
        return bool(self.at_hand or self.panel or self.choosable)


class GridFiles(NamedTuple):
    """The files of a list, by address and title: as it is, what was found, of plugins; and the way in."""

    exports: Pairs
    found: Pairs
    offered: Pairs
    import_url: str | None
    kept: Pairs


def is_the_same_for_others(
    inputs: Sequence[tuple[Filter, Sequence[Input]]], columns: Sequence[Column], asked: object
) -> bool:
    """Whether the form of a list holds nothing that is sealed, nor what somebody has asked for.

    Classes and schools to choose from have names, and so have fields of a school's own.
    """
    return not (
        asked
        or any(isinstance(each, OwnColumn) for each in columns)
        or any(
            one.problem
            or one.value
            or one.said
            or isinstance(each, OwnFilter)
            # The first of them is "all".
            or (isinstance(each, RelationFilter) and len(one.options) > 1)
            for each, found in inputs
            for one in found
        )
    )
