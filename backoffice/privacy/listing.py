"""The inventory as people read it: every column that holds something of somebody, by what it is about."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Column, MetaData, Table

from backoffice.privacy.erased_by import SUBJECTS, Ending, ErasedBy
from backoffice.privacy.holdings import Subject
from backoffice.privacy.inventory import PRIVATE, form_of, held_in, title_of
from backoffice.privacy.words import About
from backoffice.storage.columns import Class, Form, Held, Keep

SPANS = frozenset({Keep.TWO_DAYS, Keep.ONE_MONTH, Keep.SIX_MONTHS, Keep.ONE_YEAR, Keep.SIX_YEARS})
DIGESTS = frozenset({Form.HASHED, Form.DIGEST, Form.KEYED_DIGEST})
# What says most comes first.
_ORDER = (Class.PERSONAL, Class.NETWORK_ADDRESS, Class.SECRET, Class.PSEUDONYM)
_ABOUT = {
    Subject.STUDENT: About.STUDENTS,
    Subject.CLASSROOM: About.CLASSES,
    Subject.ACCOUNT: About.ACCOUNTS,
    Subject.SCHOOL: About.SCHOOLS,
    Subject.DISTRICT: About.SCHOOLS,
}


@dataclass(frozen=True)
class ListedColumn:
    """A column that holds something of somebody. `emptied_with` are whose erasure empties it alone."""

    name: str
    purpose: str
    kind: Class
    form: Form
    keep: Keep
    emptied_with: tuple[Subject, ...]


@dataclass(frozen=True)
class ListedTable:
    """A table with such columns. `operational` says how many others it has."""

    name: str
    title: str
    ending: Ending
    columns: tuple[ListedColumn, ...]
    operational: int

    @property
    def about(self) -> About:
        """What it is about: whatever it always goes with, the nearest to a child first."""
        always, sometimes = self.ending.always, self.ending.sometimes
        found = always or sometimes & {Subject.ACCOUNT} or sometimes
        return next((about for subject, about in _ABOUT.items() if subject in found), About.OTHER)

    @property
    def outstays(self) -> bool:
        """Whether something in it is to go by age, and nothing makes it go yet."""
        return not self.ending.by_age and any(column.keep in SPANS for column in self.columns)


@dataclass(frozen=True)
class Listing:
    """The whole inventory. `total` counts all columns that there are, `tables_total` all tables."""

    groups: Mapping[About, Sequence[ListedTable]]
    total: int
    tables_total: int

    @property
    def figures(self) -> dict[str, int]:
        """How much there is of what, by fixed names."""
        shown = [column for tables in self.groups.values() for table in tables for column in table.columns]
        forms = Counter(column.form for column in shown)
        return {
            "tables": self.tables_total,
            "columns": self.total,
            "shown": len(shown),
            "personal": sum(column.kind in {Class.PERSONAL, Class.NETWORK_ADDRESS} for column in shown),
            "sealed": forms[Form.SEALED],
            "digests": sum(forms[form] for form in DIGESTS),
            "plain": forms[Form.PLAIN],
            "operational": self.total - len(shown),
        }


def listing(metadatas: Iterable[MetaData], erased_by: ErasedBy) -> Listing:
    """The inventory of these tables."""
    tables = [table for metadata in metadatas for table in metadata.sorted_tables]
    listed = [each for table in tables if (each := _table(table, erased_by)).columns]
    groups = {about: sorted((each for each in listed if each.about is about), key=_place) for about in About}
    return Listing(groups, sum(len(table.columns) for table in tables), len(tables))


def _place(table: ListedTable) -> tuple[bool, str]:
    """What a group is about comes first, then what belongs to it."""
    return table.name not in SUBJECTS, table.name


def _table(table: Table, erased_by: ErasedBy) -> ListedTable:
    held = [(column, found) for column in table.columns if (found := held_in(column))]
    shown = sorted(
        (_column(column, found, erased_by) for column, found in held if found.kind in PRIVATE),
        key=lambda column: _ORDER.index(column.kind),
    )
    return ListedTable(
        str(table), title_of(table), erased_by.ending(table), tuple(shown), len(table.columns) - len(shown)
    )


def _column(column: Column[object], held: Held, erased_by: ErasedBy) -> ListedColumn:
    return ListedColumn(
        column.name,
        held.purpose,
        held.kind,
        form_of(column, held),
        held.keep,
        tuple(erased_by.emptied_with(column)),
    )
