"""A real school imported, against an independent count of its files."""

import csv
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from backoffice.access.transaction import transaction
from backoffice.accounts.models import Account, AccountStatus
from backoffice.schools import codes
from backoffice.schools.models import (
    Classroom,
    ClassroomCode,
    Enrollment,
    Membership,
    School,
    Student,
    TeachingRole,
)
from plugins.rosters.importing.outcome import Outcome
from plugins.rosters.reading.oneroster import read_set
from plugins.rosters.reading.package import open_package
from plugins.rosters.reading.report import Report, Severity
from tests.factories.world import SYSTEM, World, come_in, names_behind
from tests.plugins.rosters.memory import children, empty_school, run, teachers, versions

pytestmark = pytest.mark.usefixtures("nobody_is_known")
RAW = "school-small-raw/oneroster-school-small.zip"


def run_path(path: Path, school: School) -> Outcome:
    report = Report()
    with open_package(path, report) as package:
        return run(read_set(package, report), school.public_id, report=report)


def rows(folder: Path, file: str) -> list[dict[str, str]]:
    with (folder / file).open(encoding="utf-8", newline="") as opened:
        return list(csv.DictReader(opened))


@pytest.fixture
def school(world: World) -> School:
    return empty_school()


def count(entity: Any, school: School) -> int:
    with transaction(SYSTEM) as tx:
        return tx.scalar(select(func.count()).where(entity.school_id == school.id)) or 0


def test_the_counts_are_those_of_the_files(samples: Path, school: School) -> None:
    folder = samples / "school-small"
    outcome = run_path(folder, school)
    assert outcome.report.problems == []
    users, seats = rows(folder, "users.csv"), rows(folder, "enrollments.csv")
    by_role = {
        role: [u for u in users if u["role"] == role] for role in ("student", "teacher", "administrator")
    }
    taught = {role: [s for s in seats if s["role"] == role] for role in ("student", "teacher")}
    assert (len(by_role["student"]), len(by_role["teacher"]), len(by_role["administrator"])) == (72, 6, 1)
    assert len(rows(folder, "classes.csv")) == 42
    assert len(seats) == 546

    assert count(Student, school) == len(by_role["student"])
    assert count(Classroom, school) == count(ClassroomCode, school) == len(rows(folder, "classes.csv"))
    assert count(Enrollment, school) == len(taught["student"])
    assert count(TeachingRole, school) == len(taught["teacher"])
    assert count(Membership, school) == len(by_role["teacher"])
    with transaction(SYSTEM) as tx:
        names = set(tx.scalars(select(Account.name).where(Account.status == AccountStatus.NOT_INVITED)))
    assert names == {f"{u['givenName']} {u['familyName']}" for u in by_role["teacher"]}
    assert outcome.noted.administrators == [
        f"{u['givenName']} {u['familyName']}" for u in by_role["administrator"]
    ]


def test_every_class_has_the_children_and_the_owner_of_the_files(samples: Path, school: School) -> None:
    folder = samples / "school-small"
    run_path(folder, school)
    people = {u["sourcedId"]: u for u in rows(folder, "users.csv")}
    titles = {c["sourcedId"]: c["title"] for c in rows(folder, "classes.csv")}
    wanted: dict[str, list[str]] = defaultdict(list)
    owners: dict[str, list[str]] = defaultdict(list)
    for seat in rows(folder, "enrollments.csv"):
        person, title = people[seat["userSourcedId"]], titles[seat["classSourcedId"]]
        if seat["role"] == "student":
            wanted[title].append(person["givenName"])
        elif seat["primary"] == "true":
            owners[title].append(f"{person['givenName']} {person['familyName']}")
    assert len(titles) == len(set(titles.values()))
    assert children(school) == {title: set(names) for title, names in wanted.items()}
    found = {
        room: [n for n, role in staff.items() if role == "owner"] for room, staff in teachers(school).items()
    }
    assert found == owners


def test_a_child_of_it_signs_in(samples: Path, school: School) -> None:
    folder = samples / "school-small"
    run_path(folder, school)
    with transaction(SYSTEM) as tx:
        code = tx.scalars(select(ClassroomCode.code).where(ClassroomCode.school_id == school.id)).first()
    assert code is not None
    choices = names_behind(codes.spaced(code).lower())
    assert choices
    begun = come_in(code, choices[0].public_id)
    assert begun.idle.total_seconds() == 300


def test_a_second_import_of_the_school_changes_nothing(samples: Path, school: School) -> None:
    run_path(samples / "school-small", school)
    before = versions(notes=False)
    run_path(samples / "school-small", school)
    assert versions(notes=False) == before


def test_the_raw_zip_is_the_same_school_with_two_warnings(samples: Path, school: School) -> None:
    run_path(samples / "school-small", school)
    before = versions(notes=False)
    outcome = run_path(samples / RAW, school)
    assert outcome.done
    assert versions(notes=False) == before
    columns = {(p.file, p.column) for p in outcome.report.problems}
    assert {p.severity for p in outcome.report.problems} == {Severity.WARNING}
    assert ("academicSessions.csv", "schoolYear") in columns
    assert ("users.csv", "dateLastModified") in columns
    assert {column for _file, column in columns} <= {"schoolYear", "status", "dateLastModified"}
