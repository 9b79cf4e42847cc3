"""Reading classes, students and points: what each reader gets, and nothing else."""

from datetime import timedelta

import pytest
from sqlalchemy import insert, select
from sqlalchemy.orm import selectinload

from backoffice import clock
from backoffice.access.permissions import CHILDREN_READ, OWN_POINTS_READ, SCHOOLS_READ
from backoffice.access.principal import Principal
from backoffice.access.transaction import Transaction, transaction
from backoffice.schools import queries
from backoffice.schools.models import Action, Classroom, PointEntry, Student
from backoffice.schools.queries import LAST_ENTRIES, SchoolCounts
from tests.factories.world import SYSTEM, Class, World

STAFF = [("Cora Coteacher", "co_teacher"), ("Henk Helper", "helper"), ("Tilda Teacher", "owner")]


def classroom(tx: Transaction, which: Class) -> Classroom:
    """The row, whoever reads: what a query does with it is what is tested."""
    with transaction(SYSTEM) as system:
        return system.execute(select(Classroom).where(Classroom.id == which.id)).scalar_one()


def principal(world: World, role: str) -> Principal:
    if role == "child":
        return world.student(world.own_class, world.own_class.children[0])
    return world.sign_in(role)


@pytest.mark.parametrize(
    ("role", "given"),
    [
        ("teacher", ["Bartholomew", "Wilhelmina"]),
        ("helper", ["Bartholomew", "Wilhelmina"]),
        ("leader", ["Bartholomew", "Wilhelmina"]),
        ("colleague", []),
        ("outsider", []),
        ("founder", []),
        ("officer", []),
        ("parent", []),
    ],
)
def test_the_students_of_a_class(world: World, role: str, given: list[str]) -> None:
    with transaction(principal(world, role)) as tx:
        found = queries.students_of(tx, classroom(tx, world.own_class))
    assert sorted(student.given for student in found) == given


def test_a_pupil_has_picture_and_points(world: World) -> None:
    with transaction(principal(world, "teacher")) as tx:
        found = queries.students_of(tx, classroom(tx, world.own_class))
    assert {(student.avatar, student.points) for student in found} == {("owl-plum", 2)}


@pytest.mark.parametrize(
    ("role", "staff"), [("teacher", STAFF), ("leader", STAFF), ("colleague", []), ("parent", [])]
)
def test_the_adults_of_a_class(world: World, role: str, staff: list[tuple[str, str]]) -> None:
    with transaction(principal(world, role)) as tx:
        assert sorted(queries.staff_of(tx, classroom(tx, world.own_class))) == staff


@pytest.mark.parametrize(
    ("role", "names"),
    [
        ("leader", {"Tilda Teacher", "Edna Elsewhere"}),
        ("helper", {"Tilda Teacher"}),
        ("elsewhere", {"Edna Elsewhere"}),
        ("officer", set()),
        ("parent", set()),
    ],
)
def test_the_names_of_adults(world: World, role: str, names: set[str]) -> None:
    asked = {world.people[name].id for name in ("teacher", "elsewhere", "outsider")}
    with transaction(principal(world, role)) as tx:
        assert set(queries.names_of(tx, asked).values()) == names


@pytest.mark.parametrize(
    ("role", "schools"),
    [
        ("leader", ["Home Hollow School", "Elsewhere Elms School"]),
        ("officer", ["Home Hollow School", "Elsewhere Elms School"]),
        ("founder", ["Home Hollow School", "Elsewhere Elms School", "Outside Oaks School"]),
        ("teacher", ["Home Hollow School"]),
        ("parent", []),
    ],
)
def test_the_schools_one_may_read(world: World, role: str, schools: list[str]) -> None:
    with transaction(principal(world, role)) as tx:
        assert [school.name for school in queries.schools_for(tx, SCHOOLS_READ)] == schools


@pytest.mark.parametrize(
    ("role", "schools"),
    [("leader", 2), ("teacher", 1), ("outsider", 1), ("officer", 0), ("founder", 0), ("parent", 0)],
)
def test_the_schools_one_may_make_a_class_in(world: World, role: str, schools: int) -> None:
    with transaction(principal(world, role)) as tx:
        assert len(queries.schools_for(tx)) == schools


def test_the_sizes_of_classes(world: World) -> None:
    with transaction(principal(world, "leader")) as tx:
        rows = [classroom(tx, each) for each in (world.own_class, world.elsewhere_class)]
        assert queries.class_sizes(tx, rows) == {world.own_class.id: 2, world.elsewhere_class.id: 2}


def test_no_classes_have_no_sizes(world: World) -> None:
    with transaction(principal(world, "leader")) as tx:
        assert queries.class_sizes(tx, []) == {}


@pytest.mark.parametrize(("role", "shown"), [("teacher", True), ("leader", True), ("colleague", False)])
def test_the_live_codes_of_classes(world: World, role: str, shown: bool) -> None:
    expected = {world.own_class.id: world.own_class.code} if shown else {}
    with transaction(principal(world, role)) as tx:
        assert queries.live_codes(tx, [classroom(tx, world.own_class)]) == expected


@pytest.mark.parametrize(
    ("role", "counts"),
    [
        ("leader", [SchoolCounts(1, 2, 1), SchoolCounts(2, 4, 4)]),
        ("officer", [SchoolCounts(1, 2, 1), SchoolCounts(2, 4, 4)]),
        ("founder", [SchoolCounts(1, 2, 1), SchoolCounts(1, 2, 1), SchoolCounts(2, 4, 4)]),
        ("parent", []),
    ],
)
def test_the_numbers_of_schools(world: World, role: str, counts: list[SchoolCounts]) -> None:
    with transaction(principal(world, role)) as tx:
        found = queries.counts_by_school(tx, (world.home, world.elsewhere, world.outside)).values()
        together = queries.school_totals(tx)
    assert sorted(found, key=lambda each: each.classrooms) == counts
    assert (together.schools, together.students) == (len(counts), sum(each.students for each in counts))


def test_schools_that_are_not_shown_are_not_counted(world: World) -> None:
    with transaction(principal(world, "founder")) as tx:
        assert list(queries.counts_by_school(tx, [world.outside])) == [world.outside.id]


def test_only_the_names_that_are_asked_for_are_read(world: World) -> None:
    asked = {world.elsewhere.id, world.outside.id}
    with transaction(principal(world, "leader")) as tx:
        assert queries.school_names(tx, asked) == {world.elsewhere.id: "Elsewhere Elms School"}


@pytest.mark.parametrize(
    ("role", "classes"),
    [
        ("teacher", ["Ownclass Otters"]),
        ("leader", ["Ownclass Otters"]),
        ("colleague", []),
        ("parent", []),
    ],
)
def test_the_classes_of_a_student(world: World, role: str, classes: list[str]) -> None:
    with transaction(SYSTEM) as tx:
        student = tx.execute(
            select(Student)
            .where(Student.id == world.own_class.children[0].id)
            .options(selectinload(Student.enrollments))
        ).scalar_one()
    with transaction(principal(world, role)) as tx:
        found = [each.classroom.name for each in queries.enrollments_of(tx, student)]
    assert found == classes


# -- points


def awards(world: World, role: str, **options: object) -> list[queries.Award]:
    with transaction(principal(world, role)) as tx:
        return queries.last_awards(
            tx,
            school_id=world.home.id,
            student_id=world.own_class.children[0].id,
            **options,  # type: ignore[arg-type]
        )


@pytest.mark.parametrize(
    ("role", "permission", "count"),
    [
        ("teacher", None, 1),
        ("leader", None, 1),
        ("helper", None, 1),
        ("colleague", None, 0),
        ("outsider", None, 0),
        ("parent", None, 0),
        ("parent", CHILDREN_READ, 1),
        ("foreign_parent", CHILDREN_READ, 0),
        ("child", OWN_POINTS_READ, 1),
        ("child", None, 0),
    ],
)
def test_the_points_of_a_student(world: World, role: str, permission: object, count: int) -> None:
    assert len(awards(world, role, permission=permission)) == count


def test_an_award_says_for_what_and_by_whom(world: World) -> None:
    (award,) = awards(world, "teacher")
    assert (award.label, award.value, award.comment, award.by) == (
        "Praise of the Ownclass Otters",
        2,
        "Comment about Quartermaine",
        world.people["teacher"].id,
    )


def test_the_points_of_one_class(world: World) -> None:
    assert awards(world, "leader", classroom_id=world.colleague_class.id) == []


def test_the_newest_points_come_first_and_twenty_at_most(world: World) -> None:
    child, now = world.colleague_class.children[0], clock.now()
    with transaction(SYSTEM) as tx:
        action = tx.scalar(select(Action.id).where(Action.classroom_id == world.colleague_class.id))
        for value in range(1, LAST_ENTRIES + 6):
            tx.execute(
                insert(PointEntry).values(
                    school_id=world.home.id,
                    classroom_id=world.colleague_class.id,
                    student_id=child.id,
                    action_id=action,
                    value=value,
                    awarded_at=now + timedelta(seconds=value),
                )
            )
    with transaction(principal(world, "colleague")) as tx:
        found = queries.last_awards(tx, school_id=world.home.id, student_id=child.id)
    assert [award.value for award in found] == list(range(LAST_ENTRIES + 5, 5, -1))
