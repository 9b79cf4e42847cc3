"""OneRoster 1.1 CSV in bulk: the columns of its files, and what of them is taken.

What has no `into` ends here, while its line is parsed. demographics.csv is never opened.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from backoffice.language.texts import lazy
from plugins.rosters.reading import values
from plugins.rosters.reading.manifest import FILE as MANIFEST
from plugins.rosters.reading.manifest import PARTS, Manifest, read_manifest
from plugins.rosters.reading.package import PACKAGE, Package, PackageRefused
from plugins.rosters.reading.records import Class, Course, Enrollment, Org, Session, User
from plugins.rosters.reading.report import Report
from plugins.rosters.reading.table import Column, Need, Noting, Record, Table, read_table
from plugins.rosters.reading.text import UTF_8, encoding_of

STAFF = ("administrator", "aide", "proctor", "teacher")
USER_ROLES = (*STAFF, "guardian", "parent", "relative", "student")
ENROLLMENT_ROLES = ("administrator", "proctor", "student", "teacher")
ORG_TYPES = ("department", "school", "district", "local", "state", "national")
SESSION_TYPES = ("gradingPeriod", "semester", "schoolYear", "term")
CLASS_TYPES = ("homeroom", "scheduled")


def required(name: str, check: values.Check, into: str | None = None) -> Column:
    """A column whose every value must be there."""
    return Column(name, check, into, Need.REQUIRED)


def expected(name: str, check: values.Check, into: str | None = None) -> Column:
    """A column that the format requires and that nothing here needs."""
    return Column(name, check, into, Need.EXPECTED)


def optional(name: str, check: values.Check, into: str | None = None, *, empty: Any = None) -> Column:
    """A column that may be empty; the record then has `empty`."""
    return Column(name, check, into, Need.OPTIONAL, empty)


def unread(*names: str) -> tuple[Column, ...]:
    """Columns that are not looked at and say nothing about a person."""
    return tuple(Column(name) for name in names)


def dropped(*names: str) -> tuple[Column, ...]:
    """Columns that are not taken because they say more about a person than is needed; they are counted."""
    return tuple(Column(name, personal=True) for name in names)


def _finish_users(users: list[User], noting: Noting) -> list[User]:
    return [user if user.email is None else _finish_user(user, user.email, noting) for user in users]


def _finish_user(user: User, address: str, noting: Noting) -> User:
    if user.role != "teacher":
        noting.dropped("email", 1)
        return user._replace(email=None)
    email = values.mail(address)
    if email is values.NO_MAIL:
        noting.warned(user.line, "email", values.NO_MAIL)
        return user._replace(email=None)
    return user


def _finish_enrollments(enrollments: list[Enrollment], noting: Noting) -> list[Enrollment]:
    return [
        _not_primary(each, noting) if each.primary and each.role != "teacher" else each
        for each in enrollments
    ]


def _not_primary(enrollment: Enrollment, noting: Noting) -> Enrollment:
    noting.warned(enrollment.line, "primary", _PRIMARY_ELSE)
    return enrollment._replace(primary=False)


_PRIMARY_ELSE = values.warning(
    lazy("Somebody who is no teacher is marked as primary; that is passed over."),
    lazy("Write true for one teacher of a class only."),
)

KEY = (
    required("sourcedId", values.identifier, "source_id"),
    optional("status", values.status),
    optional("dateLastModified", values.modified),
)
ORGS = Table(
    "orgs.csv",
    Org,
    (
        *KEY,
        required("name", values.plain, "name"),
        required("type", values.one_of(*ORG_TYPES), "type"),
        *unread("identifier"),
        optional("parentSourcedId", values.reference, "parent"),
    ),
)
SESSIONS = Table(
    "academicSessions.csv",
    Session,
    (
        *KEY,
        required("title", values.plain),
        required("type", values.one_of(*SESSION_TYPES)),
        required("startDate", values.day),
        required("endDate", values.day),
        optional("parentSourcedId", values.reference, "parent"),
        required("schoolYear", values.school_year),
    ),
)
COURSES = Table(
    "courses.csv",
    Course,
    (
        *KEY,
        optional("schoolYearSourcedId", values.reference, "school_year"),
        required("title", values.plain),
        *unread("courseCode", "grades"),
        required("orgSourcedId", values.reference, "org"),
        *unread("subjects", "subjectCodes"),
    ),
)
CLASSES = Table(
    "classes.csv",
    Class,
    (
        *KEY,
        required("title", values.plain, "title"),
        *unread("grades"),
        expected("courseSourcedId", values.reference, "course"),
        *unread("classCode"),
        required("classType", values.one_of(*CLASS_TYPES)),
        *unread("location"),
        required("schoolSourcedId", values.reference, "school"),
        Column("termSourcedIds", values.references, "terms", Need.REQUIRED, ()),
        *unread("subjects", "subjectCodes", "periods"),
    ),
)
USERS = Table(
    "users.csv",
    User,
    (
        *KEY,
        required("enabledUser", values.enabled),
        Column("orgSourcedIds", values.references, "orgs", Need.REQUIRED, ()),
        required("role", values.one_of(*USER_ROLES), "role"),
        required("username", values.plain, "username"),
        *dropped("userIds"),
        required("givenName", values.plain, "given"),
        required("familyName", values.plain, "family"),
        *dropped("middleName", "identifier"),
        # Whose it is decides: only that of a teacher is taken.
        optional("email", values.anything, "email"),
        *dropped("sms", "phone"),
        optional("agentSourcedIds", values.references, "agents", empty=()),
        *dropped("grades", "password"),
    ),
    _finish_users,
)
ENROLLMENTS = Table(
    "enrollments.csv",
    Enrollment,
    (
        *KEY,
        required("classSourcedId", values.reference, "class_"),
        required("schoolSourcedId", values.reference, "school"),
        required("userSourcedId", values.reference, "user"),
        required("role", values.enrollment_role(USER_ROLES, ENROLLMENT_ROLES), "role"),
        optional("primary", values.boolean, "primary", empty=False),
        optional("beginDate", values.day),
        optional("endDate", values.day),
    ),
    _finish_enrollments,
)
TABLES: tuple[Table[Any], ...] = (ORGS, SESSIONS, COURSES, CLASSES, USERS, ENROLLMENTS)
FILES = frozenset({MANIFEST, *(f"{part}.csv" for part in PARTS)})


class RosterSet:
    """A set whose bytes have been looked at. Each call reads its file once more, a line at a time.

    Problems of lines go to the report on the first call for a file. Nothing here raises.
    `absent` names the files that the set does not send.
    """

    def __init__(
        self, package: Package, encodings: Mapping[str, str], absent: frozenset[str], report: Report
    ) -> None:
        self.absent = absent
        self._package = package
        self._encodings = encodings
        self._report = report
        self._told: set[str] = set()

    def orgs(self) -> Iterator[Org]:
        """The lines of orgs.csv."""
        return self._read(ORGS)

    def sessions(self) -> Iterator[Session]:
        """The lines of academicSessions.csv."""
        return self._read(SESSIONS)

    def courses(self) -> Iterator[Course]:
        """The lines of courses.csv."""
        return self._read(COURSES)

    def classes(self) -> Iterator[Class]:
        """The lines of classes.csv."""
        return self._read(CLASSES)

    def users(self) -> Iterator[User]:
        """The lines of users.csv."""
        return self._read(USERS)

    def enrollments(self) -> Iterator[Enrollment]:
        """The lines of enrollments.csv."""
        return self._read(ENROLLMENTS)

    def _read(self, table: Table[Record]) -> Iterator[Record]:
        encoding = self._encodings.get(table.file)
        if encoding is None:
            return iter(())
        report = Report() if table.file in self._told else self._report
        self._told.add(table.file)
        return read_table(self._package, table, encoding=encoding, report=report)


def read_set(package: Package, report: Report) -> RosterSet:
    """Look at a set's manifest and at the bytes of its files. Never raises; the report says what is wrong.

    What is left of it can be iterated in any case; whether to, `report.stops` says.
    """
    manifest = read_manifest(package, report)
    _look_at_names(package, report)
    encodings = {}
    for table in TABLES:
        if _is_sent(table.file, manifest, package, report):
            encoding = _encoding(table.file, package, report)
            if encoding:
                encodings[table.file] = encoding
    absent = frozenset(table.file for table in TABLES if not manifest.sends(_part(table.file)))
    return RosterSet(package, encodings, absent, report)


def _part(file: str) -> str:
    return file.removesuffix(".csv")


def _is_sent(file: str, manifest: Manifest, package: Package, report: Report) -> bool:
    sent, there = manifest.sends(_part(file)), file in package.names
    if sent and not there:
        report.error(
            file, lazy("The manifest says that the file is sent, but it is missing."), lazy("Send it.")
        )
    elif there and not sent:
        report.warn(
            file,
            lazy("The file is there, but the manifest does not say that it is sent in bulk. It is not read."),
            lazy("Write bulk for it in manifest.csv."),
        )
    return sent and there


def _encoding(file: str, package: Package, report: Report) -> str | None:
    try:
        with package.open(file) as stream:
            encoding = encoding_of(stream)
    except PackageRefused as refused:
        report.error(file, refused.sentence, refused.remedy)
        return None
    except OSError:
        report.error(file, lazy("The file cannot be read."), lazy("Look at its rights."))
        return None
    if encoding != UTF_8:
        report.warn(
            file,
            lazy("The file is not in UTF-8; it is read as Western European (Latin-1)."),
            lazy("Save it as UTF-8, and look at letters with accents in what was imported."),
        )
    return encoding


def _look_at_names(package: Package, report: Report) -> None:
    read = {MANIFEST, *(table.file for table in TABLES)}
    others = package.names - FILES
    folded = {name.lower() for name in others}
    for file in sorted(read):
        if file not in package.names and file.lower() in folded:
            report.error(
                file,
                lazy("The file's name is written with other capitals."),
                lazy("Name it exactly so."),
            )
    for file in sorted((package.names & FILES) - read):
        report.dropped[file] += 1
    if others:
        report.warn(
            PACKAGE,
            lazy("There are files that the format does not know. They are not opened."),
            lazy("Leave them out."),
            times=len(others),
        )
