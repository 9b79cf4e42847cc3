"""Promises about who reaches what: each holds, and each falls short when isolation is really broken."""

from collections.abc import Callable

import psycopg
import pytest
from sqlalchemy import make_url, select, text, update

from backoffice import clock
from backoffice.access import permissions, policy
from backoffice.access.policy import RoleName
from backoffice.access.transaction import transaction
from backoffice.controls.check import State
from backoffice.runtime import Runtime
from backoffice.schools.checks import ProbeFailed
from backoffice.schools.models import Enrollment, School, SchoolKind, Student
from backoffice.storage.embedded import EmbeddedServer
from backoffice.storage.roles import DatabaseRole
from tests.controls.conftest import Broken, Look
from tests.factories.world import SYSTEM, World, make_personal

ISOLATED = ("classroom-isolation", "leader-oversight")
both = pytest.mark.parametrize("control", ISOLATED)
SCHOOL_POLICY = "school_id = any ((select app.ids('led_schools'))::bigint[])"
STUDENT_READ = (
    f"({SCHOOL_POLICY} or id = any ((select app.pupils())::bigint[])"
    " or id = any ((select app.children_asked_about())::bigint[]))"
)
DISTRICT_READ = "id = any ((select app.ids('districts'))::bigint[]) or (select app.is_founder())"
CHAIN = """
    create table app.toy (owner bigint primary key references app.account);
    create table app.part (toy bigint references app.toy)"""
VIEW = """
    create view app.everybody as select * from app.student;
    grant select on app.everybody to backoffice_app"""
PARTITION = """
    create table app.visit (school_id bigint, at date) partition by range (at);
    alter table app.visit enable row level security;
    alter table app.visit force row level security;
    create table app.visit_1 partition of app.visit default;
    grant select on app.visit_1 to backoffice_app"""
STUDENT_INSERT = "(school_id = any ((select app.ids('staffed_schools'))::bigint[]))"


def body(runtime: Runtime, function: str) -> str:
    with runtime.database.engine(DatabaseRole.OWNER).begin() as connection:
        return str(connection.scalar(text(f"select pg_get_functiondef('{function}'::regproc)")))


@pytest.mark.parametrize("control", [*ISOLATED, "no-self-enrolment"])
def test_holds_on_a_healthy_world(look: Look, control: str) -> None:
    finding = look(control)
    assert finding.state is State.HOLDS, finding.evidence


def test_whom_a_parent_asks_may_know_about_which_child(look: Look, world: World) -> None:
    """The teacher of a personal school, of a child in no class: no hole, whatever else is seen of others."""
    child, outside = world.foreign_class.children[0].id, School.id == world.outside.id
    seat = update(Enrollment).where(Enrollment.student_id == child)
    with transaction(SYSTEM) as tx:
        make_personal(tx, world.outside.id, world.people["outsider"])
        tx.execute(seat.values(ended_at=clock.now()))
    try:
        with transaction(world.sign_in("outsider")) as tx:
            assert tx.scalar(select(Student.id).where(Student.id == child)) == child
        finding = look("classroom-isolation")
        assert finding.state is State.HOLDS, finding.evidence
    finally:
        with transaction(SYSTEM) as tx:
            tx.execute(seat.values(ended_at=None))
            tx.execute(update(School).where(outside).values(kind=SchoolKind.SCHOOL))


def test_a_look_leaves_no_trace(look: Look, runtime: Runtime) -> None:
    def traces() -> object:
        with runtime.database.engine(DatabaseRole.OWNER).begin() as connection:
            return connection.execute(
                text(
                    "select (select count(*) from app.account_session),"
                    " (select count(*) from app.student_session), (select count(*) from app.student),"
                    " (select max(last_active_at) from app.account), (select count(*) from app.audit_entry)"
                )
            ).one()

    before = traces()
    for control in (*ISOLATED, "no-self-enrolment"):
        look(control)
    assert traces() == before


# -- what the catalogs tell


@both
@pytest.mark.parametrize(
    ("do", "undo", "said"),
    [
        (
            "alter table app.student no force row level security",
            "alter table app.student force row level security",
            "app.student",
        ),
        (
            "alter table app.point_entry disable row level security",
            "alter table app.point_entry enable row level security",
            "app.point_entry",
        ),
        (
            "drop policy app_read on app.district",
            f"create policy app_read on app.district for select to backoffice_app using ({DISTRICT_READ})",
            "app.district has no policy",
        ),
        ("create table app.lunch (school_id bigint)", "drop table app.lunch", "app.lunch"),
        ("create table app.toy (owner bigint references app.account)", "drop table app.toy", "app.toy"),
        (CHAIN, "drop table app.part, app.toy", "app.part"),
        (VIEW, "drop view app.everybody", "the view app.everybody"),
        (PARTITION, "drop table app.visit", "the partition app.visit_1"),
    ],
)
def test_an_unguarded_table_falls_short(
    look: Look, broken: Broken, control: str, do: str, undo: str, said: str
) -> None:
    with broken(do, undo):
        finding = look(control)
    assert finding.state is State.FALLS_SHORT
    assert said in finding.evidence


def test_a_view_that_reads_as_its_reader_is_no_hole(look: Look, broken: Broken) -> None:
    with broken(
        "create view app.own with (security_invoker) as select * from app.student;"
        " grant select on app.own to backoffice_app",
        "drop view app.own",
    ):
        assert look("classroom-isolation").state is State.HOLDS


@both
@pytest.mark.parametrize("power", ["superuser", "bypassrls", "createrole"])
def test_a_role_with_too_much_power_falls_short(
    look: Look, server: EmbeddedServer, control: str, power: str
) -> None:
    address = make_url(server.url(database="postgres")).render_as_string(hide_password=False)
    with psycopg.connect(address, autocommit=True) as admin:
        admin.execute(f"alter role backoffice_app {power}".encode())
        try:
            finding = look(control)
        finally:
            admin.execute(f"alter role backoffice_app no{power}".encode())
    assert (finding.state, "the web's role" in finding.evidence) == (State.FALLS_SHORT, True)


# -- what a live probe tells


@both
def test_a_policy_open_to_all_falls_short(look: Look, broken: Broken, control: str) -> None:
    with broken(
        "create policy oops on app.enrollment for select to public using (true)",
        "drop policy oops on app.enrollment",
    ):
        finding = look(control)
    assert (finding.state, finding.evidence) == (
        State.FALLS_SHORT,
        "Without signing in, rows can be read of app.enrollment.",
    )


@pytest.mark.parametrize(
    ("condition", "classroom", "leader"),
    [
        # Everybody at a school sees its children: too much for a teacher, right for a leader.
        (
            "school_id = any ((select app.ids('schools'))::bigint[])",
            "A teacher can read foreign rows of app.student.",
            None,
        ),
        # Leaders see the children of every school.
        (
            "cardinality(app.ids('led_schools')) > 0",
            None,
            "A leader can read foreign rows of app.student.",
        ),
    ],
)
def test_a_policy_too_wide_for_one_role_falls_short_for_that_role(
    look: Look, broken: Broken, condition: str, classroom: str | None, leader: str | None
) -> None:
    with broken(
        f"alter policy app_read on app.student using ({STUDENT_READ} or {condition})",
        f"alter policy app_read on app.student using ({STUDENT_READ})",
    ):
        for control, said in zip(ISOLATED, (classroom, leader), strict=True):
            finding = look(control)
            assert finding.state is (State.FALLS_SHORT if said else State.HOLDS)
            assert said is None or finding.evidence == said


def test_an_entrance_that_hands_out_too_much_falls_short(
    look: Look, runtime: Runtime, broken: Broken
) -> None:
    before = body(runtime, "app.enter")
    given = "perform set_ids('classrooms', owned || co_taught || helped);"
    assert given in before
    too_much = before.replace(given, "perform set_ids('classrooms', array(select c.id from classroom c));")
    # To SQLAlchemy a colon begins a parameter.
    with broken(too_much.replace(":", r"\:"), before.replace(":", r"\:")):
        finding = look("classroom-isolation")
    assert (finding.state, "foreign rows" in finding.evidence) == (State.FALLS_SHORT, True)


def test_a_probe_that_sees_nothing_at_all_is_no_proof(look: Look, broken: Broken) -> None:
    with (
        broken(
            "alter policy app_read on app.classroom using (false)",
            "alter policy app_read on app.classroom using ("
            f"{SCHOOL_POLICY} or id = any ((select app.ids('classrooms'))::bigint[])"
            " or id = any ((select app.ids('own_classrooms'))::bigint[]))",
        ),
        pytest.raises(ProbeFailed),
    ):
        look("classroom-isolation")


def test_without_other_schools_it_is_not_exercised(look: Look, broken: Broken, world: World) -> None:
    with broken(
        "update app.membership set role = 'teacher' where role = 'leader'",
        f"update app.membership set role = 'leader' where account_id = {world.people['leader'].id}",
    ):
        finding = look("leader-oversight")
    assert finding.state is State.NOT_EXERCISED


# -- who may add a student


@pytest.mark.parametrize("role", [RoleName.STUDENT, RoleName.GUARDIAN, RoleName.FOUNDER])
def test_a_role_that_may_add_students_falls_short(
    look: Look, monkeypatch: pytest.MonkeyPatch, role: RoleName
) -> None:
    more = {**policy._granted, role: policy.granted(role) | {permissions.STUDENTS_CREATE}}
    monkeypatch.setattr(policy, "_granted", more)
    finding = look("no-self-enrolment")
    assert (finding.state, role in finding.evidence) == (State.FALLS_SHORT, True)


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        ("true", "not signed in"),
        ("cardinality(app.ids('student_session')) > 0", "a signed-in student"),
    ],
)
def test_a_database_that_takes_students_from_anybody_falls_short(
    look: Look, broken: Broken, condition: str, said: str
) -> None:
    with broken(
        f"alter policy app_insert on app.student with check ({condition})",
        f"alter policy app_insert on app.student with check ({STUDENT_INSERT})",
    ):
        finding = look("no-self-enrolment")
    assert (finding.state, said in finding.evidence) == (State.FALLS_SHORT, True)


def test_a_function_that_adds_students_falls_short(look: Look, broken: Broken) -> None:
    with broken(
        "create function app.enrol(s bigint) returns void language sql security definer as $$"
        " insert into app.student (school_id, public_id, given_name, name_tokens, created_at)"
        " values (s, 'x', '', '{}', '2026-01-01') $$;"
        " grant execute on function app.enrol to backoffice_app",
        "drop function app.enrol",
    ):
        finding = look("no-self-enrolment")
    assert (finding.state, "app.enrol" in finding.evidence) == (State.FALLS_SHORT, True)


def test_without_an_open_door_only_a_stranger_is_tried(look: Look, owner: Callable[[str], None]) -> None:
    owner("update app.classroom set door = 'closed'")
    try:
        finding = look("no-self-enrolment")
    finally:
        owner("update app.classroom set door = 'open'")
    assert (finding.state, "by a stranger was" in finding.evidence) == (State.HOLDS, True)
