"""Everything of a roster into the temporary tables, some lines at a time and in constant memory.

What a single line says is judged here; what needs other lines is judged by `checking`, once all are there.
"""

import secrets
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import islice

from backoffice.access.transaction import Transaction
from backoffice.schools import names
from backoffice.schools.services.classrooms import LONGEST_NAME
from backoffice.storage.public_id import many_public_ids
from backoffice.wording import clean
from plugins.rosters.importing import vocabulary, wire
from plugins.rosters.importing.digests import within_this_import
from plugins.rosters.importing.people import REMEMBERED, Sealer, teacher
from plugins.rosters.importing.roster import Noted, Roster
from plugins.rosters.importing.staging import queries
from plugins.rosters.importing.vocabulary import (
    CLASSES,
    ENROLLMENTS,
    FAMILY,
    FILES,
    POINTERS,
    SEAT_ROLES,
    USER_ROLES,
    USERS,
    Kind,
    Pointer,
)
from plugins.rosters.reading.records import Class, Course, Enrollment, Org, Session, User
from plugins.rosters.reading.report import Report

# So many records become rows together.
TOGETHER = 4096
# Called with the number of lines read so far.
Tick = Callable[[int], None]
UNKNOWN_ORG = (
    "The organisation is not in orgs.csv.",
    "Send its line in orgs.csv, or correct the identifier.",
)
NO_SCHOOL = ("The organisation is no school.", "Name the school that it belongs to.")
NO_ADDRESS = ("A teacher has no e-mail address; no account is made.", "Fill in email and import again.")
IN_NO_SCHOOL = ("A student or teacher belongs to no school of the set and is not taken.", "Name the school.")
CUT_OFF = (f"A title is longer than {LONGEST_NAME} letters; the rest was cut off.", "Shorten it.")
NO_TITLE = ("The title has no letters that can be shown.", "Give the class a title.")


class Stager:
    """Stages one roster. `schools` are the numbers of its schools by their identifiers in the roster."""

    def __init__(
        self, tx: Transaction, roster: Roster, report: Report, schools: Mapping[str, int], tick: Tick
    ) -> None:
        self.noted = Noted()
        self._tx, self._roster, self._report = tx, roster, report
        self._schools, self._tick = schools, tick
        self._orgs: frozenset[str] = frozenset()
        self._digest = within_this_import()
        # Digests of what many or neighbouring lines name.
        self._near = lru_cache(maxsize=REMEMBERED)(lambda source: self._digest(source.encode()))
        self._sealer = Sealer()
        self._public_ids = (public_id.encode() for public_id in many_public_ids())
        self._rows: defaultdict[str, list[bytes]] = defaultdict(list)

    def run(self, orgs: Sequence[Org]) -> None:
        """Stage everything; `orgs` have been read already."""
        queries.make_tables(self._tx)
        self._orgs = frozenset(org.source_id for org in orgs)
        roster = self._roster
        self._each(iter(orgs), self._stage_orgs)
        self._each(roster.sessions(), self._stage_sessions)
        self._each(roster.courses(), self._stage_courses)
        self._each(roster.classes(), self._stage_classes)
        self._each(roster.users(), self._stage_users)
        # Of one kind, so that the database takes in some while the next are made.
        queries.copy(self._tx, "seat", self._seats(roster.enrollments()))
        queries.look_at(self._tx)

    def _seats(self, enrollments: Iterator[Enrollment]) -> Iterator[bytes]:
        while some := list(islice(enrollments, TOGETHER)):
            yield from self._stage_enrollments(some)
            self._note_lines(len(some))

    def _note_lines(self, read: int) -> None:
        self.noted.lines += read
        self._tick(self.noted.lines)

    def _each(self, records: Iterator[wire.T], stage: Callable[[list[wire.T]], None]) -> None:
        while some := list(islice(records, TOGETHER)):
            stage(some)
            for table, rows in self._rows.items():
                queries.copy(self._tx, table, rows)
            self._rows.clear()
            self._note_lines(len(some))

    def _stage_orgs(self, orgs: Sequence[Org]) -> None:
        for org in orgs:
            self._name(Kind.ORG, org.line, org.source_id)
            self._point(org.line, vocabulary.ORG_PARENT, org.parent)

    def _stage_sessions(self, sessions: Sequence[Session]) -> None:
        for session in sessions:
            self._name(Kind.SESSION, session.line, session.source_id)
            self._point(session.line, vocabulary.SESSION_PARENT, session.parent)

    def _stage_courses(self, courses: Sequence[Course]) -> None:
        for course in courses:
            self._name(Kind.COURSE, course.line, course.source_id)
            self._point(course.line, vocabulary.COURSE_ORG, course.org)
            self._point(course.line, vocabulary.COURSE_YEAR, course.school_year)

    def _stage_classes(self, classes: Sequence[Class]) -> None:
        for each in classes:
            self._point(each.line, vocabulary.CLASS_COURSE, each.course)
            for term in each.terms:
                self._point(each.line, vocabulary.CLASS_TERM, term)
            school = self._school(CLASSES, each.line, "schoolSourcedId", each.school)
            title = self._title(each)
            if school is not None and title:
                self._rows["room"].append(self._room(each, school, title))

    def _title(self, each: Class) -> str:
        title = clean(each.title)
        if not title:
            self._report.error(CLASSES, *NO_TITLE, line=each.line, column="title")
        if len(title) > LONGEST_NAME:
            self._report.warn(CLASSES, *CUT_OFF, line=each.line, column="title")
        return title[:LONGEST_NAME].rstrip()

    def _room(self, each: Class, school: int, title: str) -> bytes:
        sealer = self._sealer
        known = wire.known(
            5 + 3,
            4,
            each.line,
            16,
            self._near(each.source_id),
            16,
            sealer.link(school, each.source_id),
            8,
            school,
        )
        return (
            known
            + wire.varying(sealer.seal(title, "classroom.name"))
            + wire.varying(next(self._public_ids))
            + wire.digest(16, sealer.content(title))
            + wire.small(2, secrets.randbelow(len(names.AVATARS)))
        )

    def _stage_users(self, users: Sequence[User]) -> None:
        for user in users:
            self._name(Kind.USER, user.line, user.source_id, USER_ROLES[user.role])
            for agent in user.agents:
                self._point(user.line, vocabulary.USER_AGENT, agent)
            schools = self._schools_of(user)
            match user.role:
                case "student":
                    self._student(user, schools)
                case "teacher":
                    self._teacher(user, schools)
                case "administrator":
                    self.noted.administrator(clean(f"{user.given} {user.family}"))
                case role:
                    self.noted.counts["family" if role in FAMILY else "other staff"] += 1

    def _schools_of(self, user: User) -> list[int]:
        for org in user.orgs:
            if org not in self._orgs:
                self._report.error(USERS, *UNKNOWN_ORG, line=user.line, column="orgSourcedIds")
        schools = [self._schools[org] for org in user.orgs if org in self._schools]
        if not schools and user.role in {"student", "teacher"}:
            self._report.warn(USERS, *IN_NO_SCHOOL, line=user.line, column="orgSourcedIds")
        return schools

    def _student(self, user: User, schools: Sequence[int]) -> None:
        sealer = self._sealer
        given, family = sealer.written(user.given), sealer.written(user.family) or None
        problem = names.problem_with(given, family)
        if problem:
            where = {"line": user.line, "column": "givenName"}
            self._report.error(USERS, "The name cannot be taken as it is.", problem, **where)
            return
        for school in schools:
            username = sealer.username(school, user.username)
            known = wire.known(
                10,
                4,
                user.line,
                16,
                self._near(user.source_id),
                16,
                sealer.link(school, user.source_id),
                8,
                school,
            )
            self._rows["pupil"].append(
                known
                + wire.varying(sealer.seal(given, "student.given_name"))
                + wire.varying(family and sealer.seal(family, "student.family_name"))
                + wire.array(sealer.tokens(school, given, family))
                + wire.varying(username.encode())
                + wire.varying(next(self._public_ids))
                + wire.digest(16, sealer.content(given, family, username))
            )

    def _teacher(self, user: User, schools: Sequence[int]) -> None:
        self.noted.counts["teachers"] += 1
        if user.email is None:
            self.noted.counts["teachers without an address"] += 1
            self._report.warn(USERS, *NO_ADDRESS, line=user.line, column="email")
            return
        sealer, found = self._sealer, teacher(user.given, user.family, user.email)
        for school in schools:
            known = wire.known(
                9,
                4,
                user.line,
                16,
                self._near(user.source_id),
                16,
                sealer.link(school, user.source_id),
                8,
                school,
            )
            self._rows["staff"].append(
                known
                + wire.varying(sealer.seal(found.name, "account.name"))
                + wire.varying(sealer.seal(found.email, "account.email"))
                + wire.varying(found.blind_index)
                + wire.varying(next(self._public_ids))
                + wire.digest(16, sealer.content(found.name, found.email))
            )

    def _stage_enrollments(self, enrollments: Sequence[Enrollment]) -> Iterator[bytes]:
        near, schools, row = self._near, self._schools, wire.enrollment
        for line, source, room, school_of, user, role, primary in enrollments:
            school = schools.get(school_of) or self._school(ENROLLMENTS, line, "schoolSourcedId", school_of)
            if school is not None:
                # To tell two lines of one identifier within this process, no keyed digest is needed.
                own, seat = hash(source), SEAT_ROLES[role]
                yield row(7, 4, line, 8, own, 16, near(room), 8, school, 16, near(user), 2, seat, 1, primary)

    def _school(self, file: str, line: int, column: str, org: str) -> int | None:
        school = self._schools.get(org)
        if school is None:
            self._report.error(
                file, *(NO_SCHOOL if org in self._orgs else UNKNOWN_ORG), line=line, column=column
            )
        return school

    def _name(self, kind: Kind, line: int, source: str, role: int = 0) -> None:
        self._rows["named"].append(wire.named(4, 2, kind, 4, line, 16, self._near(source), 2, role))

    def _point(self, line: int, pointer: Pointer, target: str | None) -> None:
        # What points into a file that is not sent cannot be looked up.
        if target is not None and FILES[pointer.kind] not in self._roster.absent:
            what = POINTERS.index(pointer)
            self._rows["pointing"].append(
                wire.pointing(4, 2, what, 4, line, 2, pointer.kind, 16, self._near(target))
            )
