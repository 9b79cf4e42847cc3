"""Which rows are taken along, as statements.

What would be erased with the subject is what is exported: the same foreign keys lead there, and what core and
plugins say that they hold where no key does. To this come the names of what those rows point at.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

from sqlalchemy import (
    ARRAY,
    Column,
    ColumnElement,
    Select,
    Table,
    Text,
    and_,
    case,
    cast,
    func,
    literal,
    not_,
    null,
    or_,
    select,
    true,
    tuple_,
)

from backoffice.access.transaction import Transaction
from backoffice.accounts.models import Account
from backoffice.privacy.erasure import beside
from backoffice.privacy.erasure.plan import MODELS, nameless_plan_for, own_schools
from backoffice.privacy.erasure.reach import Part, parts_of
from backoffice.privacy.holdings import PersonalData, Subject, Target
from backoffice.privacy.holds.extent import installed
from backoffice.saved_views.models import SavedView
from backoffice.schools.models import IN_CHARGE, Classroom, TeachingRole
from backoffice.storage.numbers import one_of
from backoffice.students.worries.models import GoesTo
from plugins.exports.content import left_out
from plugins.exports.content.kinds import (
    KNOWN_BY,
    PUBLIC_ID,
    As,
    Field,
    Kind,
    LeftOut,
    is_moment,
    is_number,
    kind_of,
    left_out_column,
    left_out_table,
)
from plugins.exports.content.scope import Scope

# What the rows that are taken along point at is named, so that they can be understood: by these columns,
# where these columns point at it.
NAMED: Mapping[str, tuple[str, ...]] = {
    "app.district": (PUBLIC_ID, "name"),
    "app.school": (PUBLIC_ID, "name"),
    "app.classroom": (PUBLIC_ID, "school_id", "name"),
    "app.student": (PUBLIC_ID, "school_id", "given_name", "family_name"),
    "app.action": (PUBLIC_ID, "label", "value", "icon"),
    "app.account": (PUBLIC_ID, "name"),
    "app.custom_field": (
        PUBLIC_ID,
        "school_id",
        "subject",
        "kind",
        "name",
        "purpose",
        "choices",
        "keep_days",
    ),
}
NAMING: Mapping[str, tuple[tuple[str, str], ...]] = {
    "app.district": (("app.school", "district_id"), ("app.membership", "district_id")),
    "app.school": (
        ("app.student", "school_id"),
        ("app.classroom", "school_id"),
        ("app.membership", "school_id"),
    ),
    "app.classroom": (("app.enrollment", "classroom_id"), ("app.teaching_role", "classroom_id")),
    # Not by a link to a parent: one that nobody has approved gives no name away.
    "app.student": (("app.enrollment", "student_id"),),
    "app.action": (("app.point_entry", "action_id"),),
    "app.custom_field": (("app.student_value", "field_id"), ("app.classroom_value", "field_id")),
    "app.account": (
        ("app.membership", "account_id"),
        ("app.teaching_role", "account_id"),
        ("app.point_entry", "awarded_by"),
        ("app.student_view", "viewer_id"),
    ),
}
# Whoever answers for a whole school knows where to reach the people who work there.
_ADDRESSED = frozenset({Subject.SCHOOL, Subject.DISTRICT})
# What a saved view of one's own is: no key with which it goes leads there.
OWN = (PersonalData(SavedView, Subject.ACCOUNT, lambda target: one_of(SavedView.account_id, target.numbers)),)


class NothingThere(Exception):
    """There is no such subject any more, or whoever asks cannot see it."""

    def __init__(self) -> None:
        super().__init__("What was to be exported is not there any more.")


@dataclass(frozen=True)
class Rows:
    """The rows of one kind: statements that are read one after the other, none giving a row of another."""

    kind: Kind
    statements: tuple[Select[Any], ...]


@dataclass(frozen=True)
class Reading:
    """All that is taken along, and what is not."""

    rows: tuple[Rows, ...]
    left_out: tuple[LeftOut, ...]


def reading_of(tx: Transaction, scope: Scope) -> Reading:
    """What is read for an export. Raises `NothingThere`."""
    tables = installed().tables
    own: dict[Table, list[ColumnElement[bool]]] = defaultdict(list)
    for table, condition in _own(_targets(tx, scope), tables):
        own[table].append(condition)
    without = [left_out_table(table, why) for table in tables if (why := left_out.why_not(str(table)))]
    without += _beside_left_out(own)
    taken = {}
    for table, conditions in own.items():
        if left_out.why_not(str(table)):
            continue
        why = _not_for(tx, scope, table) or left_out.SOME_ROWS.get(str(table))
        if _not_for(tx, scope, table) is None:
            taken[table] = _narrowed(tx, scope, table, conditions)
        without += [left_out_table(table, why)] if why else []
    named = {
        table: found for table in tables if (found := _naming(table, taken, _by_name(tables))) is not None
    }
    rows = []
    readable = _readable(tx, {*taken, *named})
    for table in sorted({*taken, *named}, key=str):
        kind = kind_of(table, scope)
        kind, unread = _as_readable(kind, readable)
        without += unread
        # What is only named is not missing anything.
        without += kind.left_out if table in taken else ()
        if kind.fields:
            read = _statements(kind, taken.get(table, []), named.get(table), scope)
            rows.append(Rows(kind, tuple(read)))
    return Reading(tuple(rows), tuple(sorted(set(without), key=lambda each: (each.name, str(each.why)))))


def classrooms_in(tx: Transaction, scope: Scope) -> list[int]:
    """The numbers of the classes whose rows an export takes along. Raises `NothingThere`."""
    own = _own(_targets(tx, scope), installed().tables)
    conditions = [condition for table, condition in own if table is Classroom.__table__]
    if not conditions:
        return []
    return list(tx.scalars(select(Classroom.id).where(or_(*conditions)).order_by(Classroom.id)))


def _targets(tx: Transaction, scope: Scope) -> list[Target]:
    """What erasing the subject would take, with the classes of an account that somebody else would keep.

    The people who work at a school are no part of its export: what is about them is theirs.
    """
    plan = nameless_plan_for(tx, scope.subject, scope.number)
    if plan is None:
        raise NothingThere
    targets = list(plan.targets)
    if scope.subject is not Subject.ACCOUNT:
        return [each for each in targets if each.subject is not Subject.ACCOUNT]
    whole = {number for each in targets if each.subject is Subject.SCHOOL for number in each.numbers}
    taught = select(TeachingRole.classroom_id).where(
        TeachingRole.account_id == scope.number,
        TeachingRole.role.in_(IN_CHARGE),
        TeachingRole.school_id.in_(own_schools(scope.number).order_by(None)),
        not_(one_of(TeachingRole.school_id, whole)) if whole else true(),
    )
    for room in dict.fromkeys((*tx.scalars(taught.order_by(TeachingRole.classroom_id)), *scope.rooms)):
        of_room = nameless_plan_for(tx, Subject.CLASSROOM, room)
        targets += of_room.targets if of_room else ()
    addresses = tuple(tx.scalars(select(Account.email).where(Account.id == scope.number)))
    return [
        replace(each, addresses=addresses) if each.subject is Subject.ACCOUNT else each
        for each in dict.fromkeys(targets)
    ]


def _own(targets: Iterable[Target], tables: Collection[Table]) -> Iterator[tuple[Table, ColumnElement[bool]]]:
    """Conditions of rows, each with its table."""
    for target in targets:
        model: Any = MODELS[target.subject]
        for part in parts_of(model.__table__, target.key, tables):
            yield from ((part.table, condition) for condition in _ways(part))
        for held in _held(target.subject):
            if held.rows is not None:
                yield held.model.__table__, held.rows(target)  # type: ignore[misc]


def _ways(part: Part) -> Iterator[ColumnElement[bool]]:
    return (way.condition(part.table) for way in part.ways)


def _held(subject: Subject) -> Iterator[PersonalData]:
    """What is held where no key leads to it. Rows that stay without some columns are others' own."""
    for held in chain(beside.HELD, *(holder.personal_data for holder in installed().holders)):
        theirs = str(held.model.__table__) in left_out.BESIDE
        if held.subject is subject and held.rows is not None and not held.blank and not theirs:
            yield held
    yield from (each for each in OWN if each.subject is subject)


def _beside_left_out(own: Mapping[Table, object]) -> Iterator[LeftOut]:
    for table in installed().tables:
        if str(table) in left_out.BESIDE and table not in own:
            yield left_out_table(table, left_out.BESIDE[str(table)])


def _not_for(tx: Transaction, scope: Scope, table: Table) -> str | None:
    """Why a table is not taken along for whoever this is for."""
    if str(table) in left_out.OF_ITS_OWNER and scope.subject is not Subject.ACCOUNT:
        return left_out.OF_ACCOUNTS
    if not scope.for_family:
        return None
    if str(table) not in left_out.FAMILY:
        return left_out.OF_STAFF
    if str(table) in left_out.OF_FAMILY and tx.principal.account_id is None:
        return left_out.OF_OTHER_FAMILIES
    return None


def _narrowed(
    tx: Transaction, scope: Scope, table: Table, conditions: list[ColumnElement[bool]]
) -> list[ColumnElement[bool]]:
    """The conditions without rows that are nobody's to know by an export."""
    only: list[ColumnElement[bool]] = []
    if str(table) == "app.worry":
        only.append(table.c.goes_to == GoesTo.TEACHER)
    if str(table) == "app.account_session" and tx.principal.session_id is not None:
        # By it this is read; it is gone by now.
        only.append(table.c.id != tx.principal.session_id)
    if scope.for_family and str(table) in left_out.OF_FAMILY:
        only.append(table.c.account_id == tx.principal.account_id)
    return [and_(condition, *only) for condition in conditions]


def _naming(
    table: Table, taken: Mapping[Table, Sequence[ColumnElement[bool]]], by_name: Mapping[str, Table]
) -> ColumnElement[bool] | None:
    """The condition of the rows that are pointed at by what is taken along; None if nothing does."""
    found = []
    for name, column in NAMING.get(str(table), ()):
        above = by_name[name]
        if not taken.get(above):
            continue
        key, theirs = [table.c.id], [above.c[column]]
        # Most are known by school and number: by the number alone no index finds them.
        if "school_id" in table.columns and "school_id" in above.columns:
            key, theirs = [table.c.school_id, *key], [above.c.school_id, *theirs]
        # Many rows point at few: the database is to remember these, and not to keep all that it has seen.
        rows = select(*theirs).where(or_(*taken[above]), above.c[column].is_not(None)).distinct()
        found.append((tuple_(*key) if len(key) > 1 else key[0]).in_(rows))
    return or_(*found) if found else None


def _by_name(tables: Iterable[Table]) -> dict[str, Table]:
    return {str(table): table for table in tables}


def _readable(tx: Transaction, tables: Iterable[Table]) -> set[Column[object]]:
    """The columns that the database lets whoever asks read, and those of what they point at."""
    every = list(dict.fromkeys(_with_targets(tables)))
    names = [str(each.table) for each in every], [each.name for each in every]
    lists = (literal(each, ARRAY(Text)) for each in names)
    asked = func.unnest(*lists).table_valued("of", "name", with_ordinality="place").render_derived()
    may = func.has_column_privilege(asked.c.of, asked.c.name, "select")
    answers = tx.scalars(select(may).order_by(asked.c.place))
    return {column for column, readable in zip(every, answers, strict=True) if readable}


def _with_targets(tables: Iterable[Table]) -> Iterator[Column[object]]:
    for table in tables:
        yield from table.columns
        for field in kind_of(table, Scope(Subject.SCHOOL, 0, "")).fields:
            if field.target is not None and field.written is As.REFERENCE:
                yield from (field.target.c.id, _known_by(field.target))
                if "school_id" in field.target.columns:
                    yield field.target.c.school_id


def _as_readable(kind: Kind, readable: Collection[Column[object]]) -> tuple[Kind, list[LeftOut]]:
    """The kind with what can be read of it: without a key or what its rows are found by, nothing."""
    table = kind.table
    needed = {*table.primary_key.columns, *(c for key in table.foreign_key_constraints for c in key.columns)}
    unread = {each for each in table.columns if each not in readable}
    if needed & unread:
        return replace(kind, fields=(), left_out=()), [left_out_table(table, left_out.UNREADABLE)]
    fields = tuple(each for each in kind.fields if _can_be_read(each, readable))
    without = [
        left_out_column(table, each.column, left_out.UNREADABLE) for each in kind.fields if each not in fields
    ]
    return replace(kind, fields=fields), without


def _can_be_read(field: Field, readable: Collection[Column[object]]) -> bool:
    if field.target is not None and field.written is As.REFERENCE:
        return {field.column, field.target.c.id, _known_by(field.target)} <= set(readable)
    return field.column in readable


def _known_by(table: Table) -> Column[Any]:
    return table.c[KNOWN_BY.get(str(table), PUBLIC_ID)]


def _statements(
    kind: Kind, own: Sequence[ColumnElement[bool]], named: ColumnElement[bool] | None, scope: Scope
) -> Iterator[Select[Any]]:
    """A statement for each way to own rows, and one for those that are only named.

    One with an OR would read the whole table.
    """
    before: list[ColumnElement[bool]] = []
    for condition in own:
        yield _selected(kind, kind.fields, [condition, *map(not_, before)], scope)
        # A key that may be empty makes a condition neither true nor false.
        before.append(func.coalesce(condition, False))
    if named is not None:
        names = {*NAMED[str(kind.table)]}
        if str(kind.table) == "app.account" and scope.subject in _ADDRESSED:
            names.add("email")
        shown = [each for each in kind.fields if each.column.name in names]
        yield _selected(kind, shown, [named, *map(not_, before)], scope)


def _selected(
    kind: Kind, shown: Collection[Field], conditions: Iterable[ColumnElement[bool]], scope: Scope
) -> Select[Any]:
    """All fields of a kind in their order, empty where they are not shown."""
    table: Any = kind.table
    columns: list[Any] = []
    whole: Any = table
    for number, field in enumerate(kind.fields):
        if field not in shown:
            nothing = literal("") if is_the_subject(field, scope) else null()
            columns.append(nothing.label(f"c{number}"))
        elif is_the_subject(field, scope):
            columns.append(_subject_or(field, scope).label(f"c{number}"))
        elif field.target is not None and field.written is As.REFERENCE:
            looked_up = _looked_up(table, field).lateral(f"t{number}")
            whole = whole.outerjoin(looked_up, true())
            columns.append(looked_up.c[0].label(f"c{number}"))
        # Numbers and moments are written by the database: it does that ten times as quickly, and beside us.
        elif is_number(field):
            columns.append(cast(field.column, Text).label(f"c{number}"))
        elif is_moment(field):
            columns.append(_rfc3339(field.column).label(f"c{number}"))
        else:
            columns.append(field.column.label(f"c{number}"))
    return select(*columns).select_from(whole).where(*conditions).order_by(*table.primary_key.columns)


def _rfc3339(column: Column[Any]) -> ColumnElement[str]:
    """A moment in UTC, as RFC 3339 has it."""
    return func.replace(cast(func.timezone("UTC", column), Text), " ", "T", type_=Text) + "Z"


def is_the_subject(field: Field, scope: Scope) -> bool:
    """Whether it says of which school a row is, where a school is what is taken along.

    Nearly always it is that one, which is not sent with each row: none is it, and an empty text is none.
    """
    into_schools = field.written is As.REFERENCE and str(field.target) == "app.school"
    return into_schools and scope.subject is Subject.SCHOOL


def _subject_or(field: Field, scope: Scope) -> ColumnElement[Any]:
    assert field.target is not None
    other = field.target.alias()
    looked_up = select(other.c.public_id).where(other.c.id == field.column).scalar_subquery()
    return case((field.column == scope.number, null()), else_=func.coalesce(looked_up, ""))


def _looked_up(table: Table, field: Field) -> Select[Any]:
    """What a reference is known by outside, looked up for one row.

    With a limit the database cannot make a join of it. Joined, all rows would be put in order after they are
    found, so that nothing comes for long; looked up one by one they come in the order of their key, and
    those that many rows in a row point at are remembered.
    """
    assert field.target is not None
    other = field.target.alias()
    conditions = [other.c.id == field.column]
    if "school_id" in other.c and "school_id" in table.c and field.target is not table:
        conditions.append(other.c.school_id == table.c.school_id)
    return select(other.c[_known_by(field.target).name]).where(*conditions).limit(1)
