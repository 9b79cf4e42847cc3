"""The one policy. It answers two questions: may somebody do this, and which rows may somebody see?

Both answers come from one place, so that a list never shows what a page refuses. `config/roles.toml` maps
roles to permissions; a `Rule` says where an entity's rows belong (school, classroom, student, account);
what a principal is there decides.
"""

import tomllib
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache, partial
from operator import attrgetter
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import ColumnElement, Select, and_, false, or_, true
from sqlalchemy.orm import DeclarativeBase

from backoffice.access.permissions import CORE, Permission
from backoffice.access.principal import NONE, Ids, Kind, Principal
from backoffice.storage.numbers import array_given, array_of, given, one_of
from backoffice.storage.prepared import PREPARED

# Whatever a statement selects, narrowing leaves it as it was.
Statement = TypeVar("Statement", bound=Select[*tuple[Any, ...]])
NOTHING_HELD: frozenset[str] = frozenset()
# Among the scopes of a principal: what it holds anywhere.
_SOMEWHERE = ""
# So many kinds of readers of so many statements are more than there are.
_MOST_KEPT = 1_000


class RoleName(StrEnum):
    """Everything that a principal can be somewhere."""

    FOUNDER = "founder"
    LEADER = "leader"
    PRIVACY_OFFICER = "privacy_officer"
    TEACHER = "teacher"
    SOLE_TEACHER = "sole_teacher"
    OWNER = "owner"
    CO_TEACHER = "co_teacher"
    HELPER = "helper"
    GUARDIAN = "guardian"
    STUDENT = "student"


class PolicyError(Exception):
    """`config/roles.toml` cannot be used; `problems` says why, one sentence each."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = list(problems)
        super().__init__("\n".join(self.problems))


class Denied(Exception):
    """The principal may not do this. To the outside it is as if the thing did not exist."""


@dataclass(frozen=True)
class Scope:
    """Where a principal holds one permission."""

    everywhere: bool = False
    schools: Ids = NONE
    classrooms: Ids = NONE
    students: Ids = NONE
    own_classrooms: Ids = NONE
    account: Ids = NONE

    def __bool__(self) -> bool:
        return self.everywhere or bool(self.schools or self.classrooms or self.students)


@dataclass(frozen=True)
class Rule:
    """Where the rows of an entity belong, so that the policy can judge them.

    `school`, `student`, `own_classroom` (of a child or its parent) and `account` name columns.
    `classrooms` makes the condition "in one of these classrooms" from the bound array of their numbers, and
    `classrooms_of` lists a loaded row's. `schools` does so where no column tells; then only the database
    can judge.
    `once` names a moment: before it has come, a row is nothing that its school knows of.
    Rows with an `account` column belong to that account, which may read them; without `read`, to it alone.
    Owning a row is no other right to it.
    """

    entity: type[DeclarativeBase]
    read: Permission | None
    school: str | None = "school_id"
    student: str | None = None
    own_classroom: str | None = None
    account: str | None = None
    schools: Callable[[ColumnElement[Any]], ColumnElement[bool]] | None = None
    once: str | None = None
    classrooms: Callable[[ColumnElement[Any]], ColumnElement[bool]] | None = None
    classrooms_of: Callable[[Any], Iterable[int]] = field(default=lambda _row: ())
    # Takes the place of `classrooms` for all permissions but `still`, if some classrooms are closed.
    open_classrooms: Callable[[ColumnElement[Any]], ColumnElement[bool]] | None = None
    # Rows with a moment in this column are closed: on them nobody holds more than `still`.
    closed: str | None = None
    still: frozenset[Permission] = frozenset()

    def way(
        self, name: str, permission: Permission | None
    ) -> str | Callable[[ColumnElement[Any]], ColumnElement[bool]] | None:
        """What leads to rows by this field, a column's name or a condition, for a permission."""
        if name == "classrooms" and self.open_classrooms and permission and permission not in self.still:
            return self.open_classrooms
        found: str | Callable[[ColumnElement[Any]], ColumnElement[bool]] | None = getattr(self, name)
        return found

    def closes(self, permission: Permission | None) -> bool:
        """Whether a closed row takes this permission from whoever holds it."""
        return self.closed is not None and permission is not None and permission not in self.still


class Narrowed(NamedTuple):
    """A statement that is kept, and what it is told when it runs."""

    statement: Select[*tuple[Any, ...]]
    values: Mapping[str, Any]


_rules: dict[type[DeclarativeBase], Rule] = {}
# Statements that are narrowed, by whatever they differ in.
_kept: dict[Hashable, Select[*tuple[Any, ...]]] = {}
_granted: Mapping[str, frozenset[str]] = {}
_declared: frozenset[Permission] = frozenset()


def register(*rules: Rule) -> None:
    """Make entities known to the policy; an entity without a rule is visible to nobody."""
    for rule in rules:
        _rules[rule.entity] = rule


def rules() -> Mapping[type[DeclarativeBase], Rule]:
    """The rules by entity."""
    return _rules


def load_roles(path: Path, declared: Iterable[Permission] = ()) -> None:
    """Read who may do what. Raises `PolicyError` with every problem of the file at once."""
    global _granted, _declared  # noqa: PLW0603 - a process has one policy
    known = CORE | frozenset(declared)
    stored = _read(path)
    problems = [f"{path.name}: there is no role {role}." for role in stored if role not in set(RoleName)]
    problems += [f"{path.name}: the role {role} is missing." for role in RoleName if role not in stored]
    problems += [
        f"{path.name}: {role} lists {name}, which nobody declares."
        for role, entry in stored.items()
        for name in entry["permissions"]
        if name not in known
    ]
    if problems:
        raise PolicyError(problems)
    _granted = {role: frozenset(entry["permissions"]) for role, entry in stored.items()}
    _declared = known


def _read(path: Path) -> dict[str, Any]:
    try:
        stored = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise PolicyError([f"{path.name} cannot be read: {error}"]) from None
    without = [
        f"{path.name}: {role} has no list of permissions."
        for role, entry in stored.items()
        if not (isinstance(entry, dict) and isinstance(entry.get("permissions"), list))
    ]
    if without:
        raise PolicyError(without)
    return stored


def declared() -> frozenset[Permission]:
    """Everything that can be allowed here: the core's and what plugins declare."""
    return _declared


def granted(role: RoleName) -> frozenset[str]:
    """The permissions of a role."""
    return _granted[role]


# What makes somebody what they are somewhere.
_MAKES: tuple[tuple[RoleName, Callable[[Principal], object]], ...] = (
    (RoleName.FOUNDER, attrgetter("founder")),
    (RoleName.LEADER, attrgetter("led_schools")),
    (RoleName.PRIVACY_OFFICER, attrgetter("officer_schools")),
    (RoleName.TEACHER, attrgetter("taught_schools")),
    (RoleName.SOLE_TEACHER, attrgetter("personal_schools")),
    (RoleName.OWNER, attrgetter("owned")),
    (RoleName.CO_TEACHER, attrgetter("co_taught")),
    (RoleName.HELPER, attrgetter("helped")),
    (RoleName.GUARDIAN, attrgetter("children")),
    (RoleName.STUDENT, attrgetter("student_id")),
)


def held_somewhere(principal: Principal) -> frozenset[str]:
    """The permissions of which the principal's `scope` is not empty, without uniting all of its schools.

    A system's are not counted: it holds all of them.
    """
    found: frozenset[str] | None = principal.scopes.get(_SOMEWHERE)
    if found is None:
        found = NOTHING_HELD.union(*(_granted[role] for role, has in _MAKES if has(principal)))
        principal.scopes[_SOMEWHERE] = found
    return found


def scope(principal: Principal, permission: Permission) -> Scope:
    """Where the principal holds a permission."""
    # A page asks some thirty times, and the unions below are of all schools of a district.
    if permission not in principal.scopes:
        principal.scopes[permission] = _scope(principal, permission)
    found: Scope = principal.scopes[permission]
    return found


def _scope(principal: Principal, permission: Permission) -> Scope:
    if principal.kind is Kind.SYSTEM:
        return Scope(everywhere=True)

    def where(role: RoleName, ids: Ids) -> Ids:
        return ids if ids and permission in _granted[role] else NONE

    own = frozenset({principal.student_id}) if principal.student_id else NONE
    return Scope(
        everywhere=principal.founder and permission in _granted[RoleName.FOUNDER],
        schools=_united(
            where(RoleName.LEADER, principal.led_schools),
            where(RoleName.TEACHER, principal.taught_schools),
            where(RoleName.SOLE_TEACHER, principal.personal_schools),
            where(RoleName.PRIVACY_OFFICER, principal.officer_schools),
        ),
        classrooms=_united(
            where(RoleName.OWNER, principal.owned),
            where(RoleName.CO_TEACHER, principal.co_taught),
            where(RoleName.HELPER, principal.helped),
        ),
        students=_united(where(RoleName.GUARDIAN, principal.children), where(RoleName.STUDENT, own)),
        own_classrooms=_united(
            where(RoleName.GUARDIAN, principal.own_classrooms),
            where(RoleName.STUDENT, principal.own_classrooms),
        ),
        account=frozenset({principal.account_id}) if principal.account_id else NONE,
    )


def _united(*of: Ids) -> Ids:
    # Nearly everybody is one thing; a union copies all schools of a district for each of the others.
    some = [ids for ids in of if ids]
    return some[0] if len(some) == 1 else NONE.union(*some)


def can(principal: Principal, permission: Permission, thing: DeclarativeBase | None = None) -> bool:
    """Whether the principal may do this to the thing; without a thing, to any thing at all."""
    if thing is None:
        return principal.kind is Kind.SYSTEM or permission in held_somewhere(principal)
    held = scope(principal, permission)
    if held.everywhere:
        return True
    rule = _rules[type(thing)]
    if rule.closed and rule.closes(permission) and getattr(thing, rule.closed) is not None:
        return False
    if rule.schools is not None:
        raise TypeError(f"Only the database can tell where a {type(thing).__name__} belongs: use find().")
    if rule.once and getattr(thing, rule.once) is None:
        return False
    return not held.classrooms.isdisjoint(rule.classrooms_of(thing)) or any(
        column is not None and getattr(thing, column) in ids
        for column, ids in (
            (rule.school, held.schools),
            (rule.student, held.students),
            (rule.own_classroom, held.own_classrooms),
            (rule.account, held.account if permission == rule.read else NONE),
        )
    )


def require(principal: Principal, permission: Permission, thing: DeclarativeBase | None = None) -> None:
    """Raise `Denied` unless `can`."""
    if not can(principal, permission, thing):
        raise Denied


def visible(
    principal: Principal,
    statement: Statement,
    permission: Permission | None = None,
    *,
    schools: Ids | None = None,
    closed: bool = False,
    planned_once: bool = False,
    named: bool = False,
) -> Statement:
    """The statement narrowed to the rows that the principal may see.

    Each entity that the statement selects from is narrowed by its own rule; one without a rule shows
    nothing. With `permission`, the rows on which the principal holds it, instead of those it may read.
    `schools` are those that the statement's rows are of, where it says so itself: naming all thousand of
    somebody again costs more than such a statement. `closed` lets closed rows through as well.
    `planned_once` is for statements that are prepared, as in `storage.numbers`; `named` for those that are
    kept, which are told the principal's numbers when they run.
    """
    entities = [description.get("entity") for description in statement.column_descriptions]
    if not entities or None in entities:
        # An aggregate names no entity: it would pass unnarrowed.
        raise TypeError("visible() narrows statements that select entities or their columns, nothing else.")
    for entity in dict.fromkeys(entities):
        statement = statement.where(
            _condition(principal, entity, permission, schools, planned_once=planned_once, named=named)
        )
        rule = _rules.get(entity)
        if rule and rule.closed and rule.closes(permission) and not (closed or principal.kind is Kind.SYSTEM):
            statement = statement.where(getattr(entity, rule.closed).is_(None))
    return statement


def kept_statement(
    principal: Principal,
    statement: Select[*tuple[Any, ...]],
    permission: Permission | None = None,
    *,
    schools: Ids | None = None,
    planned_once: bool = False,
) -> Narrowed:
    """As `visible`, of a statement that is asked again and again, and stands in its module.

    Putting a statement together takes as long as sending it. For all who hold the permission by the same
    ways it is the same one; who reads is said when it runs, and without that it does not run. One that is
    `planned_once` is prepared, but for whoever may see all: then it is the same as one that is not.
    """
    ways = [(entity, _ways(principal, entity, permission, schools)) for entity in _entities_of(statement)]
    system = principal.kind is Kind.SYSTEM
    kind = (
        statement,
        permission,
        planned_once,
        system,
        *(None if led is None else tuple((way, len(led[way]) == 1) for way in led) for _entity, led in ways),
    )
    # Other threads may put statements together at the same time, or clear them.
    made = _kept.get(kind)
    if made is None:
        made = visible(
            principal, statement, permission, schools=schools, planned_once=planned_once, named=True
        )
        if planned_once and any(led for _entity, led in ways):
            made = made.execution_options(**PREPARED)
        if len(_kept) >= _MOST_KEPT:
            _kept.clear()
        _kept[kind] = made
    values = {
        _name(entity, way): _value(_rules[entity], way, ids)
        for entity, led in ways
        for way, ids in (led or {}).items()
    }
    return Narrowed(made, values)


def sees_school_by_school(
    principal: Principal, entity: type[DeclarativeBase], permission: Permission | None = None
) -> bool:
    """Whether schools alone lead the principal to rows of an entity, which lie one school after the other.

    So its rows are most of what lies there in the order of its key, but for those that are closed, or not yet
    known; whoever is led to them in another way has some here and there.
    """
    rule = _rules.get(entity)
    ways = _ways(principal, entity, permission, None)
    if rule is None or rule.school is None or ways is None or [*ways] != ["school"]:
        return False
    first: Any = entity.__mapper__.primary_key[0]
    return bool(first is getattr(entity, rule.school).property.columns[0])


@lru_cache(maxsize=_MOST_KEPT)
def _entities_of(statement: Select[*tuple[Any, ...]]) -> tuple[type[DeclarativeBase], ...]:
    return tuple(dict.fromkeys(each["entity"] for each in statement.column_descriptions))


def _condition(
    principal: Principal,
    entity: type[DeclarativeBase],
    permission: Permission | None,
    within: Ids | None,
    *,
    planned_once: bool,
    named: bool = False,
) -> ColumnElement[bool]:
    ways = _ways(principal, entity, permission, within)
    if ways is None:
        return true()
    if not ways:
        return false()
    rule = _rules[entity]
    conditions = []
    for way, ids in ways.items():
        leads, name = rule.way(way, permission), _name(entity, way)
        if isinstance(leads, str):
            column = getattr(entity, leads)
            conditions.append(
                given(column, name, one=len(ids) == 1, planned_once=planned_once)
                if named
                else one_of(column, ids, planned_once=planned_once)
            )
        elif leads:
            make = partial(array_given, name) if named else partial(array_of, ids)
            conditions.append(leads(make(planned_once=planned_once)))
    known = (getattr(entity, rule.once).is_not(None),) if rule.once else ()
    return and_(or_(*conditions), *known)


def _ways(
    principal: Principal, entity: type[DeclarativeBase], permission: Permission | None, within: Ids | None
) -> Mapping[str, Ids] | None:
    """What of an entity's rule leads the principal to rows, and by which numbers; None: to all of them."""
    rule = _rules.get(entity)
    if rule is None:
        return {}
    wanted = permission or rule.read
    held = scope(principal, wanted) if wanted else _only_own(principal)
    if held.everywhere:
        return None
    schools = held.schools if within is None else held.schools & within
    reached = (
        ("school", schools),
        ("student", held.students),
        ("own_classroom", held.own_classrooms),
        ("account", held.account if permission in {None, rule.read} else NONE),
        ("schools", schools),
        ("classrooms", held.classrooms),
    )
    return {way: ids for way, ids in reached if ids and rule.way(way, permission)}


def _name(entity: type[DeclarativeBase], way: str) -> str:
    """How a kept statement calls the numbers of a way."""
    return f"{entity.__tablename__}_{way}"


def _value(rule: Rule, way: str, ids: Ids) -> Any:
    """What is said of them: a column is compared with a single one as such."""
    return next(iter(ids)) if len(ids) == 1 and isinstance(getattr(rule, way), str) else ids


def _only_own(principal: Principal) -> Scope:
    if principal.kind is Kind.SYSTEM:
        return Scope(everywhere=True)
    return Scope(account=frozenset({principal.account_id}) if principal.account_id else NONE)
