"""The policy: who may do what where, by literal lists; what is seen is what may be read."""

from collections.abc import Mapping
from functools import cache
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import StatementError
from sqlalchemy.orm import DeclarativeBase, selectinload

from backoffice.access import policy
from backoffice.access.permissions import (
    AUDIT_READ,
    CORE,
    MAIL_READ,
    STUDENTS_UNENROLL,
    TEACHERS_LIST,
    TEACHERS_READ,
    Permission,
)
from backoffice.access.policy import (
    Denied,
    can,
    kept_statement,
    require,
    rules,
    sees_school_by_school,
    visible,
)
from backoffice.access.principal import Kind, Nobody, Principal
from backoffice.access.transaction import transaction
from backoffice.accounts.models import Account, AccountPassword, AccountSession
from backoffice.schools.models import Action, Classroom, Membership, School, Student
from tests.factories.world import SYSTEM, World, add_passkey

PLACES = ("own", "colleague", "elsewhere", "foreign")
SEES_SCHOOLS = {
    *("console:enter", "schools:read", "schools:count", "views:save", "inventory:read", "retention:read")
}
KEEPS_KEYS = {"pins:clear", "cards:issue"}
HEARS = {"worries:answer", "requests:answer"}
KEEPS_POINTS = {"points:award", "points:undo", "points:report", "actions:edit", "goals:edit"}
# What reaches over a class as a whole: who teaches it, who of two its child is, what follows it.
CHOOSES = {"teachers:assign", "students:merge", "school-years:begin", "school-days:edit"}
LEADS = CHOOSES | {
    "networks:open", "console:enter", "schools:read", "schools:count", "schools:edit", "schools:secure",
    "schools:contact",
    "classrooms:create", "classrooms:read", "classrooms:edit", "classrooms:export", "classrooms:archive",
    "students:create", "students:read", "students:edit", "students:export", "students:unenroll",
    "students:sign-out", "students:erase", "classrooms:erase",
    "teachers:list", "teachers:read", "teachers:invite", "teachers:remove", "audit:read",
    "teachers:suspend", "teachers:reset", "teachers:export", "permissions:read", "inventory:read",
    "retention:read",
    "guardians:invite", "guardians:approve", "guardians:export", *KEEPS_POINTS, *KEEPS_KEYS, *HEARS,
    "views:save", "views:share", "fields:read", "fields:manage",
}  # fmt: skip
WORKS_HERE = {"console:enter", "schools:read", "classrooms:create", "views:save", "fields:read"}
OWNS = WORKS_HERE | CHOOSES | {
    "classrooms:read", "classrooms:edit", "classrooms:export", "classrooms:archive",
    "students:create", "students:read", "students:edit", "students:export", "students:unenroll",
    "students:sign-out", "students:erase", "classrooms:erase",
    "teachers:read", "guardians:invite", "guardians:approve", *KEEPS_POINTS, *KEEPS_KEYS, *HEARS,
}  # fmt: skip
CO_TEACHES = (
    OWNS
    - CHOOSES
    - {"classrooms:export", "classrooms:archive", "students:export", "students:erase", "classrooms:erase"}
)
HELPS = WORKS_HERE | {"classrooms:read", "students:read", "teachers:read", "points:award"}
# What each may do with a classroom; a place that is not listed: nothing.
# What founders run besides: the parts of the system, which belong to no school.
RUNS = SEES_SCHOOLS | {
    *("plugins:read", "plugins:edit"),
    *("jobs:read", "jobs:run", "jobs:edit"),
    *("mail:read", "mail:retry"),
    *("accounts:find", "accounts:suspend", "accounts:reset"),
    *("security:read", "security:close", "reports:read", "reports:close"),
    *("permissions:read", "retention:run", "retention-policies:edit", "contracts:end"),
    *("schools:contact", "schools:erase", "holds:read", "holds:edit"),
}
TRUTH: Mapping[str, Mapping[str, set[str]]] = {
    "founder": dict.fromkeys(PLACES, RUNS),
    "leader": {"own": LEADS, "colleague": LEADS, "elsewhere": LEADS},
    "officer": {"own": SEES_SCHOOLS, "colleague": SEES_SCHOOLS, "elsewhere": SEES_SCHOOLS},
    "teacher": {"own": OWNS, "colleague": WORKS_HERE},
    "colleague": {"own": WORKS_HERE, "colleague": OWNS},
    "co_teacher": {"own": CO_TEACHES, "colleague": WORKS_HERE},
    "helper": {"own": HELPS, "colleague": WORKS_HERE},
    "elsewhere": {"elsewhere": OWNS},
    "outsider": {"foreign": OWNS},
    "nobody": {},
}
ANYWHERE: Mapping[str, set[str]] = {
    "founder": RUNS,
    "leader": LEADS,
    "officer": SEES_SCHOOLS,
    "teacher": OWNS,
    "co_teacher": CO_TEACHES,
    "helper": HELPS,
    "parent": {"children:read"},
    "child": {"own-points:read"},
    "nobody": set(),
}
ROLES = (*TRUTH, "parent", "foreign_parent", "child")
ENTITIES = tuple(rules())
READABLE = tuple(entity for entity in ENTITIES if rules()[entity].read)


class Cast:
    """Everybody, signed in once."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.as_ = cache(self._as)

    def _as(self, role: str) -> Principal:
        if role == "nobody":
            return Principal(Nobody())
        if role == "child":
            return self.world.student(self.world.own_class, self.world.own_class.children[0])
        return self.world.sign_in(role)


@pytest.fixture(scope="module")
def cast(world: World) -> Cast:
    made = Cast(world)
    for role in ROLES:
        made.as_(role)
    world.student(world.foreign_class, world.foreign_class.children[0])
    add_passkey(world.people["founder"].id)
    return made


def place_id(world: World, place: str) -> int:
    classrooms = (world.own_class, world.colleague_class, world.elsewhere_class, world.foreign_class)
    return dict(zip(PLACES, classrooms, strict=True))[place].id


def everything(entity: type[DeclarativeBase]) -> list[Any]:
    """All rows there are, with what the policy looks at."""
    statement = select(entity)
    if hasattr(entity, "enrollments"):
        statement = statement.options(selectinload(entity.enrollments))
    with transaction(SYSTEM) as tx:
        return list(tx.scalars(statement))


def key(row: Any) -> tuple[Any, ...]:
    return tuple(type(row).__mapper__.primary_key_from_instance(row))


def seen(who: Principal, entity: type[DeclarativeBase], by: Principal = SYSTEM) -> set[tuple[Any, ...]]:
    """The keys that `visible` leaves; read by the system, so that nothing else narrows."""
    with transaction(by) as tx:
        return {key(row) for row in tx.scalars(visible(who, select(entity)))}


# -- who may do what


@pytest.mark.parametrize("role", TRUTH)
@pytest.mark.parametrize("place", PLACES)
def test_what_a_role_may_do_with_a_classroom(cast: Cast, role: str, place: str) -> None:
    with transaction(SYSTEM) as tx:
        statement = select(Classroom).where(Classroom.id == place_id(cast.world, place))
        classroom = tx.execute(statement).scalar_one()
    may = {permission for permission in CORE if can(cast.as_(role), permission, classroom)}
    assert may == TRUTH[role].get(place, set())


@pytest.mark.parametrize("role", ANYWHERE)
def test_what_a_role_may_do_at_all(cast: Cast, role: str) -> None:
    assert {permission for permission in CORE if can(cast.as_(role), permission)} == ANYWHERE[role]


def test_the_system_may_do_everything() -> None:
    assert {permission for permission in CORE if can(SYSTEM, permission)} == CORE


def test_what_may_not_be_done_is_denied(cast: Cast) -> None:
    with pytest.raises(Denied):
        require(cast.as_("helper"), Permission("students:edit"))


def test_a_permission_that_nobody_declared_is_nobodys(cast: Cast) -> None:
    assert not any(can(cast.as_(role), Permission("students:sell")) for role in ROLES)


# -- what is seen is what may be read

# Where an account belongs only the database can tell; can() refuses to guess.
BOTH = [(entity, role) for entity in READABLE if rules()[entity].schools is None for role in ROLES]


@pytest.mark.parametrize(("entity", "role"), BOTH)
def test_what_is_seen_is_what_may_be_read(cast: Cast, entity: type[DeclarativeBase], role: str) -> None:
    who, read = cast.as_(role), rules()[entity].read
    assert read is not None
    may = {key(row) for row in everything(entity) if can(who, read, row)}
    assert seen(who, entity) == may


@pytest.mark.parametrize(("role", "permission"), [("parent", "children:read"), ("child", "own-points:read")])
@pytest.mark.parametrize("entity", [Classroom, Action])
def test_a_childs_classroom_is_seen_and_may_be_read(
    cast: Cast, role: str, permission: Permission, entity: type[DeclarativeBase]
) -> None:
    who = cast.as_(role)
    with transaction(SYSTEM) as tx:
        shown = {key(row) for row in tx.scalars(visible(who, select(entity), permission))}
    assert shown == {key(row) for row in everything(entity) if can(who, permission, row)}


@pytest.mark.parametrize("entity", ENTITIES, ids=lambda entity: entity.__name__)
@pytest.mark.parametrize("role", ROLES)
def test_the_database_hides_nothing_that_the_policy_shows(
    cast: Cast, entity: type[DeclarativeBase], role: str
) -> None:
    who = cast.as_(role)
    assert seen(who, entity, by=who) == seen(who, entity)


@pytest.mark.parametrize("entity", ENTITIES, ids=lambda entity: entity.__name__)
def test_nobody_sees_nothing(cast: Cast, entity: type[DeclarativeBase]) -> None:
    assert seen(cast.as_("nobody"), entity) == set()


@pytest.mark.parametrize("entity", ENTITIES, ids=lambda entity: entity.__name__)
def test_there_is_something_to_see_of_every_entity(cast: Cast, entity: type[DeclarativeBase]) -> None:
    assert everything(entity) != []


@pytest.mark.parametrize("entity", [AccountPassword, AccountSession])
@pytest.mark.parametrize("role", [role for role in ROLES if role not in {"child", "nobody"}])
def test_passwords_and_sessions_are_seen_by_their_owner_alone(
    cast: Cast, entity: type[DeclarativeBase], role: str
) -> None:
    own = cast.as_(role).account_id
    assert seen(cast.as_(role), entity) == {key(row) for row in everything(entity) if row.account_id == own}


@pytest.mark.parametrize("entity", [Membership])
@pytest.mark.parametrize("role", ROLES)
def test_an_entity_without_a_rule_is_nobodys(cast: Cast, entity: type[DeclarativeBase], role: str) -> None:
    assert seen(cast.as_(role), entity) == set()


# -- statements

KEPT = {entity: select(entity) for entity in ENTITIES}


@pytest.mark.parametrize("planned_once", [False, True])
@pytest.mark.parametrize("entity", ENTITIES, ids=lambda entity: entity.__name__)
def test_what_is_kept_shows_each_the_own_rows(
    cast: Cast, entity: type[DeclarativeBase], planned_once: bool
) -> None:
    """One statement for all of them, asked in turns: nobody is shown what was put together for others."""
    for role in (*ROLES, *reversed(ROLES)):
        who = cast.as_(role)
        for permission in (None, rules()[entity].read):
            narrowed = kept_statement(who, KEPT[entity], permission, planned_once=planned_once)
            with transaction(SYSTEM) as tx:
                found = {key(row) for row in tx.scalars(narrowed.statement, narrowed.values)}
                wanted = {key(row) for row in tx.scalars(visible(who, select(entity), permission))}
            assert found == wanted, (role, permission)


def test_a_statement_is_kept_for_all_who_see_by_the_same_ways(cast: Cast) -> None:
    statement = select(Student)
    kept = [kept_statement(cast.as_(role), statement) for role in ("teacher", "outsider", "leader", "parent")]
    assert kept[0].statement is kept[1].statement
    assert len({id(each.statement) for each in kept}) == 3
    assert kept[0].values != kept[1].values
    assert (
        kept_statement(cast.as_("teacher"), statement, STUDENTS_UNENROLL).statement is not kept[0].statement
    )
    one, more = (
        kept_statement(Principal(Nobody(), led_schools=frozenset(schools)), statement)
        for schools in ({7}, {7, 8})
    )
    assert one.statement is not more.statement
    assert (one.values, more.values) == ({"student_school": 7}, {"student_school": {7, 8}})
    for schools in ({7}, {7, 8}):
        hidden = kept_statement(
            Principal(Nobody(), led_schools=frozenset(schools)), statement, planned_once=True
        )
        assert "(SELECT" in str(hidden.statement), "No other statement has the text of what is prepared."
    for schools in ({7}, {9}):
        within = kept_statement(
            Principal(Nobody(), led_schools=frozenset({7, 8})), statement, schools=frozenset(schools)
        )
        assert within.values == ({"student_school": 7} if schools == {7} else {})


def test_who_sees_whole_schools_sees_them_one_after_the_other(cast: Cast) -> None:
    """And nobody who sees some rows of a school, or all rows, or such as are not kept by their school."""
    some = frozenset({7, 8})
    led = Principal(Nobody(), led_schools=some)
    assert sees_school_by_school(led, Student)
    assert sees_school_by_school(led, School)
    # They have a school, and numbers of their own that are no parts of it.
    assert not sees_school_by_school(led, Membership)
    assert not sees_school_by_school(led, Account)
    assert not sees_school_by_school(led, Student, MAIL_READ)
    assert not sees_school_by_school(Principal(Nobody(), led_schools=some, owned=some), Student)
    for role in ("founder", "teacher", "parent", "child", "nobody"):
        assert not sees_school_by_school(cast.as_(role), Student), role
    assert not sees_school_by_school(SYSTEM, Student)


def test_what_is_kept_does_not_run_without_who_it_is_for(cast: Cast) -> None:
    narrowed = kept_statement(cast.as_("leader"), select(Student))
    with transaction(SYSTEM) as tx, pytest.raises(StatementError, match="value is required"):
        tx.scalars(narrowed.statement).all()


def test_what_is_kept_is_bounded(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policy, "_kept", {})
    monkeypatch.setattr(policy, "_MOST_KEPT", 3)
    for _ in range(10):
        kept_statement(cast.as_("leader"), select(Student))
        assert len(policy._kept) <= 3


def test_every_entity_of_a_statement_is_narrowed(cast: Cast) -> None:
    both = select(Classroom, School).join(School, School.id == Classroom.school_id)
    with transaction(SYSTEM) as tx:
        rows = tx.execute(visible(cast.as_("officer"), both)).all()
    assert rows == []


def test_a_column_is_narrowed_by_its_entity(cast: Cast) -> None:
    with transaction(SYSTEM) as tx:
        found = tx.scalars(visible(cast.as_("teacher"), select(Classroom.id))).all()
    assert found == [cast.world.own_class.id]


def test_a_count_is_narrowed_by_what_it_counts(cast: Cast) -> None:
    with transaction(SYSTEM) as tx:
        assert tx.scalar(visible(cast.as_("teacher"), select(func.count(Student.id)))) == 2


@pytest.mark.parametrize(
    "statement",
    [
        select(Student.id, func.now()),
        select(func.count()).select_from(Student),
        pytest.param(select(1)),
    ],
)
def test_what_names_no_entity_is_not_let_through(cast: Cast, statement: Any) -> None:
    with pytest.raises(TypeError):
        visible(cast.as_("teacher"), statement)


def test_with_a_permission_the_rows_are_those_on_which_it_is_held(cast: Cast) -> None:
    with transaction(SYSTEM) as tx:
        narrowed = visible(cast.as_("helper"), select(Student), Permission("students:edit"))
        assert tx.scalars(narrowed).all() == []


def test_the_count_of_places_does_not_change_the_statement(cast: Cast) -> None:
    texts = {
        str(visible(who, select(Classroom)).compile())
        for who in (
            Principal(Nobody(), owned=frozenset(range(2))),
            Principal(Nobody(), owned=frozenset(range(40))),
        )
    }
    assert len(texts) == 1


def test_a_principals_kind_is_its_credentials(cast: Cast) -> None:
    assert (cast.as_("teacher").kind, cast.as_("child").kind) == (Kind.ACCOUNT, Kind.STUDENT)


def test_a_row_of_ones_own_is_for_reading_only(cast: Cast) -> None:
    """The leader of a district works at none of its schools: no other right reaches the own account."""
    leader = cast.as_("leader")
    with transaction(SYSTEM) as tx:
        for permission in (STUDENTS_UNENROLL, AUDIT_READ, TEACHERS_LIST):
            assert leader.account_id not in set(tx.scalars(visible(leader, select(Account.id), permission)))
        assert leader.account_id in set(tx.scalars(visible(leader, select(Account.id), TEACHERS_READ)))
