"""What does not fit together is found before anything is written, and told with file, line and column."""

from collections.abc import Callable

import pytest

from backoffice.schools.models import School
from plugins.rosters.importing import stage
from plugins.rosters.reading.report import MOST_TOLD
from tests.factories.world import World
from tests.plugins.rosters.memory import Memory, empty_school, errors, run, small, versions, warnings

Change = Callable[[Memory], object]


@pytest.fixture(scope="module")
def school(world: World) -> School:
    return empty_school()


def second_school(roster: Memory) -> Memory:
    return roster.org("s2", "Second")


WRONG: dict[str, tuple[Change, tuple[str, int, str | None]]] = {
    "an organisation's parent": (
        lambda r: r.org("d", "D", "district", "nowhere"),
        ("orgs.csv", 3, "parentSourcedId"),
    ),
    "a term's year": (
        lambda r: r.session("y").session("t", "nowhere"),
        ("academicSessions.csv", 3, "parentSourcedId"),
    ),
    "a course's organisation": (lambda r: r.course("m", "nowhere"), ("courses.csv", 2, "orgSourcedId")),
    "a course's year": (lambda r: r.course("m", "s1", "nowhere"), ("courses.csv", 2, "schoolYearSourcedId")),
    "a class's course": (lambda r: r.room("c2", "C", "s1", "nowhere"), ("classes.csv", 3, "courseSourcedId")),
    "a class's term": (
        lambda r: r.session("t").room("c2", "C", "s1", None, "t", "nowhere"),
        ("classes.csv", 3, "termSourcedIds"),
    ),
    "a class's school": (lambda r: r.room("c2", "C", "nowhere"), ("classes.csv", 3, "schoolSourcedId")),
    "a class of a district": (
        lambda r: r.org("d", "D", "district").room("c2", "C", "d"),
        ("classes.csv", 3, "schoolSourcedId"),
    ),
    "a class without a title": (lambda r: r.room("c2", "\u200b"), ("classes.csv", 3, "title")),
    "a user's organisation": (
        lambda r: r.user("u", "U U", orgs=("s1", "nowhere")),
        ("users.csv", 6, "orgSourcedIds"),
    ),
    "a user's agent": (
        lambda r: r.user("u", "U U", agents=("nowhere",)),
        ("users.csv", 6, "agentSourcedIds"),
    ),
    "a name that is none": (lambda r: r.user("u", "u@child.example U"), ("users.csv", 6, "givenName")),
    "a name that is too long": (lambda r: r.user("u", "x" * 81 + " U"), ("users.csv", 6, "givenName")),
    "a teacher's name that is none": (
        lambda r: r.user("u", "\u200b \u2060", "teacher", email="u@roster.example"),
        ("users.csv", 6, "givenName"),
    ),
    "an enrollment's class": (lambda r: r.seat("nowhere", "k1"), ("enrollments.csv", 5, "classSourcedId")),
    "an enrollment's user": (lambda r: r.seat("c1", "nobody"), ("enrollments.csv", 5, "userSourcedId")),
    "an enrollment's school": (
        lambda r: r.seat("c1", "k3", school="nowhere"),
        ("enrollments.csv", 5, "schoolSourcedId"),
    ),
    "a teacher enrolled as a student": (lambda r: r.seat("c1", "t1"), ("enrollments.csv", 5, "role")),
    "a student enrolled as a teacher": (
        lambda r: r.seat("c1", "k3", "teacher"),
        ("enrollments.csv", 5, "role"),
    ),
    "an organisation twice": (lambda r: r.org("s1", "Again", "district"), ("orgs.csv", 3, "sourcedId")),
    "a session twice": (lambda r: r.session("t").session("t"), ("academicSessions.csv", 3, "sourcedId")),
    "a course twice": (lambda r: r.course("m").course("m"), ("courses.csv", 3, "sourcedId")),
    "a class twice": (lambda r: r.room("c1", "Again"), ("classes.csv", 3, "sourcedId")),
    "a user twice": (lambda r: r.user("k1", "Again A", username="other"), ("users.csv", 6, "sourcedId")),
    "an enrollment twice": (
        lambda r: r.seat("c1", "k3", source="c1-k1-student"),
        ("enrollments.csv", 5, "sourcedId"),
    ),
    "a username twice": (lambda r: r.user("u", "U U", username="K1"), ("users.csv", 6, "username")),
    "an address twice": (
        lambda r: r.user("u", "U U", "teacher", email="TOVA@roster.example"),
        ("users.csv", 6, "email"),
    ),
    "two schools for one": (second_school, ("orgs.csv", 0, "type")),
}


@pytest.mark.parametrize("what", WRONG)
def test_one_thing_wrong_is_told_where_it_is_and_nothing_is_written(school: School, what: str) -> None:
    change, (file, line, column) = WRONG[what]
    roster = small()
    change(roster)
    before = versions()
    outcome = run(roster, school.public_id)
    assert not outcome.done
    assert [(where[0], where[1] or 0, where[2]) for where in errors(outcome)] == [(file, line, column)]
    assert versions() == before
    assert all(problem.remedy.endswith(".") for problem in outcome.report.problems)


def test_everything_that_is_wrong_is_told_at_once(school: School) -> None:
    roster = (
        small()
        .course("m", "nowhere")
        .seat("nowhere", "k1")
        .seat("c1", "nobody")
        .user("k1", "K K", username="z")
    )
    told = {(file, column) for file, _line, column, _said in errors(run(roster, school.public_id))}
    assert told == {
        ("courses.csv", "orgSourcedId"), ("enrollments.csv", "classSourcedId"),
        ("enrollments.csv", "userSourcedId"), ("users.csv", "sourcedId"),
    }  # fmt: skip


def test_identifiers_that_happen_to_have_one_hash_stop_the_import(
    school: School, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stage, "reference", lambda source: hash(source.replace("k2", "k1")))
    before = versions()
    told = errors(run(small(), school.public_id))
    assert ("users.csv", 4, "sourcedId", "Another line has the same identifier.") in told
    assert versions() == before


def test_of_very_many_the_first_are_told_and_the_rest_counted(school: School) -> None:
    roster = small()
    for number in range(50):
        roster.seat("nowhere", "k1", source=f"x{number}").seat("c1", "nobody", source=f"y{number}")
    report = run(roster, school.public_id).report
    assert len(report.problems) == 2 * MOST_TOLD
    assert sorted(report.counts.values()) == [50, 50]
    lines = [p.line for p in report.problems if p.column == "classSourcedId"]
    assert lines == list(range(5, 5 + 2 * MOST_TOLD, 2))


def test_a_student_of_one_school_is_not_enrolled_in_another(world: World) -> None:
    roster = small().org("s2", "Second Slate School").room("c2", "South", "s2").seat("c2", "k1", school="s2")
    roster.seat("c2", "k2", source="crossed")
    found = errors(run(roster, district=world.district))
    assert sorted((line, column, said) for _file, line, column, said in found) == [
        (5, "schoolSourcedId", "The student does not belong to the school."),
        (6, "schoolSourcedId", "The class belongs to another school."),
    ]


def test_a_school_that_is_made_has_a_name(world: World) -> None:
    roster = small().org("s2", "\u200b")
    assert errors(run(roster, district=world.district, dry_run=True)) == [
        ("orgs.csv", 3, "name", "The name has no letters that can be shown.")
    ]


def test_what_points_into_a_file_that_is_not_sent_is_not_looked_up(school: School) -> None:
    roster = small().room("c2", "Unlooked", "s1", "m", "t")
    roster.absent = frozenset({"courses.csv", "academicSessions.csv"})
    outcome = run(roster, school.public_id, dry_run=True)
    assert errors(outcome) == []


ODD: dict[str, tuple[Change, tuple[str, int, str | None]]] = {
    "a title that is too long": (
        lambda r: r.room("c2", "x" * 90).seat("c2", "t1", "teacher", primary=True),
        ("classes.csv", 3, "title"),
    ),
    "a class without a teacher": (lambda r: r.room("c2", "Alone"), ("classes.csv", 3, None)),
    "somebody in a class twice": (lambda r: r.seat("c1", "k1", source="again"), ("enrollments.csv", 5, None)),
    "an aide who teaches": (
        lambda r: r.user("a", "Ai De", "aide").seat("c1", "a", "teacher"),
        ("enrollments.csv", 5, "role"),
    ),
    "a student without a school": (
        lambda r: r.org("d", "D", "district").user("u", "U U", orgs=("d",)),
        ("users.csv", 6, "orgSourcedIds"),
    ),
}


@pytest.mark.parametrize("what", ODD)
def test_what_is_odd_is_told_and_taken(school: School, what: str) -> None:
    change, where = ODD[what]
    roster = small()
    change(roster)
    outcome = run(roster, school.public_id, dry_run=True)
    assert (outcome.done, warnings(outcome)) == (True, [where])


def test_two_roles_in_one_class_are_not_the_same_twice(school: School) -> None:
    outcome = run(small().seat("c1", "t1", "administrator"), school.public_id, dry_run=True)
    assert (outcome.done, warnings(outcome)) == (True, [])
