"""Students in the console: the list, one student, correcting a name, leaving a class."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache, partial
from typing import Any
from urllib.parse import quote

from flask import request
from flask_admin import expose
from flask_wtf import FlaskForm
from sqlalchemy import Select
from sqlalchemy.orm import selectinload
from werkzeug.wrappers import Response

from backoffice.access.lookup import NotFound, find, held_on, reread
from backoffice.access.permissions import (
    GUARDIANS_APPROVE,
    GUARDIANS_INVITE,
    POINTS_REPORT,
    STUDENTS_CREATE,
    STUDENTS_EDIT,
    STUDENTS_ERASE,
    STUDENTS_EXPORT,
    STUDENTS_MERGE,
    STUDENTS_READ,
    STUDENTS_UNENROLL,
    Permission,
)
from backoffice.access.policy import can
from backoffice.access.seen import Changed, version
from backoffice.access.selection import Which
from backoffice.access.transaction import Transaction
from backoffice.changes.models import StudentField
from backoffice.changes.queries import changed_by
from backoffice.console import erasures, own_fields
from backoffice.console.command import Command
from backoffice.console.forms import ConfirmForm, MoveForm, StudentForm
from backoffice.console.grid import BulkAction, Cell, Column, Row, asked, searched_words
from backoffice.console.grids.bulk import CHOSEN, Button
from backoffice.console.grids.columns import BY_NAME, By
from backoffice.console.grids.edits import Edit, Entry
from backoffice.console.grids.filters import DateFilter, RelationFilter
from backoffice.console.grids.imports import ImportsRows
from backoffice.console.grids.relations import school_filter
from backoffice.console.grids.student_imports import IMPORTING
from backoffice.console.listed import some_of
from backoffice.console.overtaken import not_over_others
from backoffice.families import queries as family_queries
from backoffice.families.models import GuardianLink, GuardianStatus
from backoffice.families.services.looking import note_view
from backoffice.fields.models import FieldSubject
from backoffice.fields.services import write_student_values
from backoffice.language.moments import amount, day_of_year
from backoffice.language.spoken import language, speaking
from backoffice.language.texts import gettext, lazy, ngettext
from backoffice.privacy.erasure import asking
from backoffice.privacy.holdings import Subject
from backoffice.schools import finding, names, place_queries, queries
from backoffice.schools.models import Classroom, Enrollment, Student
from backoffice.schools.queries import ListedStudent
from backoffice.schools.services import moving
from backoffice.schools.services import students as services
from backoffice.schools.services.leaving import leave_classes
from backoffice.web.identity import reading
from backoffice.web.notices import undoable
from backoffice.web.offered import Link, Where, offered
from backoffice.web.resend import shows_what_was_typed

LINK_STATES = {
    GuardianStatus.WAITING: Cell(lazy("Waiting"), "badge", tone="warn"),
    GuardianStatus.APPROVED: Cell(lazy("Confirmed"), "badge", tone="good"),
    GuardianStatus.REFUSED: Cell(lazy("Refused"), "badge", tone="mute"),
    GuardianStatus.REVOKED: Cell(lazy("Ended"), "badge", tone="mute"),
}


NAME = Edit(
    STUDENTS_EDIT,
    lazy("Correct a name"),
    (
        Entry("given_name", lazy("Given name"), required=lazy("Write a given name."), most=names.LONGEST),
        Entry("family_name", lazy("Family name"), most=names.LONGEST),
    ),
    run="correct",
    by="corrected_by",
)


# What is done with several: in all of their classes, and where the list shows one class.
_OFFERED = {False: {"leave", "erase"}, True: {"unenroll", "move", "erase"}}


class StudentGrid(ImportsRows):
    """All students that somebody may read, and each one's page."""

    entity = Student
    doors = {
        "index": STUDENTS_READ,
        "search": STUDENTS_READ,
        "narrow": STUDENTS_READ,
        "act": STUDENTS_READ,
        "export": STUDENTS_EXPORT,
        "export_found": STUDENTS_EXPORT,
        "import_rows": STUDENTS_CREATE,
        "import_confirmed": STUDENTS_CREATE,
        "import_blank": STUDENTS_CREATE,
        "import_current": STUDENTS_EXPORT,
        "details": STUDENTS_READ,
        "edit": STUDENTS_EDIT,
        "fields": STUDENTS_EDIT,
        "erase": STUDENTS_ERASE,
    }
    commands = (
        Command(
            lazy("Import students"), "import_rows", "students/import", also=lazy("csv excel list upload")
        ),
        Command(
            lazy("Export students"), "export", "students/#exports", page="index", also=lazy("csv excel list")
        ),
    )
    importing = IMPORTING
    icon = "students"
    title = lazy("Students")
    category = lazy("Teaching")
    address = "students"
    noun = (lazy("student"), lazy("students"))
    offers_of = Where.STUDENT
    own = FieldSubject.STUDENT
    kind = "student"
    reads = (
        Student.school_id,
        Student.id,
        Student.public_id,
        Student.given_name,
        Student.family_name,
        Student.active_on,
    )
    search_placeholder = lazy("Find a name")
    columns = (
        Column("name", lazy("Student"), sort=BY_NAME, edit=NAME),
        Column("classes", lazy("Classes"), optional=True),
        Column("points", lazy("Points"), numeric=True, optional=True),
        Column(
            "active",
            lazy("Last in"),
            optional=True,
            sort=By(
                Student.active_on,
                carried_by=("ix_student_school_id_active_on_id", "ix_student_active_on_school_id_id"),
                latest_first=True,
            ),
        ),
    )
    filters = (
        RelationFilter(
            "classroom",
            lazy("Class"),
            entity=Classroom,
            condition=lambda _tx, classroom: queries.is_in(classroom),
            called=lambda _tx, classroom: str(classroom.name),
            choices=lambda tx, most: queries.classrooms_for(tx, most=most),
            pick="class",
            nothing=lazy("All classes"),
            carried_by="ix_enrollment_live",
            at_hand=True,
        ),
        school_filter(Student.school_id, read=STUDENTS_READ, carried_by="pk_student"),
        DateFilter(
            "active",
            lazy("Last in"),
            column=Student.active_on,
            presets=("today", "last-7-days", "last-30-days", "this-school-year", "earlier"),
            carried_by="ix_student_active_on_school_id_id",
            help=lazy("Whoever was never in counts from the day they were added."),
        ),
    )
    actions = (
        BulkAction(
            "unenroll",
            lazy("Take out of this class"),
            STUDENTS_UNENROLL,
            "unenroll",
            lazy(
                "Their points in it stay, nobody is deleted, and you can undo it."
                " Their cards for it stop working for good."
            ),
            danger=True,
            whole=True,
        ),
        BulkAction(
            "move",
            lazy("Move to another class"),
            STUDENTS_UNENROLL,
            "move",
            lazy(
                "Their points stay with this class and stand there again if they come back. You can undo it."
                " Their cards for this class stop working for good."
            ),
            whole=True,
        ),
        BulkAction(
            "leave",
            lazy("Take out of their classes"),
            STUDENTS_UNENROLL,
            "leave",
            lazy(
                "Their points stay, nobody is deleted, and each class can undo it for a day."
                " Their cards stop working for good."
            ),
            danger=True,
            whole=True,
            beside=place_queries.open_places,
        ),
        BulkAction(
            "erase",
            lazy("Delete for good"),
            STUDENTS_ERASE,
            "erase_chosen",
            lazy(
                "Each is deleted with all points, sign-ins, cards and links to parents, in every class, at"
                " once and for good. First you see what would go. Nothing is deleted before you confirm that."
            ),
            danger=True,
            whole=True,
            leads_on=True,
        ),
    )

    def name_of(self, thing: Student) -> Any:
        """Students sort by family name, then given name."""
        return names.sort_key(thing.given_name, thing.family_name)

    def narrowed(self, tx: Transaction, statement: Select[Any]) -> Select[Any]:
        """By the beginnings of names."""
        # Each costs a look into the index of each school.
        if words := searched_words():
            statement = statement.where(finding.named(tx.principal, words))
        return statement

    def rows(self, tx: Transaction, things: Sequence[Student]) -> list[Row]:
        """Name, the classes that go on, points over all of these, the day on which they were last in."""
        return _rows(things, queries.seats_of(tx, things))

    def rows_of_file(self, tx: Transaction, things: Sequence[Student], permission: Permission) -> list[Row]:
        """The same of the classes whose lists one may take out: a child may be in others besides."""
        return _rows(things, queries.seats_of(tx, things, permission))

    def extras(self, tx: Transaction) -> dict[str, Any]:
        """The way from a class, and what to do where there is nobody."""
        chosen = self.filtered_by(tx, "classroom")
        return {
            "crumbs": class_crumbs(chosen, {"title": self.title}) if chosen else None,
            "offered": self._offered(tx, chosen),
            "empty": {
                "title": gettext("No students yet"),
                "sentence": gettext("Open a class and paste the names of its students."),
                "url": "/console/classrooms/",
                "action": gettext("Go to the classes"),
                "icon": "students",
            },
        }

    def _offered(self, tx: Transaction, room: Classroom | None) -> list[Link]:
        """What is offered for the class or the school of which the list shows the students, or for all."""
        if room:
            return offered(tx, Where.CLASSROOM, room)
        school = self.filtered_by(tx, "school")
        return (school and offered(tx, Where.SCHOOL, school)) or offered(tx, Where.STUDENTS)

    def correct(self, public_id: str, written: Mapping[str, str], seen: str) -> None:
        """Correct a name in the list; in the list of one class so that it can be undone there."""
        room = self.filtered_by(reading(), "classroom")
        services.correct_student(
            principal=self.who,
            student=public_id,
            given_name=written["given_name"],
            family_name=written["family_name"],
            classroom=room.public_id if room and can(self.who, STUDENTS_EDIT, room) else None,
            seen=seen,
        )

    def corrected_by(self, tx: Transaction, student: Student) -> Changed | None:
        """Who wrote a name as it is, while that is kept."""
        now = [student.given_name, student.family_name]
        return changed_by(tx, student, StudentField.NAME, now)

    def allowed_actions(self) -> list[BulkAction]:
        """What is done in a class where the list shows one, and elsewhere what is done in all of theirs."""
        room = self.filtered_by(reading(), "classroom")
        return [
            each
            for each in super().allowed_actions()
            if each.name in _OFFERED[bool(room)] and (room is None or can(self.who, each.permission, room))
        ]

    def confirm_form(self, action: BulkAction, **filled: Any) -> ConfirmForm:
        """For moving, the classes that they can move to: of the same school, where one may add students."""
        if action.name != "move":
            return super().confirm_form(action, **filled)
        form = MoveForm(**filled)
        tx = reading()
        leaves = find(tx, Classroom, asked("classroom"))
        form.target.fill(tx, gettext("Choose a class"), within=leaves.school_id, without={leaves.public_id})
        return form

    def button(self, action: BulkAction, count: int) -> Button:
        """How many are moved and, once it is chosen, to which class."""
        if action.name == "erase":
            return Button(gettext("See what would go"))
        if action.name != "move":
            return super().button(action, count)
        rows = self.counted(count)
        return Button(
            gettext("Move %(rows)s", rows=rows),
            gettext("Move %(rows)s to %(classroom)s", rows=rows, classroom=CHOSEN),
        )

    def move(self, students: Which) -> dict[str, Any]:
        """Move the selected students from the class that the list shows to another; it can be undone."""
        classroom = asked("classroom")
        moved = moving.move_students(
            principal=self.who, source=classroom, target=request.form["target"], students=students
        )
        undo = f"/console/classrooms/{classroom}/undo-last"
        return undoable(
            gettext(
                "%(rows)s moved to %(classroom)s. Their points stay in the class where they were earned.",
                rows=self.counted(moved.count),
                classroom=moved.to,
            ),
            url=undo,
            at=moved.at.isoformat(),
        )

    def question(
        self, tx: Transaction, action: BulkAction, chosen: Sequence[Student], *, count: int
    ) -> list[str]:
        """Who will leave which class, by name; or of whom it is looked what would go."""
        named = some_of([full_name(student) for student in chosen], of=count)
        if action.name == "erase":
            return [named, str(action.question)]
        leaves = gettext("all their classes that you look after")
        if action.name != "leave":
            leaves = find(tx, Classroom, asked("classroom")).name
        return [
            gettext(
                "%(names)s will leave %(classes)s.",
                names=named,
                classes=leaves,
            ),
            action.question.format(count=self.counted(count)),
        ]

    def effects(self, tx: Transaction, action: BulkAction, numbers: Collection[int]) -> list[str]:
        """How many lose a place in how many classes, and how many of them have points there."""
        if action.name == "erase":
            return []
        room = None if action.name == "leave" else find(tx, Classroom, asked("classroom"))
        places = place_queries.places_of(tx, numbers, room)
        rows, classes = self.counted(places.students), _classes(places.classes)
        others = len(numbers) - places.students
        stay = ngettext(
            "%(rows)s without a place there stays as before.",
            "%(rows)s without a place there stay as before.",
            others,
            rows=self.counted(others),
        )
        return [
            ngettext(
                "%(rows)s loses a place in %(classes)s: %(places)s places.",
                "%(rows)s lose their place in %(classes)s: %(places)s places.",
                places.students,
                rows=rows,
                classes=classes,
                places=amount(places.places),
            )
            if places.places > places.students
            else ngettext(
                "%(rows)s loses a place in %(classes)s.",
                "%(rows)s lose their place in %(classes)s.",
                places.students,
                rows=rows,
                classes=classes,
            ),
            ngettext(
                "%(count)s of them has points there.",
                "%(count)s of them have points there.",
                places.with_points,
                count=amount(places.with_points),
            ),
            *([stay] if others > 0 else []),
        ]

    def along(self, tx: Transaction, action: BulkAction) -> list[Mapping[str, str]]:
        """Before they are deleted they can be taken along with their class or their school."""
        if action.name != "erase":
            return []
        room, school = self.filtered_by(tx, "classroom"), self.filtered_by(tx, "school")
        of_room = erasures.along_of(tx, Where.CLASSROOM, room) if room else []
        return of_room or (erasures.along_of(tx, Where.SCHOOL, school) if school else [])

    def erase_chosen(self, students: Which) -> str:
        """Have it looked what deleting the selected students would take; where that is shown."""
        asked_for = asking.ask_to_erase_students(principal=self.who, students=students)
        return f"{erasures.HERE}{asked_for}"

    def leave(self, students: Which) -> str:
        """Take the selected students out of all their classes; each of these can undo it."""
        left = leave_classes(principal=self.who, students=students)
        return gettext(
            "%(rows)s left %(classes)s. Each class can undo it for a day, on its page.",
            rows=self.counted(left.students),
            classes=_classes(left.classes),
        )

    def unenroll(self, students: Which) -> dict[str, Any]:
        """Take the selected students out of the class that the list shows; it can be undone."""
        classroom = asked("classroom")
        left = services.end_enrollments(principal=self.who, classroom=classroom, students=students)
        undo = f"/console/classrooms/{classroom}/undo"
        return undoable(
            gettext("%(rows)s left the class.", rows=self.counted(left.count)),
            url=undo,
            left_at=left.at.isoformat(),
        )

    @expose("/<student:public_id>", methods=("GET",))
    def details(self, public_id: str) -> str:
        """What is kept of a student, the classes, the last points."""
        tx = reading()
        row = find(tx, Student, public_id, selectinload(Student.enrollments))
        note_view(tx, row)
        awards = queries.last_awards(tx, school_id=row.school_id, student_id=row.id, undone=True)
        enrollments = queries.enrollments_of(tx, row)
        turn = turn_of(tx, row, enrollments)
        givers = queries.names_of(tx, {award.by for award in awards if award.by is not None})

        def holds(permission: Permission) -> bool:
            # The database knows which of the classes are archived.
            return can(self.who, permission, row) and bool(held_on(tx, Student, permission, [row]))

        return self.render(
            "console/student.html",
            leave_form=FlaskForm(),
            student={
                "public_id": row.public_id,
                "name": full_name(row),
                "given_name": row.given_name,
                "family_name": row.family_name,
                "username_note": gettext("Set. It cannot be shown again, not even to you")
                if row.username_digest
                else None,
                "classes": [
                    {
                        "name": enrollment.classroom.name,
                        "url": f"/console/classrooms/{enrollment.classroom.public_id}",
                        "points": enrollment.balance,
                        "leave_url": f"/console/students/?classroom={enrollment.classroom.public_id}"
                        if can(self.who, STUDENTS_UNENROLL, enrollment.classroom)
                        else None,
                    }
                    for enrollment in enrollments
                    if enrollment.classroom.archived_at is None
                ],
                "earlier": [
                    {
                        "name": each.name,
                        "url": f"/console/classrooms/{each.public_id}",
                        "points": each.points,
                        "until": each.until,
                    }
                    for each in queries.earlier_classes(tx, row)
                ],
                "entries": [
                    {
                        "when": award.at,
                        "label": award.label,
                        "value": award.value,
                        "comment": award.comment,
                        "undone": award.undone,
                        "by": givers.get(award.by) if award.by is not None else None,
                    }
                    for award in awards
                ],
            },
            turn=turn,
            own=own_fields.section(
                own_fields.own_values(tx, FieldSubject.STUDENT, row),
                turn.of(public_id, "/fields") if holds(STUDENTS_EDIT) else None,
            ),
            parents=parents_of(tx, row) if holds(GUARDIANS_APPROVE) else None,
            offered=offered(tx, Where.STUDENT, row),
            urls={
                "report": turn.of(public_id).replace("/students/", "/classrooms/points/report/")
                if turn.classroom and can(self.who, POINTS_REPORT, turn.classroom)
                else None,
                "edit": turn.of(public_id, "/edit") if holds(STUDENTS_EDIT) else None,
                "erase": f"/console/students/{public_id}/erase" if holds(STUDENTS_ERASE) else None,
                "merge": f"/console/students/{public_id}/merge" if holds(STUDENTS_MERGE) else None,
                "invite_parent": f"/console/families/invite/{public_id}" if holds(GUARDIANS_INVITE) else None,
            },
            crumbs=turn.crumbs({"title": full_name(row)}),
        )

    @expose("/<student:public_id>/erase", methods=("GET", "POST"))
    def erase(self, public_id: str) -> str | Response:
        """Begin to delete a student: have it looked what would go."""
        tx = reading()
        row = find(tx, Student, public_id, selectinload(Student.enrollments), permission=STUDENTS_ERASE)
        own, called = f"/console/students/{public_id}", full_name(row)
        crumbs = [{"title": self.title, "url": "/console/students/"}, {"title": called, "url": own}]
        along = erasures.along_of(tx, Where.STUDENT, row)
        if can(self.who, POINTS_REPORT, row) and any(each.ended_at is None for each in row.enrollments):
            report = f"/console/classrooms/points/report/{public_id}"
            along.append({"name": gettext("the report of its points (PDF)"), "url": report})
        return erasures.begin(
            self, Subject.STUDENT, public_id, called=called, url=own, crumbs=crumbs, along=along
        )

    @expose("/<student:public_id>/edit", methods=("GET", "POST"))
    @shows_what_was_typed
    def edit(self, public_id: str) -> str | Response | tuple[str, int]:
        """Correct how a student's name is written."""
        tx = reading()
        row = find(tx, Student, public_id, permission=STUDENTS_EDIT)
        turn = turn_of(tx, row, queries.enrollments_of(tx, row))
        form = StudentForm(obj=row)
        own_page = turn.of(public_id)

        if not form.is_submitted():
            form.seen.data = version(row.given_name, row.family_name)

        def now() -> tuple[str, str]:
            there = reread(reading(), Student, public_id, STUDENTS_EDIT)
            return full_name(there), version(there.given_name, there.family_name)

        def save() -> str:
            with not_over_others(form.seen, now):
                services.correct_student(
                    principal=self.who,
                    student=public_id,
                    given_name=form.given_name.data or "",
                    family_name=form.family_name.data,
                    classroom=turn.classroom.public_id
                    if turn.classroom and can(self.who, STUDENTS_EDIT, turn.classroom)
                    else None,
                    seen=form.seen.data or None,
                )
            if turn.next and "onwards" in request.form:
                return turn.of(turn.next.public_id, "/edit")
            return own_page

        return self.form_page(
            form,
            save=save,
            said=gettext("Saved."),
            record=row,
            heading=gettext("Correct a name"),
            intro=turn.words,
            submit_title=gettext("Save"),
            onwards_title=gettext("Save, then the next") if turn.next else None,
            cancel_url=own_page,
            crumbs=turn.crumbs(
                {"title": full_name(row), "url": own_page}, {"title": gettext("Correct a name")}
            ),
        )

    @expose("/<student:public_id>/fields", methods=("GET", "POST"))
    @shows_what_was_typed
    def fields(self, public_id: str) -> str | Response | tuple[str, int]:
        """Write in the fields of the school's own about a student."""
        tx = reading()
        row = find(tx, Student, public_id, permission=STUDENTS_EDIT)
        own = own_fields.own_values(tx, FieldSubject.STUDENT, row)
        if not own.fields:
            raise NotFound
        turn = turn_of(tx, row, queries.enrollments_of(tx, row))
        form, own_page = own.form(), turn.of(public_id)

        def save() -> str:
            writing = partial(write_student_values, principal=self.who, student=public_id)
            own_fields.write(FieldSubject.STUDENT, row, own, form, writing)
            return own_page

        return self.form_page(
            form,
            save=save,
            said=gettext("Saved."),
            heading=gettext("Fields of the school"),
            intro=full_name(row),
            cancel_url=own_page,
            crumbs=turn.crumbs(
                {"title": full_name(row), "url": own_page}, {"title": gettext("Fields of the school")}
            ),
        )


def _rows(things: Sequence[Student], seats: Mapping[int, Sequence[queries.Seat]]) -> list[Row]:
    within = f"?classroom={quote(asked('classroom'))}" if asked("classroom") else ""
    spoken = language()
    found = []
    # Many are in one class.
    of_rooms: dict[str | None, Cell] = {}
    for thing in things:
        rooms, points = _together(seats.get(thing.id, ()))
        cells = (
            Cell(full_name(thing)),
            of_rooms.get(rooms) or of_rooms.setdefault(rooms, Cell(rooms)),
            _of_points(points),
            _of_day(thing.active_on, spoken),
        )
        found.append(Row(thing.public_id, f"/console/students/{thing.public_id}{within}", cells))
    return found


def _together(seats: Sequence[queries.Seat]) -> tuple[str | None, int]:
    """The names of the classes, and the points over all of them."""
    # Nearly all are in one.
    if len(seats) == 1:
        return seats[0].classroom, seats[0].points
    return ", ".join(sorted(seat.classroom for seat in seats)) or None, sum(seat.points for seat in seats)


@lru_cache(maxsize=1024)
def _of_points(points: int) -> Cell:
    """The cell of so many points."""
    return Cell(str(points), "number")


@lru_cache(maxsize=1024)
def _of_day(day: date, spoken: str) -> Cell:
    """The cell of a day in a language; a file of very many students has few of them."""
    with speaking(spoken):
        return Cell(day_of_year(day), "time", datetime=day.isoformat())


@dataclass(frozen=True)
class Turn:
    """A student's place among the students of one class, and who comes before and after."""

    classroom: Classroom | None = None
    place: int = 0
    size: int = 0
    previous: ListedStudent | None = None
    next: ListedStudent | None = None

    @property
    def words(self) -> str | None:
        """The place in a sentence."""
        return (
            gettext(
                "%(place)s of %(size)s in %(name)s.",
                place=self.place,
                size=self.size,
                name=self.classroom.name,
            )
            if self.classroom
            else None
        )

    def of(self, student: str, below: str = "") -> str:
        """The address of a student's page, or of one below it, seen from this class."""
        within = f"?classroom={self.classroom.public_id}" if self.classroom else ""
        return f"/console/students/{student}{below}{within}"

    def crumbs(self, *more: dict[str, str]) -> list[dict[str, str]]:
        """The way to a student: by the class, or by the list of all."""
        if self.classroom:
            return class_crumbs(self.classroom, *more)
        return [{"title": gettext("Students"), "url": "/console/students/"}, *more]


def turn_of(tx: Transaction, student: Student, enrollments: Sequence[Enrollment]) -> Turn:
    """The student's turn in the class that the address names, or in the first of the own."""
    rooms = sorted((each.classroom for each in enrollments), key=lambda each: names.sort_key(each.name, None))
    chosen = next((room for room in rooms if room.public_id == request.args.get("classroom")), None)
    classroom = chosen or next(iter(rooms), None)
    if classroom is None:
        return Turn()
    listed = queries.students_of(tx, classroom)
    here = next((at for at, each in enumerate(listed) if each.public_id == student.public_id), None)
    if here is None:
        return Turn()
    around = [None, *listed, None]
    return Turn(classroom, here + 1, len(listed), previous=around[here], next=around[here + 2])


def class_crumbs(classroom: Classroom, *more: dict[str, str]) -> list[dict[str, str]]:
    """The way to a page below a class."""
    own = {"title": classroom.name, "url": f"/console/classrooms/{classroom.public_id}"}
    return [{"title": gettext("Classes"), "url": "/console/classrooms/"}, own, *more]


def parents_of(tx: Transaction, student: Student) -> list[dict[str, Any]]:
    """The parents of a child, by the names that they wrote, and how their links stand."""
    return [
        {"name": parent_name(link), "state": LINK_STATES[GuardianStatus(link.status)]}
        for link in family_queries.links_of(tx, student)
    ]


def parent_name(link: GuardianLink) -> str:
    """How a parent wrote the own name."""
    return link.name or gettext("A parent")


def full_name(student: Student) -> str:
    """Given and family name."""
    return f"{student.given_name} {student.family_name or ''}".strip()


def _classes(count: int) -> str:
    return ngettext("1 class", "%(count)s classes", count, count=amount(count))
