"""Real sets, counted independently with nothing but the csv module."""

import csv
import io
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from plugins.rosters.reading.oneroster import read_set
from plugins.rosters.reading.package import open_package
from plugins.rosters.reading.report import Report, Severity
from tests.plugins.rosters.reading.sets import ITERATORS, Outcome

RAW = "school-small-raw/oneroster-school-small.zip"


def read_path(path: Path) -> Outcome:
    report = Report()
    with open_package(path, report) as package:
        found = read_set(package, report)
        return Outcome(report, found, {name: list(getattr(found, name)()) for name in ITERATORS})


def counted(path: Path) -> Iterator[tuple[str, dict[str, str]]]:
    for file in sorted(path.glob("*.csv")):
        with file.open(encoding="utf-8", newline="") as opened:
            yield from ((file.name, row) for row in csv.DictReader(opened))


def test_a_school_is_read_whole(samples: Path) -> None:
    rows = list(counted(samples / "school-small"))
    files = Counter(file for file, _row in rows)
    roles = Counter(row["role"] for file, row in rows if file == "users.csv")
    assert roles == {"student": 72, "teacher": 6, "administrator": 1}
    assert (files["classes.csv"], files["enrollments.csv"]) == (42, 546)

    found = read_path(samples / "school-small")

    assert found.report.problems == []
    assert Counter(user.role for user in found.records["users"]) == roles
    for file, name in (
        ("orgs.csv", "orgs"),
        ("academicSessions.csv", "sessions"),
        ("courses.csv", "courses"),
        ("classes.csv", "classes"),
        ("users.csv", "users"),
        ("enrollments.csv", "enrollments"),
    ):
        wanted = {row["sourcedId"] for each, row in rows if each == file}
        assert {record.source_id for record in found.records[name]} == wanted
        assert len(found.records[name]) == files[file]


def test_nothing_that_is_dropped_comes_out(samples: Path) -> None:
    kept = repr(read_path(samples / "school-small").records)
    rows = list(counted(samples / "school-small"))
    mails = {row["email"] for file, row in rows if file == "users.csv" and row["role"] == "student"}
    born = {row["birthDate"] for file, row in rows if file == "demographics.csv"}
    assert len(mails) == 72
    assert len(born) > 50
    assert not [value for value in mails | born if value in kept]


@pytest.mark.parametrize("column", ["status", "dateLastModified", "schoolYear"])
def test_the_deviations_of_the_raw_set_are_warnings_that_name_them(samples: Path, column: str) -> None:
    found = read_path(samples / RAW)

    assert not found.report.stops
    assert {each.severity for each in found.warnings} == {Severity.WARNING}
    named = {each.file: found.times(each) for each in found.warnings if each.column == column}
    lines = {}
    with zipfile.ZipFile(samples / RAW) as packed:
        for name in packed.namelist():
            lines[name] = len(list(csv.reader(io.StringIO(packed.read(name).decode(), newline="")))) - 1
    for left_alone in ("manifest.csv", "demographics.csv"):
        del lines[left_alone]
    assert named == (
        {"academicSessions.csv": lines["academicSessions.csv"]} if column == "schoolYear" else lines
    )


def test_the_raw_set_has_no_other_deviation_and_the_same_people(samples: Path) -> None:
    raw, clean = read_path(samples / RAW), read_path(samples / "school-small")
    assert {each.column for each in raw.warnings} == {"status", "dateLastModified", "schoolYear"}
    assert raw.records == clean.records
