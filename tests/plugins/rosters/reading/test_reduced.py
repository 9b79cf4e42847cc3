"""What of an upload waits for a worker: the same records on the same lines, and nothing that is dropped."""

import csv
import io
import zipfile
from pathlib import Path
from typing import Any

import pytest

from plugins.rosters.reading.oneroster import RosterSet, read_set
from plugins.rosters.reading.package import REDUCED, Limits, open_package
from plugins.rosters.reading.records import User
from plugins.rosters.reading.reduced import reduce_set
from plugins.rosters.reading.report import Report
from tests.factories import oneroster
from tests.plugins.rosters.reading.sets import a_set, table, written, zip_of

PARTS = ("orgs", "sessions", "courses", "classes", "users", "enrollments")


def records(roster: RosterSet) -> dict[str, list[Any]]:
    return {part: list(getattr(roster, part)()) for part in PARTS}


def least(user: User) -> User:
    """What there is of somebody in a reduced set."""
    if user.role == "student":
        return user
    if user.role in {"teacher", "administrator"}:
        return user._replace(username="-")
    return user._replace(username="-", given="-", family="-")


def test_the_same_is_read_from_it(package_folder: Path) -> None:
    report = Report()
    with open_package(package_folder, report) as package:
        roster = read_set(package, report)
        plain = records(roster)
        content, count = reduce_set(roster)
    again = Report()
    with open_package(content, again) as package:
        assert records(read_set(package, again)) == plain | {
            "users": [least(each) for each in plain["users"]]
        }
    assert count == sum(len(found) for found in plain.values()) > 100
    assert (again.problems, dict(again.dropped)) == ([], {})


def test_what_is_dropped_is_not_in_it(package_folder: Path) -> None:
    report = Report()
    with open_package(package_folder, report) as package:
        content, _count = reduce_set(read_set(package, report))
    assert report.dropped
    with zipfile.ZipFile(io.BytesIO(content)) as reduced:
        assert "demographics.csv" not in reduced.namelist()
        users = reduced.read("users.csv").decode()
    with (package_folder / "users.csv").open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            for column in ("phone", "sms", "password", "middleName"):
                if len(row[column]) > 3:
                    assert row[column] not in users, column
            if row["role"] != "teacher" and row["email"]:
                assert row["email"] not in users
            if row["role"] != "student":
                assert row["username"] not in {*users.replace("\n", ",").split(",")} - {row["sourcedId"]}


@pytest.mark.parametrize("role", ["parent", "guardian", "relative", "aide", "proctor"])
def test_of_whom_nobody_takes_there_is_neither_name_nor_address(role: str) -> None:
    contents = a_set()
    rows = table(contents["users.csv"])
    where = {name: rows[0].index(name) for name in rows[0]}
    somebody = next(row for row in rows if row[where["role"]] == "parent")
    somebody[where["role"]] = role
    said = {"givenName": "Quendolyn", "familyName": "Zzyzxford", "username": "qzz", "email": "q@zz.example"}
    for column, value in said.items():
        somebody[where[column]] = value
    report = Report()
    with open_package(zip_of(contents | {"users.csv": written(rows)}), report) as package:
        content, _count = reduce_set(read_set(package, report))
    assert not report.stops
    with zipfile.ZipFile(io.BytesIO(content)) as reduced:
        whole = "".join(reduced.read(name).decode() for name in reduced.namelist())
    assert [value for value in said.values() if value in whole] == []


def test_lines_that_are_left_out_may_be_any_number_and_are_believed_later() -> None:
    """Whatever the page takes the worker takes: the gaps that leaving lines out makes are ours."""
    contents = a_set()
    rows = table(contents["users.csv"])
    status = rows[0].index("status")
    gone = [*rows[1]]
    gone[status] = "tobedeleted"
    rows[1:1] = [gone] * 3000
    report = Report()
    limits = Limits(empty_lines=100)
    with open_package(zip_of(contents | {"users.csv": written(rows)}), report, limits=limits) as package:
        roster = read_set(package, report)
        plain = list(roster.users())
        content, _count = reduce_set(roster)
    assert not report.stops
    assert plain[0].line > 3000
    again = Report()
    with open_package(content, again, limits=REDUCED) as package:
        assert list(read_set(package, again).users()) == [least(each) for each in plain]
    assert again.problems == []


def test_empty_lines_and_long_cells_keep_their_numbers(tmp_path: Path, package_folder: Path) -> None:
    orgs = package_folder / "orgs.csv"
    heading, *lines = orgs.read_text("utf-8").splitlines()
    first, *rest = lines
    cells = first.split(",")
    odd = [heading, "", "", *rest, "", ",".join([*cells[:3], '"Long\nname"', *cells[4:]])]
    orgs.write_text("\n".join(odd) + "\n", "utf-8")
    report = Report()
    with open_package(package_folder, report) as package:
        roster = read_set(package, report)
        plain = list(roster.orgs())
        content, _count = reduce_set(roster)
    with open_package(content, Report()) as package:
        assert list(read_set(package, Report()).orgs()) == plain


@pytest.fixture
def package_folder(tmp_path: Path) -> Path:
    """A set of two schools, with everything in it that must be dropped."""
    folder = tmp_path / "set"
    make_set(folder)
    return folder


def make_set(folder: Path) -> None:
    """Write a small set."""
    oneroster.write_folder(oneroster.Shape(schools=2, parents=3), folder)
