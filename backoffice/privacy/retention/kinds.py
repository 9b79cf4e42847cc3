"""What the policy is about: kinds of data, each declared beside the tables that it lies in.

A kind of data without an entry in the policy, or an entry without a kind of data, stops the start.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, MetaData, Table
from sqlalchemy.orm import DeclarativeBase, InstrumentedAttribute

from backoffice.privacy.inventory import held_in
from backoffice.privacy.retention import in_force, policy
from backoffice.privacy.retention.period import Period
from backoffice.privacy.retention.policy import Action, Entry, Policy, RetentionError
from backoffice.storage.columns import Keep
from backoffice.storage.partitions import is_kept_by_day

CORE = "core"
# What the columns of a table say, and how long that is at most.
SPANS: Mapping[Keep, Period] = {
    Keep.TWO_DAYS: Period(2, "day"),
    Keep.ONE_MONTH: Period(1, "month"),
    Keep.SIX_MONTHS: Period(6, "month"),
    Keep.ONE_YEAR: Period(12, "month"),
    Keep.SIX_YEARS: Period(6, "year"),
}


@dataclass(frozen=True)
class Rows:
    """Rows of one table that go by age.

    `since` is the moment from which a row's age counts, and `clock` the column that it stands in, where
    `since` is no column by itself. `only` says which rows go by age at all. Where the moment stands in
    another table, `through` names that table and how a row leads there. What goes is the row, or what its
    columns named in `empties` tell. `along` are tables whose rows go with these.
    """

    model: type[DeclarativeBase]
    since: InstrumentedAttribute[Any] | ColumnElement[Any]
    clock: InstrumentedAttribute[Any] | None = None
    only: ColumnElement[bool] | None = None
    through: tuple[type[DeclarativeBase], ColumnElement[bool]] | None = None
    empties: tuple[str, ...] = ()
    along: tuple[type[DeclarativeBase], ...] = ()

    @property
    def column(self) -> str:
        """Where the moment stands, as the policy names it: `schema.table.column`."""
        clock: Any = self.clock if self.clock is not None else self.since
        return f"{clock.class_.__table__}.{clock.key}"

    @property
    def by_day(self) -> bool:
        """Whether they lie in a log that is kept by the day: its days go whole."""
        return is_kept_by_day(self.tables[0])

    @property
    def tables(self) -> tuple[Table, ...]:
        """The tables whose rows go."""
        return tuple(each.__table__ for each in (self.model, *self.along))  # type: ignore[misc]

    def due(self, before: datetime) -> ColumnElement[bool]:
        """The condition that a row's age began before a moment; for rows whose moment is their own."""
        assert self.through is None
        past: ColumnElement[bool] = self.since < before
        return past if self.only is None else past & self.only


@dataclass(frozen=True)
class Kind:
    """One kind of data, by the name of its entry in the policy.

    `work` says that it is what people made or told, of which a run that would take much waits for a person.
    `events` says that it tells who did what in the product. `by` is the full name of the job that makes it
    go, where that takes more than a statement; all other kinds go by themselves. `warned` is how many
    warnings that job can go by, at least and at most.
    """

    name: str
    rows: tuple[Rows, ...] = ()
    work: bool = False
    events: bool = False
    by: str | None = None
    warned: tuple[int, int | None] = (0, None)

    @property
    def entry(self) -> Entry:
        """What the policy in force says of it."""
        return in_force.current().entries[self.name]

    @property
    def period(self) -> Period:
        """How long it is kept."""
        return self.entry.period

    def before(self, at: datetime) -> datetime:
        """What began before this is due at `at`."""
        return self.period.before(at)

    def due(self, at: datetime) -> ColumnElement[bool]:
        """The condition that a row is due at `at`; for a kind of one table."""
        (rows,) = self.rows
        return rows.due(self.before(at))


_kinds: Mapping[str, Kind] = {}


def install(by_owner: Mapping[str, Iterable[Kind]]) -> None:
    """Make these the kinds of the process: the core's, and each plugin's by its name.

    Raises `RetentionError` with all that does not fit the policy.
    """
    global _kinds  # noqa: PLW0603 - a process has one set of kinds
    said, kept = policy.on_disk(), {owner: tuple(kinds) for owner, kinds in by_owner.items()}
    problems = list(mismatches(said, kept))
    if problems:
        raise RetentionError(problems)
    found = {kind.name: kind for kinds in kept.values() for kind in kinds}
    # In the order in which people read them.
    _kinds = {name: found[name] for name in said.entries if name in found}
    owners = {kind.name: owner for owner, kinds in kept.items() for kind in kinds}

    def fits(entry: Entry) -> bool:
        kind = found.get(entry.name)
        return kind is None or not any(_against(entry, kind, owners[entry.name]))

    in_force.install(fits)


def installed() -> Mapping[str, Kind]:
    """Every kind of data of the core and of the installed plugins, in the policy's order."""
    return _kinds


def mismatches(said: Policy, kept: Mapping[str, Sequence[Kind]]) -> Iterator[str]:
    """What the policy and the program say differently, a sentence each."""
    seen: set[str] = set()
    for owner, kinds in kept.items():
        for kind in kinds:
            if kind.name in seen:
                yield f"There are two kinds of data named {kind.name}."
            seen.add(kind.name)
            entry = said.entries.get(kind.name)
            if entry is None:
                yield f"{policy.FILE} has no entry for {kind.name}, which {_whose(owner)} keeps."
            else:
                yield from _against(entry, kind, owner)
    for name, entry in said.entries.items():
        if name not in seen and (entry.plugin or CORE) in kept:
            whose = _whose(entry.plugin or CORE)
            yield f"{policy.FILE} has an entry for {name}, and {whose} keeps no such data."


def uncovered(metadatas: Iterable[MetaData], kinds: Iterable[Kind]) -> list[str]:
    """The tables of which something is to go by age and that are of no kind, as `schema.table`."""
    covered = {table for kind in kinds for rows in kind.rows for table in rows.tables}
    return sorted(
        str(table)
        for metadata in metadatas
        for table in metadata.sorted_tables
        if table not in covered and _spans(table)
    )


def _against(entry: Entry, kind: Kind, owner: str) -> Iterator[str]:
    of = f"{policy.FILE}, {kind.name}"
    if (entry.plugin or CORE) != owner:
        yield f"{of}: it is data of {_whose(owner)}."
    columns = sorted({rows.column for rows in kind.rows})
    if sorted(entry.columns) != columns:
        yield f"{of}: its clock stands in {', '.join(columns) or 'no column'}."
    if entry.action is not Action.CLOSE:
        emptied = {Action.EMPTY if rows.empties else Action.ERASE for rows in kind.rows} or {Action.ERASE}
        if emptied != {entry.action}:
            yield f"{of}: the program would {' and '.join(sorted(emptied))} it."
    least, most = kind.warned
    if len(entry.warnings) < least or (most is not None and len(entry.warnings) > most):
        how_many = f"exactly {least}" if most == least else f"{least} or more"
        yield f"{of}: its job goes by {how_many} in `warnings`, and there are {len(entry.warnings)}."
    longest = min((SPANS[each] for rows in kind.rows for each in _promised(rows)), key=_length, default=None)
    if longest is not None and entry.period.at_most > longest.at_most:
        yield f"{of}: its columns say that it is kept for {longest.iso} at most."


def _promised(rows: Rows) -> set[Keep]:
    """What the columns say of which the policy decides: those that are emptied, else all of the row."""
    names = rows.empties or tuple(column.name for column in rows.tables[0].columns)
    held = (held_in(rows.tables[0].columns[name]) for name in names)
    return {each.keep for each in held if each is not None and each.keep in SPANS}


def _spans(table: Table) -> bool:
    return any((held := held_in(column)) and held.keep in SPANS for column in table.columns)


def _length(period: Period) -> float:
    return period.at_most.total_seconds()


def _whose(owner: str) -> str:
    return "the core" if owner == CORE else f"the plugin {owner}"
