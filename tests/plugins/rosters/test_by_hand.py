"""Imports beside what people do by hand: each ends what it gave, and leaves the other's alone."""

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select, text
from sqlalchemy.exc import DBAPIError

from backoffice import clock
from backoffice.access.principal import Principal
from backoffice.access.transaction import transaction
from backoffice.runtime import Runtime
from backoffice.schools.models import (
    Classroom,
    Enrollment,
    Membership,
    Role,
    School,
    Student,
    TeachingRoleName,
)
from backoffice.schools.services import archiving, merging, moving, rosters, school_years, students
from backoffice.schools.services.school_years import Ending
from backoffice.staff.services import class_roles
from backoffice.storage.roles import DatabaseRole
from plugins import rosters as rosters_plugin
from plugins.rosters.importing.outcome import LEFT_ALONE, Outcome
from plugins.rosters.models import RosterImport, Unseated
from plugins.rosters.reading.oneroster import read_set
from plugins.rosters.reading.package import open_package
from plugins.rosters.reading.report import Report
from tests.factories.world import SYSTEM, World, _row
from tests.plugins.rosters.memory import Memory, children, empty_school, good, run, small, teachers, versions
from tests.plugins.rosters.reading.sets import a_set, zip_of

pytestmark = pytest.mark.usefixtures("nobody_is_known")
SQL = Path(rosters_plugin.__file__).parent / "migrations" / "sql" / "0003_given.sql"
TOVA = {"Tova Rosterteacher": "owner"}


@pytest.fixture
def school(world: World) -> School:
    return empty_school(district=world.home.district_id)


@pytest.fixture
def leader(world: World, school: School) -> Principal:
    return world.sign_in("leader")


def brought(roster: Memory, school: School) -> dict[str, int]:
    """What an import counts. Once more at once, it changes nothing."""
    counts = good(run(roster, school.public_id)).counts
    before = versions(notes=False)
    good(run(roster, school.public_id))
    assert versions(notes=False) == before
    return counts


def twin_of(school: School, given: str) -> str:
    """The same child once more, in no class, whom somebody calls by the first two letters."""
    with transaction(SYSTEM) as tx:
        return _row(
            tx,
            Student,
            school_id=school.id,
            given_name=given[:2],
            family_name=child(school, given).family_name,
            name_tokens=[],
            created_at=clock.now(),
        )[1]


def room(school: School, name: str = "Algebra") -> Classroom:
    with transaction(SYSTEM) as tx:
        found = tx.scalars(select(Classroom).where(Classroom.school_id == school.id)).all()
    [row] = [each for each in found if each.name == name]
    return row


def child(school: School, given: str) -> Student:
    with transaction(SYSTEM) as tx:
        found = tx.scalars(select(Student).where(Student.school_id == school.id)).all()
    [row] = [each for each in found if each.given_name == given]
    return row


def take_out(who: Principal, school: School, given: str, name: str = "Algebra") -> None:
    students.end_enrollments(
        principal=who, classroom=room(school, name).public_id, students=[child(school, given).public_id]
    )


def move(who: Principal, school: School, given: str, source: str, target: str) -> None:
    moving.move_students(
        principal=who,
        source=room(school, source).public_id,
        target=room(school, target).public_id,
        students=[child(school, given).public_id],
    )


def origins(school: School) -> set[tuple[str, str | None]]:
    """By which ways the children of each class came in."""
    here = (Enrollment.school_id == Classroom.school_id) & (Enrollment.classroom_id == Classroom.id)
    with transaction(SYSTEM) as tx:
        rows = tx.execute(
            select(Classroom.name, Enrollment.origin)
            .join(Enrollment, here)
            .where(Classroom.school_id == school.id)
        )
        return {(row.name, row.origin) for row in rows}


def without(roster: Memory, *users: str) -> Memory:
    """A roster that has these in no class."""
    roster.made["enrollments"] = [each for each in roster.made["enrollments"] if each.user not in users]
    return roster


def two_rooms() -> Memory:
    return small().room("c2", "Botany").seat("c2", "t1", "teacher", primary=True)


# -- children


def test_who_was_taken_out_stays_out_until_the_roster_gives_them_anew(
    school: School, leader: Principal
) -> None:
    brought(small(), school)
    take_out(leader, school, "Boris")
    outcome = good(run(small(), school.public_id))
    assert children(school) == {"Algebra": {"Wanda"}}
    assert outcome.counts["children left out"] == 1
    assert outcome.counts.keys().isdisjoint({"enrollments resumed", "enrollments new"})
    assert outcome.public()["left_alone"] == {"children left out": LEFT_ALONE["children left out"]}
    assert outcome.left_alone == {"children left out": [[room(school).id, child(school, "Boris").id]]}
    assert "Boris" not in json.dumps(outcome.public())
    assert brought(small(), school) == outcome.counts
    assert "enrollments ended" not in brought(without(small(), "k2"), school)
    assert brought(small(), school)["enrollments resumed"] == 1
    assert children(school) == {"Algebra": {"Wanda", "Boris"}}


def test_who_was_put_in_stays_in_though_the_roster_has_had_and_dropped_them(
    school: School, leader: Principal
) -> None:
    roster = two_rooms()
    brought(roster, school)
    move(leader, school, "Boris", "Algebra", "Botany")
    moved = {"Algebra": {"Wanda"}, "Botany": {"Boris"}}
    assert origins(school) == {("Algebra", "roster"), ("Botany", "console")}
    assert brought(roster, school)["children left out"] == 1
    assert children(school) == moved
    # The school's own system learns of it: nothing is left to say.
    caught_up = without(two_rooms(), "k2").seat("c2", "k2")
    assert brought(caught_up, school).keys() <= {"teachers", "teachers to invite"}
    assert children(school) == moved
    outcome = good(run(without(two_rooms(), "k2"), school.public_id))
    assert outcome.counts["children left in"] == 1
    assert "enrollments ended" not in outcome.counts
    assert outcome.left_alone == {
        "children left in": [[room(school, "Botany").id, child(school, "Boris").id]]
    }
    assert children(school) == moved


def test_who_was_put_in_and_is_in_the_roster_too_can_be_taken_out(school: School, leader: Principal) -> None:
    brought(two_rooms(), school)
    move(leader, school, "Boris", "Algebra", "Botany")
    caught_up = without(two_rooms(), "k2").seat("c2", "k2")
    brought(caught_up, school)
    take_out(leader, school, "Boris", "Botany")
    assert brought(caught_up, school)["children left out"] == 1
    assert children(school) == {"Algebra": {"Wanda"}}


def test_who_was_let_back_in_by_hand_is_not_the_rosters_to_end(school: School, leader: Principal) -> None:
    brought(small(), school)
    take_out(leader, school, "Boris")
    rosters.add_students(principal=leader, classroom=room(school).public_id, text="Boris Rosterkid")
    assert "children left out" not in brought(small(), school)
    assert good(run(without(small(), "k1", "k2"), school.public_id)).counts["enrollments ended"] == 1
    assert children(school) == {"Algebra": {"Boris"}}


def test_without_the_file_of_enrollments_nobody_is_left_alone(school: School, leader: Principal) -> None:
    brought(small(), school)
    take_out(leader, school, "Boris")
    roster = small()
    roster.made["enrollments"].clear()
    roster.absent = frozenset({"enrollments.csv"})
    assert good_or_warned(run(roster, school.public_id)).left_alone == {}
    assert children(school) == {"Algebra": {"Wanda"}}


def good_or_warned(outcome: Outcome) -> Outcome:
    assert outcome.done
    return outcome


# -- teachers


@pytest.fixture
def staffed(world: World, school: School) -> Memory:
    """A class of Tova's; Colin and Cora work at the school, and the roster knows them."""
    roster = small()
    with transaction(SYSTEM) as tx:
        for number, role in enumerate(("colleague", "co_teacher")):
            person = world.people[role]
            _row(
                tx,
                Membership,
                account_id=person.id,
                school_id=school.id,
                role=Role.TEACHER,
                created_at=clock.now(),
            )
            roster.user(f"m{number}", person.name, "teacher", email=person.email)
    return roster


def taught(staffed: Memory, *, role: str = "teacher", primary: bool = False) -> Memory:
    """The same with Colin in the class."""
    roster = Memory(made={name: list(lines) for name, lines in staffed.made.items()})
    if primary:
        roster.made["enrollments"][0] = roster.made["enrollments"][0]._replace(primary=False)
    return roster.seat("c1", "m0", role, primary=primary)


def role_by_hand(
    who: Principal, world: World, school: School, role: str | None, of: str = "colleague"
) -> None:
    """Give somebody a role, change it, or with None end it."""
    place: dict[str, Any] = {
        "principal": who,
        "classroom": room(school).public_id,
        "account": world.people[of].public_id,
    }
    if role is None:
        class_roles.take_role(**place)
    elif world.people[of].name in teachers(school)["Algebra"]:
        class_roles.change_role(**place, role=TeachingRoleName(role))
    else:
        class_roles.give_role(**place, role=TeachingRoleName(role))


def test_a_role_given_by_hand_stays(world: World, school: School, leader: Principal, staffed: Memory) -> None:
    brought(staffed, school)
    role_by_hand(leader, world, school, "co_teacher")
    given = {"Algebra": {**TOVA, "Colin Colleague": "co_teacher"}}
    brought(staffed, school)
    assert teachers(school) == given
    # The roster has it too for a while.
    brought(taught(staffed), school)
    outcome = good(run(staffed, school.public_id))
    assert outcome.counts["teachers left in"] == 1
    assert outcome.left_alone == {"teachers left in": [[room(school).id, world.people["colleague"].id]]}
    assert teachers(school) == given
    assert "teachers left in" not in brought(staffed, school)


def test_a_role_ended_by_hand_stays_ended_until_the_roster_gives_it_anew(
    world: World, school: School, leader: Principal, staffed: Memory
) -> None:
    brought(taught(staffed), school)
    role_by_hand(leader, world, school, None)
    assert brought(taught(staffed), school)["teachers left out"] == 1
    assert teachers(school) == {"Algebra": TOVA}
    assert "teachers left out" not in brought(staffed, school)
    assert brought(taught(staffed), school)["teaching roles new or changed"] == 1
    assert teachers(school) == {"Algebra": {**TOVA, "Colin Colleague": "co_teacher"}}
    assert brought(staffed, school)["teaching roles ended"] == 1
    assert teachers(school) == {"Algebra": TOVA}


def test_a_role_changed_by_hand_stays_changed_until_the_roster_makes_more_of_it(
    world: World, school: School, leader: Principal, staffed: Memory
) -> None:
    brought(taught(staffed), school)
    role_by_hand(leader, world, school, "helper")
    brought(taught(staffed), school)
    assert teachers(school)["Algebra"]["Colin Colleague"] == "helper"
    assert brought(taught(staffed, primary=True), school)["teaching roles new or changed"] == 2
    assert teachers(school) == {"Algebra": {"Colin Colleague": "owner", "Tova Rosterteacher": "co_teacher"}}
    # Dropped by the roster, it is again what a person had made of it.
    assert brought(staffed, school)["teaching roles ended"] == 1
    assert teachers(school) == {"Algebra": {**TOVA, "Colin Colleague": "helper"}}
    assert good(run(staffed, school.public_id)).counts.keys().isdisjoint({"teachers left in"})
    brought(taught(staffed), school)
    brought(staffed, school)
    assert teachers(school) == {"Algebra": {**TOVA, "Colin Colleague": "helper"}}


def test_what_the_roster_makes_of_an_owner_by_hand_is_never_less(
    world: World, school: School, leader: Principal, staffed: Memory
) -> None:
    brought(staffed, school)
    role_by_hand(leader, world, school, "co_teacher")
    role_by_hand(leader, world, school, "owner")
    brought(taught(staffed), school)
    assert teachers(school)["Algebra"]["Colin Colleague"] == "owner"
    brought(staffed, school)
    assert teachers(school)["Algebra"]["Colin Colleague"] == "owner"


def test_nobody_makes_room_for_an_owner_whose_role_was_ended_here(
    world: World, school: School, leader: Principal, staffed: Memory
) -> None:
    brought(taught(staffed), school)
    role_by_hand(leader, world, school, None)
    brought(taught(staffed, primary=True), school)
    assert teachers(school) == {"Algebra": TOVA}


# -- two students who are one


@pytest.mark.parametrize("taken_out", [False, True])
def test_a_child_who_was_two_is_where_the_roster_and_people_have_put_it(
    school: School, leader: Principal, taken_out: bool
) -> None:
    brought(small(), school)
    if taken_out:
        take_out(leader, school, "Boris")
    twin = twin_of(school, "Boris")
    seen = merging.preview_merge(principal=leader, keeper=twin, merged=child(school, "Boris").public_id).seen
    merging.merge_students(principal=leader, keeper=twin, merged=child(school, "Boris").public_id, seen=seen)
    assert origins(school) == {("Algebra", "roster")}
    brought(small(), school)
    assert children(school) == {"Algebra": {"Wanda"} if taken_out else {"Wanda", "Bo"}}
    brought(without(small(), "k2"), school)
    assert children(school) == {"Algebra": {"Wanda"}}


# -- a school year that somebody began here


def of_year(year: str, *, room_source: str = "c1", title: str = "Algebra") -> Memory:
    """The small roster with its class in the second term of a year."""
    roster = small().session(year).session(f"{year}-2", year)
    roster.made["classes"][0] = roster.made["classes"][0]._replace(
        source_id=room_source, title=title, terms=(f"{year}-2",)
    )
    roster.made["enrollments"] = [each._replace(class_=room_source) for each in roster.made["enrollments"]]
    return roster


def begin_year(who: Principal, school: School, name: str | None, *moving: str) -> None:
    """Archive the class; another follows it unless it has no name, and these move up."""
    up = frozenset(child(school, given).public_id for given in moving)
    endings = [Ending(room(school).public_id, name, up)]
    asked: dict[str, Any] = {"principal": who, "school": school.public_id, "endings": endings}
    school_years.begin_year(**asked, seen=school_years.preview_year(**asked).seen)


def rows_of(classroom: Classroom) -> set[Any]:
    """Everything in a class and the class itself, by the versions of the rows."""
    with transaction(SYSTEM) as tx:
        return {
            (table, *row)
            for table, column in (
                ("enrollment", "classroom_id"),
                ("teaching_role", "classroom_id"),
                ("classroom", "id"),
            )
            for row in tx.execute(
                text(f"select xmin::text, ctid::text from app.{table} where {column} = :room"),
                {"room": classroom.id},
            )
        }


def classes(school: School) -> list[str]:
    with transaction(SYSTEM) as tx:
        return sorted(tx.scalars(select(Classroom.name).where(Classroom.school_id == school.id)))


def test_what_is_said_of_the_old_year_goes_on_in_the_class_that_follows(
    school: School, leader: Principal
) -> None:
    roster = of_year("2025").seat("c1", "k3")
    brought(roster, school)
    begin_year(leader, school, "Geometry", "Wanda", "Milo")
    take_out(leader, school, "Milo", "Geometry")
    old = room(school)
    kept = rows_of(old)
    roster.user("k9", "Nina Newchild").seat("c1", "k9")
    counts = brought(roster, school)
    assert counts["classes going on in the ones that follow them"] == 1
    assert (counts["enrollments new"], counts["children left out"]) == (1, 2)
    assert counts.keys().isdisjoint({"classes new", "classes missing", "enrollments ended"})
    # Boris stayed behind, Milo was taken out; the old class is as it was; there is no second class.
    assert children(school) == {"Algebra": {"Wanda", "Boris", "Milo"}, "Geometry": {"Wanda", "Nina"}}
    assert rows_of(old) == kept
    assert classes(school) == ["Algebra", "Geometry"]
    assert teachers(school)["Geometry"] == TOVA
    # What the roster gave it ends, whom somebody moved up it leaves alone.
    dropped = without(of_year("2025"), "k1", "k2").user("k9", "Nina Newchild")
    counts = good(run(dropped, school.public_id)).counts
    assert (counts["enrollments ended"], counts["children left in"]) == (1, 1)
    assert children(school)["Geometry"] == {"Wanda"}
    # Boris, given anew.
    again = without(of_year("2025"), "k1").user("k9", "Nina Newchild")
    assert brought(again, school)["enrollments new"] == 1
    assert children(school)["Geometry"] == {"Wanda", "Boris"}
    assert rows_of(old) == kept
    with transaction(SYSTEM) as tx:
        assert tx.scalars(select(Unseated).where(Unseated.school_id == school.id)).all() == []


def test_a_class_follows_one_that_followed_and_a_title_goes_along(school: School, leader: Principal) -> None:
    brought(of_year("2025"), school)
    begin_year(leader, school, "Between", "Wanda")
    brought(of_year("2025"), school)
    # The one between is archived by hand in turn, and so is what follows it: nowhere left to go.
    with transaction(SYSTEM) as tx:
        between = tx.scalars(select(Classroom).where(Classroom.school_id == school.id)).all()
    [middle] = [each for each in between if each.name == "Between"]
    endings = [Ending(middle.public_id, "Last", frozenset({child(school, "Wanda").public_id}))]
    asked: dict[str, Any] = {"principal": leader, "school": school.public_id, "endings": endings}
    school_years.begin_year(**asked, seen=school_years.preview_year(**asked).seen)
    kept = rows_of(middle)
    counts = brought(of_year("2025", title="Topology"), school)
    assert (counts["classes changed"], counts["children left out"]) == (1, 1)
    assert children(school)["Topology"] == {"Wanda"}
    assert classes(school) == ["Algebra", "Between", "Topology"]
    assert rows_of(middle) == kept


def test_another_school_year_has_a_class_of_its_own(school: School, leader: Principal) -> None:
    brought(of_year("2025"), school)
    begin_year(leader, school, "Geometry", "Wanda", "Boris")
    old, follower = room(school), room(school, "Geometry")
    kept = rows_of(old) | rows_of(follower)
    outcome = good(run(of_year("2026", title="Algebra II"), school.public_id))
    counts = outcome.counts
    assert (counts["archived classes begun anew"], counts["classes new"]) == (1, 1)
    assert outcome.left_alone == {
        "new classes beside ones begun here": [[room(school, "Algebra II").id, follower.id]]
    }
    assert children(school)["Algebra II"] == {"Wanda", "Boris"}
    assert rows_of(old) | rows_of(follower) == kept
    # From now on it is the new one that the roster speaks of.
    assert brought(without(of_year("2026", title="Algebra III"), "k2"), school)["enrollments ended"] == 1
    assert children(school)["Algebra III"] == {"Wanda"}
    assert rows_of(old) | rows_of(follower) == kept


def test_a_class_of_the_title_of_one_begun_here_does_not_come_in_silence(
    school: School, leader: Principal
) -> None:
    brought(of_year("2025"), school)
    begin_year(leader, school, "Geometry", "Wanda", "Boris")
    follower = room(school, "Geometry")
    roster = of_year("2026", room_source="c7", title="Geometry").room("c8", "Botany")
    outcome = run(roster, school.public_id)
    with transaction(SYSTEM) as tx:
        rows = tx.scalars(select(Classroom).where(Classroom.school_id == school.id)).all()
    [number] = [each.id for each in rows if each.name == "Geometry" and each.id != follower.id]
    assert outcome.left_alone == {"new classes beside ones begun here": [[number, follower.id]]}
    assert outcome.counts["classes new"] == 2
    assert "new classes beside ones begun here" not in run(roster, school.public_id).counts


def test_another_term_of_the_year_is_no_other_year(school: School, leader: Principal) -> None:
    roster = of_year("2025").session("2025-3", "2025")
    brought(of_year("2025"), school)
    begin_year(leader, school, "Geometry", "Wanda", "Boris")
    roster.made["classes"][0] = roster.made["classes"][0]._replace(terms=("2025-3",))
    assert "classes new" not in brought(roster, school)
    assert classes(school) == ["Algebra", "Geometry"]


def test_an_archived_class_that_none_follows_stays_as_it_is(
    world: World, school: School, leader: Principal
) -> None:
    brought(small(), school)
    archiving.archive_classroom(principal=leader, classroom=room(school).public_id)
    kept = rows_of(room(school))
    changed = (
        without(small(), "k2").seat("c1", "k3").user("t2", "Second Teacher", "teacher", email="s@m.example")
    )
    changed.seat("c1", "t2", "teacher")
    # Which year it is of is said for the first time, and so is no other one.
    changed.session("2025").made["classes"][0] = changed.made["classes"][0]._replace(
        title="Geometry", terms=("2025",)
    )
    counts = brought(changed, school)
    assert counts["archived classes left alone"] == 1
    assert counts.keys().isdisjoint(
        {"classes new", "classes changed", "enrollments new", "enrollments ended"}
    )
    assert rows_of(room(school)) == kept
    # Brought back, it is again the roster's.
    archiving.restore_classroom(principal=leader, classroom=room(school).public_id)
    counts = brought(changed, school)
    assert (counts["classes changed"], counts["enrollments new"], counts["enrollments ended"]) == (1, 1, 1)
    assert children(school) == {"Geometry": {"Wanda", "Milo"}}
    assert teachers(school) == {"Geometry": {**TOVA, "Second Teacher": "co_teacher"}}


def test_archived_classes_that_the_roster_has_no_more_are_not_missed(
    school: School, leader: Principal
) -> None:
    brought(two_rooms(), school)
    archiving.archive_classroom(principal=leader, classroom=room(school, "Botany").public_id)
    kept = rows_of(room(school, "Botany"))
    assert "classes missing" not in brought(small(), school)
    assert rows_of(room(school, "Botany")) == kept


# -- kept by whom


def test_nobody_on_the_web_says_what_a_roster_gave_or_which_class_follows_a_colleagues(
    world: World, school: School
) -> None:
    own, other = world.own_class, world.colleague_class
    follows = {"school_id": world.home.id, "public_id": "abcd2345efgh6789", "name": "Mine", "door": "closed",
               "shared_devices": True, "created_at": clock.now()}  # fmt: skip
    seat = {"school_id": world.home.id, "classroom_id": own.id, "student_id": other.children[0].id,
            "avatar": "fox-rose", "balance": 0, "joined_at": clock.now()}  # fmt: skip
    with transaction(SYSTEM) as tx:
        number = tx.take_id(Classroom)
    for who, statement in (
        ("teacher", insert(Classroom).values(**follows, id=number, follows=other.id)),
        ("leader", insert(Enrollment).values(**seat, in_source=True)),
        ("leader", insert(Enrollment).values(**seat, origin="roster")),
    ):
        with pytest.raises(DBAPIError) as raised, transaction(world.sign_in(who)) as tx:
            tx.execute(statement)
        assert getattr(raised.value.orig, "sqlstate", None) == "42501"
    with transaction(world.sign_in("teacher")) as tx:
        tx.execute(insert(Classroom).values(**follows, id=number, follows=own.id))
        tx.rollback()


def test_the_report_keeps_numbers(school: School, leader: Principal) -> None:
    brought(small(), school)
    take_out(leader, school, "Boris")
    good(run(small(), school.public_id))
    with transaction(SYSTEM) as tx:
        last = tx.scalars(
            select(RosterImport).where(RosterImport.school_id == school.id).order_by(RosterImport.id.desc())
        ).first()
        assert last is not None
        assert last.names is not None
        assert last.names["children left out"] == [[room(school).id, child(school, "Boris").id]]


def test_what_rosters_gave_before_anybody_noted_it_is_taken_for_theirs(
    world: World, school: School, leader: Principal, staffed: Memory, runtime: Runtime
) -> None:
    brought(taught(staffed), school)
    take_out(leader, school, "Boris")
    forget = (
        "update app.enrollment set origin = null, in_source = null where school_id = :school",
        "update app.teaching_role set origin = 'rosters-import' where school_id = :school",
        "delete from plugin_rosters.teaching_source where school_id = :school",
    )
    _, backfill = SQL.read_text().split("-- Until now", 1)
    with runtime.database.engine(DatabaseRole.OWNER).begin() as owner:
        for statement in forget:
            owner.execute(text(statement), {"school": school.id})
        owner.exec_driver_sql("--" + backfill)
    assert brought(taught(staffed), school)["children left out"] == 1
    assert children(school) == {"Algebra": {"Wanda"}}
    counts = brought(without(staffed, "k1", "k2"), school)
    assert (counts["enrollments ended"], counts["teaching roles ended"]) == (1, 1)
    assert (children(school), teachers(school)) == ({}, {"Algebra": TOVA})


def test_files_say_of_which_year_a_class_is(school: School, leader: Principal) -> None:
    """The same from a zip: the year of a class stands two files away from it."""
    files = a_set()

    def sent(**changed: bytes) -> Outcome:
        report = Report()
        with open_package(zip_of({**files, **changed}), report) as package:
            outcome = run(read_set(package, report), school.public_id, report=report)
        assert outcome.done
        return outcome

    sent()
    title = "Mathematics, group 1"
    old = room(school, title)
    endings = [Ending(old.public_id, "Mathematics", frozenset())]
    asked: dict[str, Any] = {"principal": leader, "school": school.public_id, "endings": endings}
    school_years.begin_year(**asked, seen=school_years.preview_year(**asked).seen)
    kept = rows_of(room(school, title))
    seated = len(children(school)[title])
    assert sent().counts["children left out"] == seated
    assert "Mathematics" not in children(school)
    archiving.archive_classroom(principal=leader, classroom=room(school, "Mathematics").public_id)
    later = {
        name: files[name].replace(b"year-1-0", b"year-2-0").replace(b"term-1-0", b"term-2-0")
        for name in ("academicSessions.csv", "classes.csv", "courses.csv")
    }
    assert sent(**later).counts["archived classes begun anew"] == 1
    assert rows_of(old) == kept
