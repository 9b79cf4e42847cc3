"""A roster in memory, and looking at what an import of it made."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select, text

from backoffice.access.principal import Purpose
from backoffice.access.transaction import transaction
from backoffice.accounts.models import Account
from backoffice.schools.models import Classroom, Enrollment, School, Student, TeachingRole
from plugins.rosters import services
from plugins.rosters.importing.outcome import Outcome
from plugins.rosters.importing.places import Target
from plugins.rosters.reading.records import Class, Course, Org, Session, User
from plugins.rosters.reading.records import Enrollment as Seat
from plugins.rosters.reading.report import Report, Severity
from tests.factories.world import SYSTEM

PURPOSE = Purpose("rosters-import")


@dataclass
class Memory:
    """A roster by hand. Lines are numbered as in a file, after a heading."""

    absent: frozenset[str] = frozenset()
    made: dict[str, list[Any]] = field(
        default_factory=lambda: {
            name: [] for name in ("orgs", "sessions", "courses", "classes", "users", "enrollments")
        }
    )

    def _add(self, name: str, make: type[Any], *values: Any) -> "Memory":
        self.made[name].append(make(len(self.made[name]) + 2, *values))
        return self

    def org(
        self, source: str, name: str = "Roster School", kind: str = "school", parent: str | None = None
    ) -> "Memory":
        return self._add("orgs", Org, source, name, kind, parent)

    def session(self, source: str, parent: str | None = None) -> "Memory":
        return self._add("sessions", Session, source, parent)

    def course(self, source: str, org: str = "s1", year: str | None = None) -> "Memory":
        return self._add("courses", Course, source, org, year)

    def room(
        self, source: str, title: str = "Algebra", school: str = "s1", course: str | None = None, *terms: str
    ) -> "Memory":
        return self._add("classes", Class, source, title, course, school, terms)

    def user(
        self,
        source: str,
        name: str,
        role: str = "student",
        *,
        email: str | None = None,
        username: str | None = None,
        orgs: tuple[str, ...] = ("s1",),
        agents: tuple[str, ...] = (),
    ) -> "Memory":
        given, _, family = name.partition(" ")
        return self._add("users", User, source, role, given, family, username or source, email, orgs, agents)

    def seat(
        self,
        room: str,
        user: str,
        role: str = "student",
        *,
        primary: bool = False,
        school: str = "s1",
        source: str | None = None,
    ) -> "Memory":
        return self._add(
            "enrollments", Seat, source or f"{room}-{user}-{role}", room, school, user, role, primary
        )

    def orgs(self) -> Iterator[Org]:
        return iter(self.made["orgs"])

    def sessions(self) -> Iterator[Session]:
        return iter(self.made["sessions"])

    def courses(self) -> Iterator[Course]:
        return iter(self.made["courses"])

    def classes(self) -> Iterator[Class]:
        return iter(self.made["classes"])

    def users(self) -> Iterator[User]:
        return iter(self.made["users"])

    def enrollments(self) -> Iterator[Seat]:
        return iter(self.made["enrollments"])


def small() -> Memory:
    """One school, a class with a teacher and two children, and a child in no class."""
    return (
        Memory()
        .org("s1")
        .room("c1")
        .user("t1", "Tova Rosterteacher", "teacher", email="tova@roster.example")
        .user("k1", "Wanda Rosterchild")
        .user("k2", "Boris Rosterkid")
        .user("k3", "Milo Nowhere")
        .seat("c1", "t1", "teacher", primary=True)
        .seat("c1", "k1")
        .seat("c1", "k2")
    )


def run(roster: Any, school: str | None = None, *, district: str | None = None, **options: Any) -> Outcome:
    """Import it as the command does."""
    return services.import_roster(
        principal=PURPOSE,
        target=Target(school=school, district=district),
        roster=roster,
        report=options.pop("report", None) or Report(),
        **options,
    )


def good(outcome: Outcome) -> Outcome:
    assert outcome.report.problems == []
    return outcome


def errors(outcome: Outcome) -> list[tuple[str, int | None, str | None, str]]:
    """Where and what, of every error that is told."""
    return [
        (p.file, p.line, p.column, p.sentence)
        for p in outcome.report.problems
        if p.severity is Severity.ERROR
    ]


def warnings(outcome: Outcome) -> list[tuple[str, int | None, str | None]]:
    return [(p.file, p.line, p.column) for p in outcome.report.problems if p.severity is Severity.WARNING]


# Everything that an import could touch.
TABLES = (
    "app.school", "app.classroom", "app.classroom_code", "app.student", "app.enrollment", "app.account",
    "app.membership", "app.teaching_role", "app.mail", "app.audit_entry", "plugin_rosters.school_source",
    "plugin_rosters.classroom_source", "plugin_rosters.student_source", "plugin_rosters.account_source",
    "plugin_rosters.teaching_source", "plugin_rosters.unseated", "plugin_rosters.roster_import",
)  # fmt: skip
NOTES = ("app.audit_entry", "plugin_rosters.roster_import")


def versions(*, notes: bool = True) -> dict[str, set[tuple[str, str]]]:
    """Which version of which row every table has: what is written, even to the same value, shows."""
    with transaction(SYSTEM) as tx:
        return {
            table: {
                (row.xmin, row.ctid)
                for row in tx.execute(text(f"select xmin::text, ctid::text from {table}"))
            }
            for table in TABLES
            if notes or table not in NOTES
        }


def children(school: School) -> dict[str, set[str]]:
    """The names of the children in each class now, by the class's name; the live enrollments."""
    found: dict[str, set[str]] = {}
    with transaction(SYSTEM) as tx:
        rows = tx.execute(
            select(Classroom.name, Student.given_name)
            .select_from(Classroom)
            .join(
                Enrollment,
                (Enrollment.school_id == Classroom.school_id) & (Enrollment.classroom_id == Classroom.id),
            )
            .join(
                Student, (Student.school_id == Enrollment.school_id) & (Student.id == Enrollment.student_id)
            )
            .where(Classroom.school_id == school.id, Enrollment.ended_at.is_(None))
        )
        for room, name in rows:
            found.setdefault(room, set()).add(name)
    return found


def teachers(school: School) -> dict[str, dict[str, str]]:
    """Who teaches each class as what, by name."""
    found: dict[str, dict[str, str]] = {}
    with transaction(SYSTEM) as tx:
        rows = tx.execute(
            select(Classroom.name, Account.name, TeachingRole.role)
            .select_from(TeachingRole)
            .join(
                Classroom,
                (Classroom.school_id == TeachingRole.school_id) & (Classroom.id == TeachingRole.classroom_id),
            )
            .join(Account, Account.id == TeachingRole.account_id)
            .where(TeachingRole.school_id == school.id)
        )
        for room, name, role in rows:
            found.setdefault(room, {})[name] = role
    return found


def empty_school(name: str = "Imported Iris School", district: int | None = None) -> School:
    """A school without anybody in it."""
    from tests.factories.world import add_school

    with transaction(SYSTEM) as tx:
        return add_school(tx, name, district)
