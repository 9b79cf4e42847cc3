"""The roster as OneRoster 1.1: who is in which class, as other systems read it."""

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import chain
from typing import Any

from sqlalchemy import ColumnElement, Date, Text, and_, cast, func, select, tuple_

from backoffice.access.transaction import Transaction
from backoffice.accounts.models import Account
from backoffice.privacy.holdings import Subject
from backoffice.schools.models import (
    IN_CHARGE,
    Classroom,
    District,
    Enrollment,
    School,
    Student,
    TeachingRole,
    TeachingRoleName,
)
from backoffice.storage.batches import Column, batches
from plugins.exports.content.scope import Scope

Line = Sequence[str]
# Some lines, as their columns: a text is the same in all of them.
Lines = Sequence[str | Column]
_Written = Generator[Lines, None, None]
# Of which subjects there is a roster, and which classes are in it.
SCOPES: Mapping[Subject, Callable[[int], ColumnElement[bool]] | None] = {
    Subject.STUDENT: None,
    Subject.CLASSROOM: lambda number: Classroom.id == number,
    Subject.ACCOUNT: None,
    Subject.SCHOOL: lambda number: School.id == number,
    Subject.DISTRICT: lambda number: School.district_id == number,
}
_PARTS = (
    *("academicSessions", "categories", "classes", "classResources", "courses", "courseResources"),
    *("demographics", "enrollments", "lineItems", "orgs", "resources", "results", "users"),
)
_SENT = frozenset({"academicSessions", "classes", "courses", "enrollments", "orgs", "users"})
_KEY = ("sourcedId", "status", "dateLastModified")
_HEADINGS: Mapping[str, Line] = {
    "academicSessions": (*_KEY, "title", "type", "startDate", "endDate", "parentSourcedId", "schoolYear"),
    "classes": (
        *(*_KEY, "title", "grades", "courseSourcedId", "classCode", "classType", "location"),
        *("schoolSourcedId", "termSourcedIds", "subjects", "subjectCodes", "periods"),
    ),
    "courses": (
        *(*_KEY, "schoolYearSourcedId", "title", "courseCode", "grades", "orgSourcedId"),
        *("subjects", "subjectCodes"),
    ),
    "enrollments": (
        *(*_KEY, "classSourcedId", "schoolSourcedId", "userSourcedId", "role", "primary"),
        *("beginDate", "endDate"),
    ),
    "orgs": (*_KEY, "name", "type", "identifier", "parentSourcedId"),
    "users": (
        *(*_KEY, "enabledUser", "orgSourcedIds", "role", "username", "userIds", "givenName", "familyName"),
        *("middleName", "identifier", "email", "sms", "phone", "agentSourcedIds", "grades", "password"),
    ),
}
# Who has no family name here: the format wants one.
_NONE = "."
_YEAR_BEGINS = (8, 1)
_BLANK = ("", "")


@dataclass(frozen=True)
class _Roster:
    """What a roster is made from. `within` is true of the schools and classes that are in it."""

    tx: Transaction
    within: ColumnElement[bool]
    first: date
    addressed: bool

    @property
    def year(self) -> str:
        return str(self.first.year + 1)

    @property
    def term(self) -> str:
        return f"year-{self.year}"

    @property
    def live(self) -> ColumnElement[bool]:
        """Of classes: they are in it."""
        return and_(self.within, Classroom.archived_at.is_(None))

    def read(self, statement: Any) -> Iterator[list[Column]]:
        return batches(self.tx.connection(), statement)

    def rows(self, statement: Any) -> Iterator[Sequence[Any]]:
        """Of what there are few, one by one."""
        return chain.from_iterable(zip(*columns, strict=True) for columns in self.read(statement))

    def orgs(self) -> Iterator[Lines]:
        schools = select(School.id).join(Classroom, isouter=True).where(self.within)
        districts = select(School.district_id).where(School.id.in_(schools))
        above = select(District.public_id, District.name).where(District.id.in_(districts))
        for number, name in self.read(above.order_by(District.id)):
            yield number, *_BLANK, name, "district", "", ""
        those = select(School.public_id, School.name, District.public_id.label("above")).where(
            School.id.in_(schools)
        )
        for number, name, of_district in self.read(those.outerjoin(District).order_by(School.id)):
            yield number, *_BLANK, name, "school", "", of_district

    def sessions(self) -> Iterator[Lines]:
        last = self.first.replace(year=self.first.year + 1) - timedelta(days=1)
        title = f"{self.first.year}-{last.year}"
        yield _one((self.term, *_BLANK, title, "schoolYear", str(self.first), str(last), "", self.year))

    def rooms(self) -> Iterator[list[Column]]:
        found = select(Classroom.public_id, Classroom.name, School.public_id.label("school"))
        joined = found.join(School, School.id == Classroom.school_id).where(self.live)
        return self.read(joined.order_by(Classroom.school_id, Classroom.id))

    def courses(self) -> Iterator[Lines]:
        for number, name, school in self.rooms():
            yield _course(number), *_BLANK, self.term, name, "", "", school, "", ""

    def classes(self) -> Iterator[Lines]:
        for number, name, school in self.rooms():
            before = (number, *_BLANK, name, "", _course(number), "", "homeroom", "")
            yield *before, school, self.term, "", "", ""

    def users(self) -> Iterator[Lines]:
        schools = func.array_agg(School.public_id.distinct()).label("schools")
        leads = func.bool_or(TeachingRole.role.in_(IN_CHARGE)).label("leads")
        staff = select(Account.public_id, Account.name, Account.email, schools, leads)
        for number, name, email, of_schools, in_charge in self.rows(
            self._taught(staff).group_by(Account.id).order_by(Account.id)
        ):
            given, _gap, family = name.rpartition(" ")
            named = ([given or family], [family if given else _NONE])
            role = "teacher" if in_charge else "aide"
            addressed = email if self.addressed else ""
            yield _users([number], ",".join(sorted(of_schools)), role, named, addressed)
        children = select(
            Student.public_id, Student.given_name, Student.family_name, School.public_id.label("school")
        )
        seated = self._seated(select(Enrollment.school_id, Enrollment.student_id))
        for numbers, givens, families, of_school in self.read(
            children.join(School, School.id == Student.school_id)
            .where(tuple_(Student.school_id, Student.id).in_(seated))
            .order_by(Student.school_id, Student.id)
        ):
            both = (givens, [each or _NONE for each in families])
            yield _users(numbers, of_school, "student", both, "")

    def enrollments(self) -> Iterator[Lines]:
        room, school = Classroom.public_id.label("room"), School.public_id.label("school")
        staff = select(room, school, Account.public_id, TeachingRole.role)
        order = (TeachingRole.school_id, TeachingRole.classroom_id, TeachingRole.account_id)
        for of_room, of_school, number, held in self.rows(self._taught(staff).order_by(*order)):
            leads = held in IN_CHARGE
            primary = "true" if held == TeachingRoleName.OWNER else "false"
            role = "teacher" if leads else "proctor"
            before = (f"{of_room}-{number}", *_BLANK, of_room, of_school, number, role)
            yield _one((*before, primary if leads else "", "", ""))
        begins = cast(cast(func.timezone("UTC", Enrollment.joined_at), Date), Text).label("begins")
        seats = select(room, school, Student.public_id, begins).join(
            Student, and_(Student.school_id == Enrollment.school_id, Student.id == Enrollment.student_id)
        )
        ordered = self._seated(seats).order_by(
            Enrollment.school_id, Enrollment.classroom_id, Enrollment.student_id
        )
        for rooms, of_school, numbers, begun in self.read(ordered):
            keys = [f"{of_room}-{number}" for of_room, number in zip(rooms, numbers, strict=True)]
            yield keys, *_BLANK, rooms, of_school, numbers, "student", "false", begun, ""

    def _taught(self, statement: Any) -> Any:
        return (
            statement.select_from(TeachingRole)
            .join(Account, Account.id == TeachingRole.account_id)
            .join(
                Classroom,
                and_(
                    Classroom.school_id == TeachingRole.school_id,
                    Classroom.id == TeachingRole.classroom_id,
                ),
            )
            .join(School, School.id == TeachingRole.school_id)
            .where(self.live)
        )

    def _seated(self, statement: Any) -> Any:
        room = and_(Classroom.school_id == Enrollment.school_id, Classroom.id == Enrollment.classroom_id)
        return (
            statement.join_from(Enrollment, Classroom, room)
            .join(School, School.id == Enrollment.school_id)
            .where(self.live, Enrollment.ended_at.is_(None))
        )


def files(tx: Transaction, scope: Scope, made_at: datetime) -> Iterator[tuple[str, _Written]]:
    """The files of the roster, with their lines; none where there is no roster."""
    within = SCOPES[scope.subject]
    if within is None:
        return
    begins = made_at.date().replace(month=_YEAR_BEGINS[0], day=_YEAR_BEGINS[1])
    first = begins if begins <= made_at.date() else begins.replace(year=begins.year - 1)
    addressed = scope.subject is not Subject.CLASSROOM
    roster = _Roster(tx, within(scope.number), first, addressed)
    lines = {
        "academicSessions": roster.sessions(),
        "classes": roster.classes(),
        "courses": roster.courses(),
        "enrollments": roster.enrollments(),
        "orgs": roster.orgs(),
        "users": roster.users(),
    }
    yield "manifest.csv", _manifest()
    for part, found in lines.items():
        yield f"{part}.csv", _headed(_HEADINGS[part], found)


def _manifest() -> _Written:
    yield "propertyName", ["value"]
    yield "manifest.version", ["1.0"]
    yield "oneroster.version", ["1.1"]
    yield [f"file.{part}" for part in _PARTS], ["bulk" if part in _SENT else "absent" for part in _PARTS]


def _headed(heading: Line, lines: Iterable[Lines]) -> _Written:
    yield _one(heading)
    yield from lines


def _one(line: Line) -> Lines:
    return [[text] for text in line]


def _course(rooms: Column) -> Column:
    return [f"course-{room}" for room in rooms]


def _users(
    numbers: Column, schools: str | Column, role: str, named: tuple[Column, Column], email: str
) -> Lines:
    before = (numbers, *_BLANK, "true", schools, role, numbers, "", *named, "", "")
    return *before, email, "", "", "", "", ""
