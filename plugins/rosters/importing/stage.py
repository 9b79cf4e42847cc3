"""Everything of a roster into the temporary tables, some lines at a time and in constant memory.

What a single line says is judged here; what needs other lines is judged by `checking`, once all are there.
"""

import gc
import secrets
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice, repeat

from backoffice.access.transaction import Transaction
from backoffice.language.texts import lazy
from backoffice.schools import names
from backoffice.schools.services.classrooms import LONGEST_NAME
from backoffice.storage.public_id import many_public_ids
from backoffice.wording import clean
from plugins.rosters.importing import vocabulary, wire
from plugins.rosters.importing.people import Sealer, teacher
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
from plugins.rosters.importing.years import Years
from plugins.rosters.reading.records import Class, Course, Enrollment, Org, Session, User
from plugins.rosters.reading.report import Report

# What stands for an identifier from file to file within one import: SipHash under a key that the process was
# born with. Should two that are named ever coincide, that shows as one identifier on two lines, and nothing
# is imported.
reference = hash
# So many records become rows together.
TOGETHER = 4096
# Called with the number of lines read so far.
Tick = Callable[[int], None]
UNKNOWN_ORG = (
    lazy("The organisation is not in orgs.csv."),
    lazy("Send its line in orgs.csv, or correct the identifier."),
)
NO_SCHOOL = (lazy("The organisation is no school."), lazy("Name the school that it belongs to."))
NO_ADDRESS = (
    lazy("A teacher has no e-mail address; no account is made."),
    lazy("Fill in email and import again."),
)
IN_NO_SCHOOL = (
    lazy("A student or teacher belongs to no school of the set and is not taken."),
    lazy("Name the school."),
)
CUT_OFF = (f"A title is longer than {LONGEST_NAME} letters; the rest was cut off.", lazy("Shorten it."))
NO_NAME = (lazy("The name has no letters that can be shown."), lazy("Write the name of the teacher."))
NO_TITLE = (lazy("The title has no letters that can be shown."), lazy("Give the class a title."))


class Stager:
    """Stages one roster. `schools` are the numbers of its schools by their identifiers in the roster."""

    def __init__(
        self, tx: Transaction, roster: Roster, report: Report, schools: Mapping[str, int], tick: Tick
    ) -> None:
        self.noted = Noted()
        self._tx, self._roster, self._report = tx, roster, report
        self._schools, self._tick = schools, tick
        self._orgs: frozenset[str] = frozenset()
        self._years = Years()
        self._sealer = Sealer()
        self._public_ids = (public_id.encode() for public_id in many_public_ids())
        self._rows: defaultdict[str, list[bytes]] = defaultdict(list)

    def run(self, orgs: Sequence[Org]) -> None:
        """Stage everything; `orgs` have been read already."""
        queries.make_tables(self._tx)
        self._orgs = frozenset(org.source_id for org in orgs)
        # What is there already need not be searched for garbage while millions of values come and go.
        gc.freeze()
        try:
            self._run(orgs)
        finally:
            gc.unfreeze()
        queries.look_at(self._tx)

    def _run(self, orgs: Sequence[Org]) -> None:
        roster = self._roster
        self._each(iter(orgs), self._stage_orgs)
        self._each(roster.sessions(), self._stage_sessions)
        self._each(roster.courses(), self._stage_courses)
        self._each(roster.classes(), self._stage_classes)
        self._each(roster.users(), self._stage_users)
        # Of one kind, so that the database takes in some while the next are made.
        queries.copy(self._tx, "seat", self._seats(roster.enrollments()))

    def _seats(self, enrollments: Iterator[Enrollment]) -> Iterator[bytes]:
        while some := list(islice(enrollments, TOGETHER)):
            yield b"".join(self._stage_enrollments(some))
            self._note_lines(len(some))

    def _note_lines(self, read: int) -> None:
        self.noted.lines += read
        self._tick(self.noted.lines)

    def _each(self, records: Iterator[wire.T], stage: Callable[[list[wire.T]], None]) -> None:
        while some := list(islice(records, TOGETHER)):
            stage(some)
            for table, rows in self._rows.items():
                queries.copy(self._tx, table, [b"".join(rows)])
            self._rows.clear()
            self._note_lines(len(some))

    def _stage_orgs(self, orgs: Sequence[Org]) -> None:
        self._name(Kind.ORG, orgs)
        self._point(vocabulary.ORG_PARENT, ((org.line, org.parent) for org in orgs))

    def _stage_sessions(self, sessions: Sequence[Session]) -> None:
        self._name(Kind.SESSION, sessions)
        self._years.add(sessions)
        self._point(vocabulary.SESSION_PARENT, ((session.line, session.parent) for session in sessions))

    def _stage_courses(self, courses: Sequence[Course]) -> None:
        self._name(Kind.COURSE, courses)
        self._point(vocabulary.COURSE_ORG, ((course.line, course.org) for course in courses))
        self._point(vocabulary.COURSE_YEAR, ((course.line, course.school_year) for course in courses))

    def _stage_classes(self, classes: Sequence[Class]) -> None:
        self._point(vocabulary.CLASS_COURSE, ((each.line, each.course) for each in classes))
        self._point(vocabulary.CLASS_TERM, ((each.line, term) for each in classes for term in each.terms))
        for each in classes:
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
            5 + 4,
            4,
            each.line,
            8,
            reference(each.source_id),
            16,
            sealer.link(school, each.source_id),
            8,
            school,
        )
        years = self._years.of(each.terms)
        return (
            known
            + wire.varying(sealer.seal(title, "classroom.name"))
            + wire.varying(next(self._public_ids))
            + wire.digest(16, sealer.content(title))
            + wire.small(2, secrets.randbelow(len(names.AVATARS)))
            + wire.varying(sealer.years(school, years) if years else None)
        )

    def _stage_users(self, users: Sequence[User]) -> None:
        self._name(Kind.USER, users, (USER_ROLES[user.role] for user in users))
        self._point(vocabulary.USER_AGENT, ((user.line, agent) for user in users for agent in user.agents))
        for user in users:
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
            self._report.error(USERS, lazy("The name cannot be taken as it is."), problem, **where)
            return
        for school in schools:
            username = sealer.username(school, user.username)
            known = wire.known(
                10,
                4,
                user.line,
                8,
                reference(user.source_id),
                16,
                sealer.link(school, user.source_id),
                8,
                school,
            )
            self._rows["pupil"].append(
                known
                + wire.varying(sealer.seal(given, "student.given_name"))
                + wire.varying(family and sealer.seal(family, "student.family_name"))
                + wire.array(sealer.tokens(school, given, family), names.TOKEN_BYTES)
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
        if not found.name:
            self._report.error(USERS, *NO_NAME, line=user.line, column="givenName")
            return
        for school in schools:
            known = wire.known(
                9,
                4,
                user.line,
                8,
                reference(user.source_id),
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
        sound = [
            each
            for each in enrollments
            if each.school in self._schools
            or self._school(ENROLLMENTS, each.line, "schoolSourcedId", each.school) is not None
        ]
        if not sound:
            return iter(())
        lines, sources, rooms, schools, users, roles, primary = zip(*sound, strict=True)
        return wire.seat(
            lines,
            map(reference, sources),
            map(reference, rooms),
            map(self._schools.__getitem__, schools),
            map(reference, users),
            map(SEAT_ROLES.__getitem__, roles),
            primary,
        )

    def _school(self, file: str, line: int, column: str, org: str) -> int | None:
        school = self._schools.get(org)
        if school is None:
            self._report.error(
                file, *(NO_SCHOOL if org in self._orgs else UNKNOWN_ORG), line=line, column=column
            )
        return school

    def _name(
        self,
        kind: Kind,
        records: Sequence[Org | Session | Course | User],
        roles: Iterable[int] = repeat(0),
    ) -> None:
        lines, sources = (each.line for each in records), (reference(each.source_id) for each in records)
        self._rows["named"] += wire.named(repeat(kind), lines, sources, roles)

    def _point(self, pointer: Pointer, targets: Iterable[tuple[int, str | None]]) -> None:
        # What points into a file that is not sent cannot be looked up.
        if FILES[pointer.kind] in self._roster.absent:
            return
        given = [(line, reference(target)) for line, target in targets if target is not None]
        what, kind = repeat(POINTERS.index(pointer)), repeat(pointer.kind)
        self._rows["pointing"] += wire.pointing(
            what, (line for line, _ in given), kind, (target for _, target in given)
        )
