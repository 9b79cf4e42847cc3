"""What erases each table: erasing somebody, what goes by age, or a reason why neither does.

It is read from what erasing itself goes by: the mapped keys with `ON DELETE CASCADE`, the plugins' too, and
where no key leads to somebody, what core and plugins say that they hold.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from sqlalchemy import CheckConstraint, Column, ForeignKeyConstraint, MetaData, Table

from backoffice.language.texts import lazy
from backoffice.privacy.erasure import beside
from backoffice.privacy.erasure.reach import cascading
from backoffice.privacy.holdings import Holder, Subject
from backoffice.privacy.inventory import PRIVATE, held_in, mapped, name

SUBJECTS: Mapping[str, Subject] = {f"app.{subject}": subject for subject in Subject}
# The only tables that hold something of somebody and go neither with anybody nor by age.
REASONS: Mapping[str, str] = {
    "app.audit_entry": lazy("It says what was done in which school, and names nobody."),
    "app.canary": lazy("It is about a child that was made up, and is gone with all that it had."),
    "app.erasure": lazy("It is the receipt for what was erased. What it names goes when all is verified."),
    "app.erasure_mark": lazy("It recognises what was erased, should a backup bring it back."),
    "app.erasure_outside": lazy("It is the receipt of others. What it names goes when they have erased it."),
    "app.legal_hold": lazy("It says that something had to be kept. What it names goes with whom it names."),
    "app.identity_provider": lazy("It is about the provider, and about nobody."),
    "app.plugin_state": lazy("It is about how the service is set, and about nobody."),
}
# What goes by age and waits for no job.
BY_USE: Mapping[str, str] = {"app.spent_challenge": lazy("The next passkey that is used takes it along")}
# Checks by which a row names at least one of two.
_ONE_OF_TWO = (
    re.compile(r"\((\w+) is null\) <> \((\w+) is null\)"),
    re.compile(r"(\w+) is not null or (\w+) is not null"),
)
_EMPTIES = re.compile(r"SET NULL(?: \((.*)\))?\Z", re.IGNORECASE)


@dataclass(frozen=True)
class Ending:
    """What takes the rows of a table away.

    Each row goes with every subject of `always`, and with those of `sometimes` that it names. `certain` says
    that no row is left without a subject. `by_age` says what takes away the old ones: titles of jobs.
    """

    always: frozenset[Subject] = frozenset()
    sometimes: frozenset[Subject] = frozenset()
    certain: bool = False
    by_age: tuple[str, ...] = ()
    reason: str | None = None

    @property
    def comes(self) -> bool:
        """Whether anything takes away each of the rows, or it is said why not."""
        return bool(self.certain or self.by_age or self.reason)


class ErasedBy:
    """What erases what. `by_age` has the titles of the jobs that go by age, by the table: `schema.name`."""

    def __init__(self, by_age: Mapping[str, Sequence[str]], installed: Iterable[Holder]) -> None:
        self._by_age = by_age
        self._found: dict[str, Ending] = {}
        self._with_rows: dict[str, set[Subject]] = defaultdict(set)
        self._blanked: dict[str, set[Subject]] = defaultdict(set)
        for held in chain(beside.HELD, *(holder.personal_data for holder in installed)):
            table = str(held.model.__table__)
            for column in held.blank:
                self._blanked[f"{table}.{column}"].add(held.subject)
            if held.rows and not held.blank:
                self._with_rows[table].add(held.subject)

    def ending(self, table: Table) -> Ending:
        """What takes the rows of a table away."""
        called = str(table)
        if called not in self._found:
            self._found[called] = self._follow(table, called)
        return self._found[called]

    def emptied_with(self, column: Column[object]) -> list[Subject]:
        """The subjects whose erasure empties a column, while its row stays."""
        found = set(self._blanked.get(name(column), ()))
        for key in column.table.foreign_key_constraints:
            if column.name in _emptied(key) and str(key.referred_table) in SUBJECTS:
                found.add(SUBJECTS[str(key.referred_table)])
        return [each for each in Subject if each in found]

    def without_end(self, metadatas: Iterable[MetaData]) -> list[str]:
        """The columns that hold something of somebody and that nothing erases, as `schema.table.column`."""
        return sorted(
            name(column)
            for column in mapped(metadatas)
            if (held := held_in(column)) and held.kind in PRIVATE
            if not (self.ending(column.table).comes or self.emptied_with(column))
        )

    def _follow(self, table: Table, called: str) -> Ending:
        always = {SUBJECTS[called]} if called in SUBJECTS else set()
        sometimes, certain = set(self._with_rows.get(called, ())), bool(always)
        named = set(self._named(table, sometimes))
        for key in cascading(table):
            above = self.ending(key.referred_table)
            sometimes |= above.sometimes
            nullable = {column.name for column in key.columns if column.nullable}
            if nullable:
                sometimes |= above.always
                named |= nullable if above.certain else set()
            else:
                always |= above.always
                certain |= above.certain
        return Ending(
            always=frozenset(always),
            sometimes=frozenset(sometimes - always),
            certain=certain or any(pair <= named for pair in _one_of_two(table)),
            by_age=(*self._by_age.get(called, ()), *filter(None, [BY_USE.get(called)])),
            reason=REASONS.get(called),
        )

    @staticmethod
    def _named(table: Table, subjects: set[Subject]) -> Iterator[str]:
        """The columns that name subjects with which rows go by a condition of their own."""
        for key in table.foreign_key_constraints:
            if SUBJECTS.get(str(key.referred_table)) in subjects:
                yield from key.column_keys


def _emptied(key: ForeignKeyConstraint) -> set[str]:
    found = _EMPTIES.match(key.ondelete or "")
    if found is None:
        return set()
    return set(found[1].split(", ")) if found[1] else {column.name for column in key.columns}


def _one_of_two(table: Table) -> Iterator[set[str]]:
    checks = [str(check.sqltext) for check in table.constraints if isinstance(check, CheckConstraint)]
    return ({*found.groups()} for each in checks for form in _ONE_OF_TWO if (found := form.fullmatch(each)))
