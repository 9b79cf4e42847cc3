"""OneRoster 1.1 sets of any size: the same for the same seed, written a line at a time.

    python -m tests.factories.oneroster --students 100000 --out DIR

Everybody in them is invented. They carry what a roster must not bring in (demographics, passwords, phones,
e-mail of children), so that a test can look for it afterwards: each such value contains `UNWANTED`.
"""

import argparse
import csv
import io
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from random import Random
from typing import BinaryIO, TextIO

from plugins.rosters.reading.manifest import PARTS
from plugins.rosters.reading.oneroster import TABLES

UNWANTED = "unwanted"
SENT = ("academicSessions", "classes", "courses", "demographics", "enrollments", "orgs", "users")
DEMOGRAPHICS = (
    *("sourcedId", "status", "dateLastModified", "birthDate", "sex", "americanIndianOrAlaskaNative", "asian"),
    *("blackOrAfricanAmerican", "nativeHawaiianOrOtherPacificIslander", "white"),
    *("demographicRaceTwoOrMoreRaces", "hispanicOrLatinoEthnicity", "countryOfBirthCode"),
    *("stateOfBirthAbbreviation", "cityOfBirth", "publicSchoolResidenceStatus"),
)
_GIVEN = (
    *("Ada", "Björn", "Chloé", "Dmitri", "Esra", "Farid", "Grace", "Hana", "Íris", "João", "Keiko", "Liam"),
    *("Mary Ann", "Nguyệt", "Oluwaseun", "Paweł", "Quinn", "Rosa", "Søren", "Tamsin", "Uma", "Vigdís"),
)
_FAMILY = (
    *("Lovelace", "O'Hara", "van der Berg", "Müller", "Garcia Lopez", "Smith-Jones", "Nakamura", "Okafor"),
    *("Kowalczyk", "Lindqvist", "Papadopoulos", "Quartermaine", "Rossi", "Szabó", "Tran", "Ueda", "Villa"),
)
_SUBJECTS = ("Mathematics", "English", "Science", "History", "Art", "Music", "Geography", "Sport")
Row = tuple[str, ...]


@dataclass(frozen=True)
class Shape:
    """How large a set is. Numbers are of the whole set; people and classes are spread over the schools."""

    students: int = 60
    schools: int = 1
    students_a_teacher: int = 20
    students_a_class: int = 25
    # Classes that each student is in, and so enrollments a student beside those of the teachers.
    classes_a_student: int = 7
    administrators: int = 1
    parents: int = 0
    seed: int = 1
    # Values of the kinds that must not be taken, and demographics.csv.
    unwanted: bool = True

    @property
    def teachers(self) -> int:
        """At least one in each school."""
        return max(self.schools, self.students // self.students_a_teacher)

    @property
    def classes(self) -> int:
        """At least as many in each school as a student is in."""
        needed = self.students * self.classes_a_student // self.students_a_class
        return max(self.schools * self.classes_a_student, needed - needed % self.schools)

    @property
    def enrollments(self) -> int:
        """One for each student in each class, and one for each class's teacher."""
        return self.students * self.classes_a_student + self.classes


def write_folder(shape: Shape, folder: Path) -> Path:
    """Write the set into a folder, which is made."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in files(shape).items():
        with (folder / name).open("w", encoding="utf-8", newline="") as file:
            _write(file, rows)
    return folder


def write_zip(shape: Shape, target: Path | BinaryIO) -> None:
    """Write the set as a zip."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as packed:
        for name, rows in files(shape).items():
            with _member(packed, name) as file:
                _write(file, rows)


def zipped(shape: Shape) -> bytes:
    """The set as the bytes of a zip."""
    buffer = io.BytesIO()
    write_zip(shape, buffer)
    return buffer.getvalue()


def files(shape: Shape) -> dict[str, Iterable[Row]]:
    """The files of the set by name: their lines, heading first, made as they are asked for."""
    headings = {table.file: tuple(column.name for column in table.columns) for table in TABLES}
    made = _Made(shape)
    parts: dict[str, Iterable[Row]] = {
        "manifest.csv": made.manifest(),
        "orgs.csv": made.orgs(),
        "academicSessions.csv": made.sessions(),
        "courses.csv": made.courses(),
        "classes.csv": made.classes(),
        "users.csv": made.users(),
        "enrollments.csv": made.enrollments(),
    }
    if shape.unwanted:
        parts["demographics.csv"] = made.demographics()
        headings["demographics.csv"] = DEMOGRAPHICS
    headings["manifest.csv"] = ("propertyName", "value")
    return {name: _headed(headings[name], rows) for name, rows in parts.items()}


class _Made:
    """The lines of each file. Which class and school somebody is in follows from the own number alone."""

    def __init__(self, shape: Shape) -> None:
        self._shape = shape
        # Identifiers and names of two seeds do not meet.
        self._tag = f"{shape.seed:x}"
        self._turn = Random(shape.seed).randrange(1 << 16)

    def manifest(self) -> Iterator[Row]:
        yield "manifest.version", "1.0"
        yield "oneroster.version", "1.1"
        for part in PARTS:
            sent = part in SENT and (part != "demographics" or self._shape.unwanted)
            yield f"file.{part}", "bulk" if sent else "absent"
        yield "source.systemName", "Generator"

    def orgs(self) -> Iterator[Row]:
        district = ""
        if self._shape.schools > 1:
            district = self._id("district", 0)
            yield district, "", "", f"District {self._tag}", "district", "", ""
        for number in range(self._shape.schools):
            yield self._school(number), "", "", f"School {number + 1} of {self._tag}", "school", "", district

    def sessions(self) -> Iterator[Row]:
        year = self._id("year", 0)
        yield year, "", "", "2026-2027", "schoolYear", "2026-08-15", "2027-06-10", "", "2027"
        yield self._id("term", 0), "", "", "Full year", "term", "2026-08-15", "2027-06-10", year, "2027"

    def courses(self) -> Iterator[Row]:
        for number in range(self._shape.schools):
            school, year = self._school(number), self._id("year", 0)
            for index, subject in enumerate(_SUBJECTS):
                course = self._course(number, index)
                yield course, "", "", year, subject, f"C{index}", "", school, subject, ""

    def classes(self) -> Iterator[Row]:
        for number in range(self._shape.classes):
            school, index = number % self._shape.schools, number % len(_SUBJECTS)
            title = f"{_SUBJECTS[index]}, group {number // self._shape.schools + 1}"
            homeroom = "homeroom" if index == 0 else "scheduled"
            place = (self._school(school), self._id("term", 0))
            details = ("", f"K{number}", homeroom, "")
            course = self._course(school, index)
            code, kind, room = details[1:]
            yield self._class(number), "", "", title, "", course, code, kind, room, *place, "", "", ""

    def users(self) -> Iterator[Row]:
        shape = self._shape
        for number in range(shape.administrators):
            yield self._user("administrator", number, number % shape.schools)
        for number in range(shape.teachers):
            yield self._user("teacher", number, number % shape.schools)
        for number in range(shape.parents):
            yield self._user("parent", number, number % shape.schools)
        for number in range(shape.students):
            yield self._user("student", number, number % shape.schools)

    def enrollments(self) -> Iterator[Row]:
        shape = self._shape
        days = ("2026-08-15", "2027-06-10")
        for number in range(shape.classes):
            place = (self._class(number), self._school(number % shape.schools))
            teacher = self._id("teacher", self._teacher_of(number))
            yield self._id("t", number), "", "", *place, teacher, "teacher", "true", *days
        groups = shape.classes // shape.schools
        schools = [self._school(number) for number in range(shape.schools)]
        rooms = [self._class(number) for number in range(groups * shape.schools)]
        tag, each = self._tag, shape.classes_a_student
        first, last = days
        for student in range(shape.students):
            school = student % shape.schools
            user = f"student-{tag}-{student}"
            begin = student // shape.schools * each + self._turn
            for index in range(each):
                room = rooms[(begin + index) % groups * shape.schools + school]
                key = f"s-{tag}-{student * each + index}"
                yield key, "", "", room, schools[school], user, "student", "", first, last

    def demographics(self) -> Iterator[Row]:
        blank = ("",) * (len(DEMOGRAPHICS) - 5)
        for number in range(self._shape.students):
            born = f"2015-{number % 12 + 1:02}-{number % 28 + 1:02}"
            yield self._id("student", number), "", "", born, f"{UNWANTED}-sex", *blank

    def _user(self, role: str, number: int, school: int) -> Row:
        given = _GIVEN[(number + self._turn) % len(_GIVEN)]
        family = _FAMILY[(number // len(_GIVEN) + self._turn) % len(_FAMILY)]
        key = self._id(role, number)
        bad = f"{UNWANTED}-{role}-{number}" if self._shape.unwanted else ""
        child = role == "student"
        mail = (f"{bad}@child.example" if bad else "") if child else f"{key}@school.example"
        agents = self._id("parent", number) if child and number < self._shape.parents else ""
        names = (key, f"{{Fed:{bad}}}" if bad else "", given, family, bad, bad)
        contact = (mail, bad, bad, agents, bad, bad)
        return key, "", "", "true", self._school(school), role, *names, *contact

    def _teacher_of(self, number: int) -> int:
        """A teacher of the class's school."""
        school = number % self._shape.schools
        there = len(range(school, self._shape.teachers, self._shape.schools))
        return school + number // self._shape.schools % there * self._shape.schools

    def _school(self, number: int) -> str:
        return self._id("school", number)

    def _class(self, number: int) -> str:
        return self._id("class", number)

    def _course(self, school: int, index: int) -> str:
        return self._id("course", school * len(_SUBJECTS) + index)

    def _id(self, kind: str, number: int) -> str:
        return f"{kind}-{self._tag}-{number}"


def _headed(heading: Row, rows: Iterable[Row]) -> Iterator[Row]:
    yield heading
    yield from rows


def _write(file: TextIO, rows: Iterable[Row]) -> None:
    csv.writer(file).writerows(rows)


@contextmanager
def _member(packed: zipfile.ZipFile, name: str) -> Iterator[TextIO]:
    # A fixed time, so that the same shape is the same bytes.
    info = zipfile.ZipInfo(name)
    info.compress_type = zipfile.ZIP_DEFLATED
    with packed.open(info, "w") as raw, io.TextIOWrapper(raw, encoding="utf-8", newline="") as file:
        yield file


def main() -> None:
    """Write a set: a folder, or a zip where the name ends so."""
    parser = argparse.ArgumentParser(description="Write a OneRoster 1.1 set of invented people.")
    parser.add_argument("--out", type=Path, required=True, help="a folder, or a name that ends in .zip")
    for each in fields(Shape):
        if each.name == "unwanted":
            parser.add_argument("--plain", action="store_true", help="without what must not be taken")
        else:
            name = f"--{each.name.replace('_', '-')}"
            parser.add_argument(name, type=int, default=each.default, help=f"default {each.default}")
    given = vars(parser.parse_args())
    target: Path = given.pop("out")
    shape = Shape(unwanted=not given.pop("plain"), **given)
    if target.suffix == ".zip":
        write_zip(shape, target)
    else:
        write_folder(shape, target)
    print(
        f"{target}: {shape.students} students, {shape.teachers} teachers, {shape.classes} classes,"
        f" {shape.enrollments} enrollments"
    )


if __name__ == "__main__":
    main()
