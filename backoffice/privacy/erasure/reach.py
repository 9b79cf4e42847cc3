"""What hangs on a subject in the database: every table that goes with it, and by what its rows are found.

The models say it once, in foreign keys with `ON DELETE CASCADE`. Counting, erasing and verifying read it
from there, so that none of them can forget a table which another one knows.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from graphlib import TopologicalSorter
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Delete,
    ForeignKeyConstraint,
    Select,
    Table,
    and_,
    delete,
    false,
    func,
    not_,
    or_,
    select,
    tuple_,
)

from backoffice.storage.numbers import given, one_of
from backoffice.storage.prepared import PREPARED, after

CASCADE = "CASCADE"
# The planner expects rows of everybody everywhere: whether there is one of a school that came last it would
# find out by reading a table from its beginning.
_BY_KEYS = after(
    "select set_config('enable_seqscan', 'off', true)", "select set_config('enable_seqscan', 'on', true)"
)


@dataclass(frozen=True)
class Given:
    """Numbers that are said when a statement runs, by this name; whether it is a single one."""

    name: str
    one: bool


@dataclass(frozen=True, eq=False)
class Each:
    """The number of each row of a statement around, of which it is asked one by one."""

    column: ColumnElement[int]


Numbers = frozenset[int] | Given | Each


@dataclass(frozen=True)
class Way:
    """One way to rows of a table: columns whose values are known, or else the rows of a table above it."""

    known: tuple[tuple[str, Numbers], ...] = ()
    above: "Way | None" = None
    key: ForeignKeyConstraint | None = None

    def condition(self, table: Table) -> ColumnElement[bool]:
        """What is true of these rows."""
        if self.above is None or self.key is None:
            return and_(*(_is(table.c[name], numbers) for name, numbers in self.known))
        own = [pair.parent for pair in self.key.elements]
        theirs = select(*(pair.column for pair in self.key.elements))
        rows = theirs.where(self.above.condition(self.key.referred_table))
        return (tuple_(*own) if len(own) > 1 else own[0]).in_(rows)

    def covers(self, other: "Way") -> bool:
        """Whether it leads to all that the other leads to, as far as the columns tell."""
        return self.above is None and other.above is None and set(self.known) <= set(other.known)


@dataclass(frozen=True)
class Part:
    """The rows of one table that go with a subject: those that one of the ways leads to."""

    table: Table
    ways: tuple[Way, ...]

    def counts(self) -> Iterator[Select[int]]:
        """How many they are, as a sum: a statement a way, each row counted once."""
        counted: ColumnElement[bool] = false()
        for way in self.ways:
            condition = way.condition(self.table)
            yield select(func.count()).select_from(self.table).where(condition, not_(counted))
            # A key that may be empty makes a condition neither true nor false.
            counted = or_(counted, func.coalesce(condition, false()))

    def there(self) -> ColumnElement[bool]:
        """Whether there are any."""
        return or_(*(select(1).where(way.condition(self.table)).exists() for way in self.ways))

    def deletes(self) -> Iterator[Delete]:
        """What removes them: a statement a way, since one with an OR would read the whole table."""
        for way in self.ways:
            yield delete(self.table).where(way.condition(self.table))


@dataclass(frozen=True)
class Asked:
    """Many questions in one statement, and of which table each is. Numbers are said when it runs."""

    tables: tuple[str, ...]
    statement: Select[Any]


@dataclass(frozen=True, eq=False)
class Reach:
    """What is asked of all that goes with subjects of one kind, and what removes it; built once for all.

    Building sixty tables' questions takes longer than answering them.
    """

    parts: tuple[Part, ...]
    there: Select[Any]
    removes: tuple[tuple[Delete, ...], ...]

    def counts(self, *, among: Collection[str] = (), but: Collection[str] = ()) -> Asked | None:
        """How many rows there are, of these tables only, or of all but these; None if that is no table."""
        return _counts(self, frozenset(among), frozenset(but))


def reach_of(root: Table, known: Mapping[str, Collection[int]], tables: Iterable[Table]) -> Reach:
    """What `parts_of` finds, for any such numbers: `said` has them when a statement of it runs."""
    return _reach(root, tuple((name, len(numbers) == 1) for name, numbers in known.items()), tuple(tables))


def said(known: Mapping[str, Collection[int]]) -> dict[str, int | frozenset[int]]:
    """The numbers as parameters of a statement of a `Reach`."""
    return {
        name: next(iter(numbers)) if len(numbers) == 1 else frozenset(numbers)
        for name, numbers in known.items()
    }


# A process has one set of tables: a kind of subject with one number or many, in a school or in none.
@lru_cache(maxsize=256)
def _reach(root: Table, known: tuple[tuple[str, bool], ...], tables: tuple[Table, ...]) -> Reach:
    parts = tuple(_parts(root, {name: Given(name, one) for name, one in known}, tables))
    asked: list[Any] = [part.there() for part in parts]
    removes = (tuple(each.execution_options(**PREPARED) for each in part.deletes()) for part in parts)
    there = select(*asked).execution_options(**PREPARED, **_BY_KEYS)
    return Reach(parts, there, tuple(removes))


@lru_cache(maxsize=256)
def _counts(reach: Reach, among: frozenset[str], but: frozenset[str]) -> Asked | None:
    asked = [
        (part.table.fullname, each.scalar_subquery())
        for part in reach.parts
        if part.table.fullname not in but and (not among or part.table.fullname in among)
        for each in part.counts()
    ]
    if not asked:
        return None
    counts = select(*(each for _table, each in asked)).execution_options(**PREPARED)
    return Asked(tuple(table for table, _each in asked), counts)


def parts_of(root: Table, known: Mapping[str, Collection[int]], tables: Iterable[Table]) -> list[Part]:
    """All that goes with the rows of `root` whose columns have these values, and they themselves, last.

    `tables` are all that there are, the plugins' too. What points at something comes before it.
    """
    return _parts(root, {name: frozenset(numbers) for name, numbers in known.items()}, tables)


def parts_of_each(root: Table, known: Mapping[str, Numbers], tables: Iterable[Table]) -> list[Part]:
    """The same where some of the numbers are those of `Each` row around."""
    return _parts(root, known, tables)


def _parts(root: Table, known: Mapping[str, Numbers], tables: Iterable[Table]) -> list[Part]:
    reached: dict[Table, tuple[Way, ...]] = {root: (Way(tuple(known.items())),)}
    order = _from_above(tuple(tables))
    for table in order:
        found: list[Way] = []
        for key in cascading(table):
            found += (_onward(way, key) for way in reached.get(key.referred_table, ()))
        if found and table is not root:
            reached[table] = tuple(_needed(found))
    return [Part(table, reached[table]) for table in reversed(order) if table in reached]


def _onward(way: Way, key: ForeignKeyConstraint) -> Way:
    """From rows of the table above to those of the one whose key this is."""
    known = dict(way.known)
    here = {pair.column.name: pair.parent.name for pair in key.elements}
    if way.above is None and known.keys() <= here.keys():
        return Way(tuple((here[name], numbers) for name, numbers in known.items()))
    return Way(above=way, key=key)


def _needed(ways: Iterable[Way]) -> list[Way]:
    different = list(dict.fromkeys(ways))
    return [way for way in different if not any(other.covers(way) for other in different if other is not way)]


def _is(column: Column[Any], numbers: Numbers) -> ColumnElement[bool]:
    if isinstance(numbers, Each):
        return column == numbers.column
    if isinstance(numbers, Given):
        return given(column, numbers.name, one=numbers.one, planned_once=not numbers.one)
    return one_of(column, numbers)


# A process has one set of tables, and erases many times.
@lru_cache(maxsize=4)
def _from_above(tables: tuple[Table, ...]) -> list[Table]:
    graph = {table: [key.referred_table for key in cascading(table)] for table in tables}
    return [*TopologicalSorter(graph).static_order()]


@lru_cache(maxsize=1024)
def cascading(table: Table) -> list[ForeignKeyConstraint]:
    """The keys of a table by which its rows go with rows of another."""
    keys = [key for key in table.foreign_key_constraints if key.ondelete == CASCADE]
    # In an order of its own: constraints are kept as a set.
    return sorted(
        (key for key in keys if key.referred_table is not table), key=lambda key: tuple(key.column_keys)
    )
