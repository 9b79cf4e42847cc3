"""Pages of rows without counting or skipping: by key for any size, by name where a scope is small.

A cursor is the public identifier of a page's first or last row. It names no name, and one that has gone
leads to the first page.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Select, UnaryExpression, bindparam, func, select, tuple_
from sqlalchemy.orm import InstrumentedAttribute

from backoffice import clock
from backoffice.access.transaction import Transaction
from backoffice.storage.prepared import BY_INDEX_ALONE, SAID_BY_INDEX_ALONE

PAGE_SIZE = 50
NOTED_FOR = timedelta(minutes=1)
MOST_NOTED = 10_000
LONGEST_CURSOR = 16
# What statements call the place behind which a page begins, column by column, and the row that is there.
_TURN, _BEGINS_AT = "turn_", "begins_at"
FOREVER_AGO = datetime.min.replace(tzinfo=UTC)
Columns = Sequence[InstrumentedAttribute[Any]]
# What a kept statement is told when it runs (`access.policy.kept_statement`).
Values = Mapping[str, Any] | None
# Sorting by a sealed name happens here and not in the database, up to this many rows.
SORTABLE = 5_000


@dataclass(frozen=True)
class Page:
    """Some rows in order, and the cursors of the pages on either side, if there are any.

    `ordered` says whether they are in the order that was asked for.
    """

    rows: Sequence[Any]
    before: str | None
    after: str | None
    count: int | None
    ordered: bool = True


class LargeLists:
    """Whose lists had more than `SORTABLE` rows a moment ago. To find out again costs more than their page.

    Of a process, and a minute old at most: a list that shrinks meanwhile is in the order of the key a
    little longer.
    """

    def __init__(self) -> None:
        self._until: dict[Hashable, datetime] = {}

    def __contains__(self, name: Hashable) -> bool:
        return name is not None and self._until.get(name, FOREVER_AGO) > clock.now()

    def add(self, name: Hashable) -> None:
        """Note that the list of this name is large."""
        if name is None:
            return
        if len(self._until) >= MOST_NOTED:
            self._until.clear()
        self._until[name] = clock.now() + NOTED_FOR


LARGE = LargeLists()


def is_large(name: Hashable) -> bool:
    """Whether the list of this name had more rows than are counted, a moment ago."""
    return name in LARGE


def comes_by_index(
    name: Hashable, turn: str | None, by: InstrumentedAttribute[Any] | None, *, school_by_school: bool
) -> bool:
    """Whether `page_by_key` has the rows of a list without filters come by an index alone.

    That is a large one, from a row on that an address names (`turn`), or in the order of a column; and from
    its beginning, if it lies in the index `school_by_school`, as it is seen.
    """
    return is_large(name) and (turn is not None or by is not None or school_by_school)


# The statements of pages and of where they begin, for as long as the list's own is kept.
_PAGES: WeakKeyDictionary[Select[Any], dict[Hashable, Select[Any]]] = WeakKeyDictionary()


def page_by_key(
    tx: Transaction,
    statement: Select[Any],
    values: Values = None,
    *,
    before: str | None,
    after: str | None,
    by: InstrumentedAttribute[Any] | None = None,
    descending: bool = False,
    narrowed: bool = False,
    reads: Columns = (),
    name: Hashable = None,
    by_index: bool = False,
) -> Page:
    """A page in the order of a column that is never empty, rows of one value in that of the primary key.

    Without `by`, in that of the key alone. `count` is None where counting would take long. `reads` are the
    columns that are needed of each row; without them rows are entities. `name` tells this list from others,
    and whose it is; `narrowed` says that filters hold; `by_index` that the statement is planned once, since
    `comes_by_index`: so it is read then, whatever becomes known of the list meanwhile.
    """
    led_astray = before or after or narrowed or by is not None
    counted = _weigh(tx, statement, values, name) if led_astray and not by_index else None
    large = by_index or is_large(name)
    turn = _turn_of(tx, statement, values, by, before or after, large=large)
    backwards = before is not None and turn is not None
    downwards = backwards is not descending
    # The question for the turn has said so already. Else, without anything that makes it another list, the
    # beginning of all in the order of the key is what the database reads best by itself.
    says = large and turn is None and (by_index or bool(led_astray))
    wanted = _page_statement(statement, by, reads, descending=downwards, turns=turn is not None, says=says)
    rows = _read(tx, wanted, {**(values or {}), **(turn or {})}, reads)
    more = len(rows) > PAGE_SIZE
    rows = rows[:PAGE_SIZE]
    if backwards and not rows:
        # A link to before the first row, as after deletions: the list begins here.
        return page_by_key(
            tx,
            statement,
            values,
            before=None,
            after=None,
            by=by,
            descending=descending,
            narrowed=narrowed,
            reads=reads,
            name=name,
            by_index=by_index,
        )
    # After the last row, as after deletions: the list ends here, with the page before what is no more.
    ended = turn is not None and not rows
    if ended:
        last = _page_statement(statement, by, reads, descending=not descending, turns=False, says=False)
        rows = _read(tx, last, values, reads)
        more = len(rows) > PAGE_SIZE
        rows = rows[:PAGE_SIZE]
    if backwards or ended:
        rows.reverse()
    has_before = more if backwards or ended else turn is not None
    has_after = backwards or (more and not ended)
    count = counted
    if counted is None and not is_large(name):
        count = len(rows) if not (has_before or has_after) else count_up_to(tx, statement, values)
        if count is None:
            LARGE.add(name)
    return _page(rows, has_before=has_before, has_after=has_after, count=count)


def _page_statement(
    statement: Select[Any],
    by: InstrumentedAttribute[Any] | None,
    reads: Columns,
    *,
    descending: bool,
    turns: bool,
    says: bool,
) -> Select[Any]:
    """What reads a page of a list in this order, and one row more; put together once.

    It is the first page, or the one that begins behind the place that it is told (`turns`). It `says` that it
    is read by an index alone, if that is not said before it.
    """
    known = _PAGES.setdefault(statement, {})
    kind = ("page", PAGE_SIZE, by, tuple(reads), descending, turns, says)
    if kind not in known:
        made = statement.with_only_columns(*reads) if reads else statement
        if turns:
            columns = order_columns(_entity_of(statement), by)
            turn = [bindparam(f"{_TURN}{at}", type_=each.type) for at, each in enumerate(columns)]
            key, first = tuple_(*columns), columns[0]
            # Said of the first column as well: by all of them alone the scan of many schools begins at the
            # first.
            made = made.where(
                *(
                    (key < tuple_(*turn), first <= turn[0])
                    if descending
                    else (key > tuple_(*turn), first >= turn[0])
                ),
            )
        made = made.order_by(*in_order(statement, by, descending=descending)).limit(PAGE_SIZE + 1)
        known[kind] = made.execution_options(**SAID_BY_INDEX_ALONE) if says else made
    return known[kind]


def _entity_of(statement: Select[Any]) -> Any:
    return statement.column_descriptions[0]["entity"]


def _weigh(tx: Transaction, statement: Select[Any], values: Values, name: Hashable) -> int | None:
    """How many rows a list has, to know how it is best read; None if it is large, or has no name."""
    if name is None or is_large(name):
        return None
    counted = count_up_to(tx, statement, values)
    if counted is None:
        LARGE.add(name)
    return counted


def order_columns(entity: Any, by: InstrumentedAttribute[Any] | None) -> list[Any]:
    """The columns that order the rows of an entity, with its key so that no two rows are alike."""
    key = list(entity.__mapper__.primary_key)
    if by is None:
        return key
    first = by.property.columns[0]
    return [first, *(each for each in key if each is not first)]


def in_order(
    statement: Select[Any], by: InstrumentedAttribute[Any] | None, *, descending: bool
) -> list[UnaryExpression[Any]]:
    """What a statement is ordered by."""
    entity = _entity_of(statement)
    return [each.desc() if descending else each.asc() for each in order_columns(entity, by)]


def page_by_name(
    tx: Transaction,
    statement: Select[Any],
    values: Values = None,
    *,
    sort_key: Callable[[Any], Any],
    before: str | None,
    after: str | None,
    descending: bool = False,
    narrowed: bool = False,
    reads: Columns = (),
    name: Hashable = None,
    by_index: bool = False,
) -> Page:
    """A page in the order of a sealed name; beyond `SORTABLE` rows, in the order of the key.

    `sort_key` is asked for each row of the whole scope, so it must not ask the database. The rest is as in
    `page_by_key`.
    """
    rows = None
    if not (by_index or is_large(name)):
        rows = all_by_name(tx, statement, values, sort_key=sort_key, descending=descending, reads=reads)
    if rows is None:
        LARGE.add(name)
        page = page_by_key(
            tx,
            statement,
            values,
            before=before,
            after=after,
            narrowed=narrowed,
            reads=reads,
            name=name,
            by_index=by_index,
        )
        return replace(page, ordered=False)
    places = {row.public_id: place for place, row in enumerate(rows)}
    if after in places:
        start = places[after] + 1
        if start >= len(rows):
            # After the last row, as after deletions: the list ends here.
            start = max(len(rows) - PAGE_SIZE, 0)
    elif before in places:
        start = max(places[before] - PAGE_SIZE, 0)
    else:
        start = 0
    shown = rows[start : start + PAGE_SIZE]
    return _page(
        shown,
        has_before=start > 0,
        has_after=start + PAGE_SIZE < len(rows),
        count=len(rows),
    )


def all_by_name(
    tx: Transaction,
    statement: Select[Any],
    values: Values = None,
    *,
    sort_key: Callable[[Any], Any],
    descending: bool = False,
    reads: Columns = (),
) -> list[Any] | None:
    """All rows in the order of a sealed name, as `page_by_name` shows them; None beyond `SORTABLE`."""
    some = statement.limit(SORTABLE + 1)
    rows = _read(tx, some.with_only_columns(*reads) if reads else some, values, reads)
    if len(rows) > SORTABLE:
        return None
    return sorted(rows, key=lambda row: (sort_key(row), row.id), reverse=descending)


def cursor(text: str | None) -> str | None:
    """What an address says of where a page begins, if it can be an identifier."""
    return text if text and len(text) <= LONGEST_CURSOR and text.isalnum() else None


def count_up_to(tx: Transaction, statement: Select[Any], values: Values = None) -> int | None:
    """How many rows the statement has, or None if more than `SORTABLE`; never reads more than that."""
    some = statement.with_only_columns(_entity_of(statement).id).order_by(None).limit(SORTABLE + 1).subquery()
    counted = tx.scalar(select(func.count()).select_from(some), values) or 0
    return counted if counted <= SORTABLE else None


def _read(tx: Transaction, statement: Select[Any], values: Values, reads: Columns) -> list[Any]:
    """The rows, with the columns that are needed: a row is much quicker to make than an entity."""
    return [*(tx.rows(statement, values) if reads else tx.scalars(statement, values))]


def _turn_of(
    tx: Transaction,
    statement: Select[Any],
    values: Values,
    by: InstrumentedAttribute[Any] | None,
    public_id: str | None,
    *,
    large: bool,
) -> Mapping[str, Any] | None:
    """Where a page begins, by the row that its address names; says how a large list is to be read."""
    if public_id is None:
        return None
    known = _PAGES.setdefault(statement, {})
    kind = ("turn", by, large)
    if kind not in known:
        entity = _entity_of(statement)
        columns = [each.label(f"{_TURN}{at}") for at, each in enumerate(order_columns(entity, by))]
        says = [func.set_config(each, "off", True) for each in BY_INDEX_ALONE if large]
        asked = statement.with_only_columns(*columns, *says)
        known[kind] = asked.where(entity.public_id == bindparam(_BEGINS_AT))
    found = tx.rows(known[kind], {**(values or {}), _BEGINS_AT: public_id})
    # What comes behind the columns of the place says how to read, and answers nothing.
    return {name: at for name, at in found[0]._asdict().items() if name.startswith(_TURN)} if found else None


def _page(rows: Sequence[Any], *, has_before: bool, has_after: bool, count: int | None) -> Page:
    return Page(
        rows,
        rows[0].public_id if rows and has_before else None,
        rows[-1].public_id if rows and has_after else None,
        count,
    )
