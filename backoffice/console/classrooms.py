"""Classrooms in the console: the list, one class, making and changing it, pasting its students."""

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from flask import abort, flash, redirect, request
from flask_admin import expose
from flask_wtf import FlaskForm
from sqlalchemy import Select
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from backoffice import clock
from backoffice.access.lookup import NotFound, find, reread
from backoffice.access.permissions import (
    CLASSROOMS_ARCHIVE,
    CLASSROOMS_CREATE,
    CLASSROOMS_EDIT,
    CLASSROOMS_EXPORT,
    CLASSROOMS_READ,
    GUARDIANS_INVITE,
    STUDENTS_CREATE,
    STUDENTS_UNENROLL,
)
from backoffice.access.policy import can
from backoffice.access.principal import Principal
from backoffice.access.seen import Changed, version
from backoffice.access.selection import Which
from backoffice.access.transaction import Transaction
from backoffice.accounts.models import Account
from backoffice.changes.models import ClassroomField
from backoffice.changes.queries import changed_by
from backoffice.console import doors as wording
from backoffice.console import own_fields
from backoffice.console.class_page import CRUMB, tabs
from backoffice.console.class_state import mark_of, state_of
from backoffice.console.command import Command
from backoffice.console.forms import EditClassroomForm, NewClassroomForm, PasteForm
from backoffice.console.grid import BulkAction, Cell, Column, Row, asked, searched_words
from backoffice.console.grids.class_imports import IMPORTING
from backoffice.console.grids.columns import BY_NAME
from backoffice.console.grids.edits import Edit, Entry
from backoffice.console.grids.filters import EmptyFilter, RelationFilter
from backoffice.console.grids.imports import ImportsRows
from backoffice.console.grids.relations import school_filter
from backoffice.console.listed import some_of
from backoffice.console.marks import COLOUR_NAMES, FIGURE_NAMES
from backoffice.console.overtaken import not_over_others
from backoffice.console.room import full, full_at
from backoffice.entitlements import Entitlement
from backoffice.fields.models import FieldSubject
from backoffice.fields.services import write_classroom_values
from backoffice.language.moments import amount
from backoffice.language.texts import gettext, lazy, ngettext
from backoffice.problems import Rejected
from backoffice.schools import codes, labels, names, place_queries, queries
from backoffice.schools.doors import place_of, state, states_of
from backoffice.schools.models import Classroom, Door
from backoffice.schools.services import archiving, rosters
from backoffice.schools.services import classrooms as services
from backoffice.schools.services import codes as code_services
from backoffice.schools.services import doors as door_services
from backoffice.schools.services import students as student_services
from backoffice.schools.services.rosters import ANOTHER, Added, LineState
from backoffice.web.identity import done_reading, reading, settings
from backoffice.web.notices import sent_moment
from backoffice.web.offered import Where, offered
from backoffice.web.rejections import show_rejection
from backoffice.web.resend import shows_what_was_typed

DOOR_HOUR = timedelta(hours=1)
# Before the number of a line, the name of a field that says whom the line means.
ANSWER = "answer-"
LINE_NUMBER = re.compile(r"\d{1,6}", re.ASCII)
# Lines to look at come first in a preview; those that need nobody's eye come last.
SHOWN_FIRST = (
    *(LineState.PROBABLE, LineState.PROBLEM, LineState.TWICE, LineState.JOINS, LineState.BACK),
    *(LineState.NEW, LineState.SAME),
)
ROLES = {"owner": lazy("Owner"), "co_teacher": lazy("Co-teacher"), "helper": lazy("Helper")}


NAME = Edit(
    CLASSROOMS_EDIT,
    lazy("Rename a class"),
    (
        Entry(
            "name",
            lazy("Name of the class"),
            required=lazy("Give the class a name."),
            most=services.LONGEST_NAME,
        ),
    ),
    run="rename",
    by="renamed_by",
)
MARK = Edit(
    CLASSROOMS_EDIT,
    lazy("Choose picture and colour"),
    (
        Entry(
            "icon",
            lazy("Picture"),
            "choice",
            required=lazy("Choose one of the pictures."),
            choices=tuple((figure, FIGURE_NAMES[figure]) for figure in names.FIGURES),
        ),
        Entry(
            "colour",
            lazy("Colour"),
            "choice",
            required=lazy("Choose one of the colours."),
            choices=tuple((colour, COLOUR_NAMES[colour]) for colour in names.COLOURS),
        ),
    ),
    run="mark",
    by="marked_by",
)


class ClassroomGrid(ImportsRows):
    """All classrooms that somebody may read, and each one's page."""

    entity = Classroom
    doors = {
        "index": CLASSROOMS_READ,
        "search": CLASSROOMS_READ,
        "narrow": CLASSROOMS_READ,
        "act": CLASSROOMS_READ,
        "export": CLASSROOMS_EXPORT,
        "export_found": CLASSROOMS_EXPORT,
        "new": CLASSROOMS_CREATE,
        "import_rows": CLASSROOMS_CREATE,
        "import_confirmed": CLASSROOMS_CREATE,
        "import_blank": CLASSROOMS_CREATE,
        "import_current": CLASSROOMS_EXPORT,
        "details": CLASSROOMS_READ,
        "edit": CLASSROOMS_EDIT,
        "fields": CLASSROOMS_EDIT,
        "paste": STUDENTS_CREATE,
        "resume": STUDENTS_UNENROLL,
        "door": CLASSROOMS_EDIT,
    }
    icon = "classes"
    commands = (
        Command(lazy("Make a class"), "new", "classrooms/new", also=lazy("new add")),
        Command(
            lazy("Import classes"), "import_rows", "classrooms/import", also=lazy("csv excel list upload")
        ),
        Command(
            lazy("Export classes"), "export", "classrooms/#exports", page="index", also=lazy("csv excel list")
        ),
        Command(lazy("Paste names into {name}"), "paste", "paste", also=lazy("add students")),
        Command(lazy("Rename {name}"), "edit", "edit"),
    )
    title = lazy("Classes")
    category = lazy("Teaching")
    address = "classrooms"
    noun = (lazy("class"), lazy("classes"))
    offers_of = Where.CLASSROOM
    own = FieldSubject.CLASSROOM
    importing = IMPORTING
    kind = "classroom"
    reads = (
        Classroom.school_id,
        Classroom.id,
        Classroom.public_id,
        Classroom.name,
        Classroom.door,
        Classroom.door_until,
        Classroom.door_from,
        Classroom.door_to,
        Classroom.archived_at,
        Classroom.colour,
        Classroom.icon,
    )
    search_placeholder = lazy("Find a class")
    search_from = 12
    columns = (
        Column("name", lazy("Class"), sort=BY_NAME, edit=NAME),
        Column("mark", lazy("Mark"), optional=True, edit=MARK),
        Column("school", lazy("School"), optional=True),
        Column("students", lazy("Students"), numeric=True, optional=True),
        Column("door", lazy("Door"), optional=True),
        Column("code", lazy("Code"), optional=True),
    )
    filters = (
        EmptyFilter(
            "archived",
            lazy("Show"),
            column=Classroom.archived_at,
            empty=("no", lazy("Current classes")),
            filled=("yes", lazy("Archived classes")),
            unless_asked="no",
            nothing=lazy("Current classes"),
            carried_by="ix_classroom_archived",
            at_hand=True,
        ),
        school_filter(Classroom.school_id, read=CLASSROOMS_READ, carried_by="pk_classroom"),
        RelationFilter(
            "teacher",
            lazy("Teacher"),
            entity=Account,
            condition=queries.taught_by,
            called=lambda _tx, account: str(account.name),
            pick="teacher",
            nothing=lazy("All teachers"),
            carried_by="ix_teaching_role_account_id",
        ),
    )

    actions = (
        BulkAction(
            "archive",
            lazy("Archive"),
            CLASSROOMS_ARCHIVE,
            "archive",
            lazy(
                "Archived classes stay readable and nothing of them can be changed. Their codes stop"
                " working, and"
                " whoever is signed in by them is out. You can bring each back, with a new code."
            ),
            danger=True,
            whole=True,
        ),
    )

    def allowed_actions(self) -> list[BulkAction]:
        """Archived classes are brought back one by one, each with a new code."""
        return [] if asked("archived") else super().allowed_actions()

    def question(
        self, tx: Transaction, action: BulkAction, chosen: Sequence[Classroom], *, count: int
    ) -> list[str]:
        """Which classes, by name."""
        named = some_of([room.name for room in chosen], of=count)
        return [
            gettext("%(classes)s will be archived.", classes=named),
            *super().question(tx, action, chosen, count=count),
        ]

    def effects(self, tx: Transaction, action: BulkAction, numbers: Collection[int]) -> list[str]:
        """How many students sit in them."""
        del action
        seated = place_queries.seated_in(tx, numbers)
        return [
            ngettext(
                "1 student has a place in them. They keep their points and stay listed.",
                "%(count)s students have a place in them. They keep their points and stay listed.",
                seated,
                count=amount(seated),
            )
        ]

    def archive(self, classrooms: Which) -> str:
        """Archive the selected classes."""
        archived = archiving.archive_classrooms(principal=self.who, classrooms=classrooms)
        return gettext("%(rows)s archived.", rows=self.counted(archived))

    def opens_to(self, who: Principal, door: str) -> bool:
        """The list opens, empty, for whoever may make a class."""
        return super().opens_to(who, door) or (door == "index" and super().opens_to(who, "new"))

    def name_of(self, thing: Classroom) -> Any:
        """Classes sort by their name."""
        return names.sort_key(thing.name, None)

    def narrowed(self, tx: Transaction, statement: Select[Any]) -> Select[Any]:
        """By the words of its name."""
        if words := " ".join(searched_words()):
            statement = statement.where(queries.is_named(tx, statement, words, Classroom.name))
        return statement

    def rows(self, tx: Transaction, things: Sequence[Classroom]) -> list[Row]:
        """Class, school, size, door and code."""
        sizes = queries.class_sizes(tx, things)
        schools = queries.school_names(tx, {thing.school_id for thing in things})
        live, doors = queries.live_codes(tx, things), states_of(tx, things, clock.now())
        return [
            Row(
                thing.public_id,
                f"/console/classrooms/{thing.public_id}",
                (
                    Cell(thing.name),
                    _mark_cell(thing),
                    Cell(schools.get(thing.school_id)),
                    Cell(str(sizes.get(thing.id, 0)), "number"),
                    wording.cell(doors.get(thing.id)),
                    Cell(codes.spaced(live[thing.id]) if thing.id in live else None, "code"),
                ),
            )
            for thing in things
        ]

    def rename(self, public_id: str, written: Mapping[str, str], seen: str) -> None:
        """Rename a class in the list."""
        services.rename_classroom(principal=self.who, classroom=public_id, name=written["name"], seen=seen)

    def renamed_by(self, tx: Transaction, room: Classroom) -> Changed | None:
        """Who gave a class its name, while that is kept."""
        return changed_by(tx, room, ClassroomField.NAME, room.name)

    def marked_by(self, tx: Transaction, room: Classroom) -> Changed | None:
        """Who gave a class its mark, while that is kept."""
        return changed_by(tx, room, ClassroomField.MARK, [room.icon, room.colour])

    def mark(self, public_id: str, written: Mapping[str, str], seen: str) -> None:
        """Give a class another mark in the list."""
        archiving.mark_classroom(
            principal=self.who,
            classroom=public_id,
            icon=written["icon"],
            colour=written["colour"],
            seen=seen,
        )

    def extras(self, tx: Transaction) -> dict[str, Any]:
        """The way to a new class."""
        new_url = "/console/classrooms/new" if self.opens("new") else None
        school = self.filtered_by(tx, "school")
        if school:
            new_url = new_url and f"{new_url}?school={school.public_id}"
        return {
            "description": gettext("Each class has a code that lets its students in."),
            "new_url": new_url,
            "new_title": gettext("New class"),
            "offered": (school and offered(tx, Where.SCHOOL, school)) or offered(tx, Where.CLASSROOMS),
            "empty": {
                "title": gettext("No classes yet"),
                "sentence": gettext("Make a class, then paste the names of its students."),
                "url": new_url,
                "action": gettext("Make your first class"),
                "hidden_url": "./?archived=yes",
                "hidden_action": gettext("Or look at archived ones"),
                "icon": "classes",
            },
        }

    @expose("/new", methods=("GET", "POST"))
    @shows_what_was_typed
    def new(self) -> str | Response | tuple[str, int]:
        """Make a class."""
        tx = reading()
        form = NewClassroomForm(school=request.args.get("school"))
        only = form.school.only_one(tx)
        if only:
            del form.school
        else:
            form.school.fill(tx, gettext("Choose a school"))

        def save() -> str:
            made = services.create_classroom(
                principal=self.who,
                school=only or form.school.data,
                name=form.name.data or "",
                shared_devices=form.shared_devices.data,
            )
            return f"/console/classrooms/{made}"

        return self.form_page(
            form,
            save=save,
            said=gettext("The class is ready. Add its students next."),
            heading=gettext("New class"),
            full=full_at(tx, only or form.school.data, Entitlement.CLASSES),
            intro=gettext("It gets a code of its own. Its door is open from the start."),
            submit_title=gettext("Make the class"),
            cancel_url="/console/classrooms/",
            crumbs=[CRUMB, {"title": gettext("New class")}],
        )

    @expose("/<classroom:public_id>", methods=("GET",))
    def details(self, public_id: str) -> str:
        """One class: its code, its door, its students, its adults."""
        tx = reading()
        row = find(tx, Classroom, public_id)
        edit = can(self.who, CLASSROOMS_EDIT, row)
        students = queries.students_of(tx, row)
        code, lesson = code_services.live_code(tx, row), code_services.lesson_code(tx, row)
        place, now = place_of(tx, row), clock.now()
        door = state(row, place, now)
        base = f"/console/classrooms/{public_id}"
        return self.render(
            "console/classroom.html",
            classroom={
                "name": row.name,
                "public_id": row.public_id,
                "code": codes.spaced(code) if code else None,
                "lesson": {"code": codes.spaced(lesson[0]), "until": lesson[1]} if lesson else None,
                "sentence": wording.sentence(door, now, ZoneInfo(self.who.time_zone)),
                **wording.shown(door),
                "school_name": queries.school_name(tx, row),
            },
            join_address=f"{urlsplit(settings().base_url).netloc}/join",
            students=[
                {
                    "public_id": student.public_id,
                    "url": f"/console/students/{student.public_id}?classroom={public_id}",
                    "name": student.name,
                    "points": student.points,
                    "avatar": student.avatar,
                }
                for student in students
            ],
            staff=[{"name": name, "role": ROLES[role]} for name, role in queries.staff_of(tx, row)],
            door_form=FlaskForm(),
            urls={
                "edit": f"{base}/edit",
                "paste": f"{base}/paste",
                "students": f"/console/students/?classroom={public_id}",
                "letters": f"/console/families/letters/{public_id}"
                if students and can(self.who, GUARDIANS_INVITE, row)
                else None,
                "entry": f"{base}/entry" if edit else None,
                "door": f"{base}/door" if edit else None,
            },
            class_mark=mark_of(row),
            tabs=tabs(self.who, row),
            own=own_fields.section(
                own_fields.own_values(tx, FieldSubject.CLASSROOM, row),
                f"{base}/fields" if edit and row.archived_at is None else None,
            ),
            roster=state_of(tx, self.who, row),
            may={"edit": edit, "paste": can(self.who, STUDENTS_CREATE, row)},
            crumbs=[CRUMB, {"title": row.name}],
        )

    @expose("/<classroom:public_id>/edit", methods=("GET", "POST"))
    @shows_what_was_typed
    def edit(self, public_id: str) -> str | Response | tuple[str, int]:
        """Rename a class."""
        row = find(reading(), Classroom, public_id, permission=CLASSROOMS_EDIT)
        form = EditClassroomForm(obj=row)
        own_page = f"/console/classrooms/{public_id}"
        if not form.is_submitted():
            form.seen.data = version(row.name, row.shared_devices)

        def now() -> tuple[str, str]:
            there = reread(reading(), Classroom, public_id, CLASSROOMS_EDIT)
            return _called(there), version(there.name, there.shared_devices)

        def save() -> str:
            with not_over_others(form.seen, now):
                services.rename_classroom(
                    principal=self.who,
                    classroom=public_id,
                    name=form.name.data or "",
                    shared_devices=form.shared_devices.data,
                    seen=form.seen.data or None,
                )
            return own_page

        return self.form_page(
            form,
            save=save,
            said=gettext("Saved."),
            record=row,
            heading=gettext("Edit class"),
            aside={"title": gettext("Choose its picture and colour"), "url": f"{own_page}/manage"},
            submit_title=gettext("Save"),
            cancel_url=own_page,
            crumbs=[CRUMB, {"title": row.name, "url": own_page}, {"title": gettext("Edit")}],
        )

    @expose("/<classroom:public_id>/fields", methods=("GET", "POST"))
    @shows_what_was_typed
    def fields(self, public_id: str) -> str | Response | tuple[str, int]:
        """Write in the fields of the school's own about a class."""
        tx = reading()
        row = find(tx, Classroom, public_id, permission=CLASSROOMS_EDIT)
        own = own_fields.own_values(tx, FieldSubject.CLASSROOM, row)
        if not own.fields:
            raise NotFound
        form, own_page = own.form(), f"/console/classrooms/{public_id}"

        def save() -> str:
            writing = partial(write_classroom_values, principal=self.who, classroom=public_id)
            own_fields.write(FieldSubject.CLASSROOM, row, own, form, writing)
            return own_page

        return self.form_page(
            form,
            save=save,
            said=gettext("Saved."),
            heading=gettext("Fields of the school"),
            intro=row.name,
            cancel_url=own_page,
            crumbs=[
                CRUMB,
                {"title": row.name, "url": own_page},
                {"title": gettext("Fields of the school")},
            ],
        )

    @expose("/<classroom:public_id>/paste", methods=("GET", "POST"))
    @shows_what_was_typed
    def paste(self, public_id: str) -> str | Response | tuple[str, int]:
        """Add students from a list of names: first what would happen, then, confirmed, do it."""
        row = find(reading(), Classroom, public_id, permission=STUDENTS_CREATE)
        one = request.form.get("one") == "yes"
        form = PasteForm(_as_a_list(request.form)) if one else PasteForm()
        shown: dict[str, Any] = {}
        if request.method == "GET":
            shown = {"full": full(reading(), row.school_id, Entitlement.STUDENTS)}
        if form.validate_on_submit():
            done_reading()
            try:
                # A single child about whom there is no question is added at once; it can be undone.
                if request.form.get("confirm") == "yes" or (
                    one and self._is_plain(public_id, form.names.data)
                ):
                    added = self._add(public_id, form.names.data or "")
                    if not added.left_out:
                        flash(what_was_added(added), "success")
                        return redirect(f"/console/classrooms/{public_id}", 303)
                    form = PasteForm(formdata=None, names="\n".join(added.left_out))
                    shown = {"added": what_was_added(added), "left_out": len(added.left_out)}
                else:
                    shown = self._preview(public_id, form.names.data or "")
                    new = shown["counts"][LineState.NEW]
                    shown["full"] = full(reading(), row.school_id, Entitlement.STUDENTS, wanted=new)
            except Rejected as rejected:
                shown = {"problem": show_rejection(form, rejected)}
        page = self.render(
            "console/paste.html",
            form=form,
            classroom={"name": row.name, "url": f"/console/classrooms/{public_id}"},
            crumbs=[
                CRUMB,
                {"title": row.name, "url": f"/console/classrooms/{public_id}"},
                {"title": gettext("Add students")},
            ],
            **shown,
        )
        return (page, 422) if form.errors else page

    def _add(self, public_id: str, text: str) -> Added:
        answers = {
            int(name.removeprefix(ANSWER)): value
            for name, value in request.form.items()
            if name.startswith(ANSWER) and LINE_NUMBER.fullmatch(name.removeprefix(ANSWER))
        }
        ticked = (int(line) for line in request.form.getlist("another") if LINE_NUMBER.fullmatch(line))
        return rosters.add_students(
            principal=self.who,
            classroom=public_id,
            text=text,
            answers=answers | dict.fromkeys(ticked, ANOTHER),
        )

    def _is_plain(self, public_id: str, text: str | None) -> bool:
        lines = rosters.preview_names(principal=self.who, classroom=public_id, text=text or "")
        return [line.state for line in lines] in ([LineState.NEW], [LineState.BACK])

    def _preview(self, public_id: str, text: str) -> dict[str, Any]:
        lines = rosters.preview_names(principal=self.who, classroom=public_id, text=text)
        order = list(SHOWN_FIRST)
        return {
            "preview": sorted(lines, key=lambda line: order.index(line.state)),
            "counts": Counter(line.state for line in lines),
            "text": text,
        }

    @expose("/<classroom:public_id>/undo", methods=("POST",))
    def resume(self, public_id: str) -> Response:
        """Bring back those who have just been taken out of the class."""
        left_at = sent_moment("left_at")
        done_reading()
        try:
            back = student_services.resume_enrollments(
                principal=self.who, classroom=public_id, left_at=left_at
            )
        except Rejected as rejected:
            flash(rejected.in_words, "warning")
            return redirect(f"/console/classrooms/{public_id}", 303)
        if back:
            flash(
                ngettext(
                    "1 student is back in the class.",
                    "%(count)s students are back in the class.",
                    back,
                    count=back,
                ),
                "success",
            )
        else:
            flash(gettext("Nobody had to be brought back."), "info")
        return redirect(f"/console/classrooms/{public_id}", 303)

    @expose("/<classroom:public_id>/door", methods=("POST",))
    def door(self, public_id: str) -> Response:
        """Open the door, open it for an hour, or close it."""
        wanted = request.form.get("door", "")
        if wanted not in {Door.OPEN, Door.CLOSED, Door.UNTIL}:
            abort(400)
        done_reading()
        until = clock.now() + DOOR_HOUR if wanted == Door.UNTIL else None
        door_services.set_door(principal=self.who, classroom=public_id, door=Door(wanted), until=until)
        flash(self._door_said(Door(wanted), until), "success")
        return redirect(f"/console/classrooms/{public_id}", 303)

    def _door_said(self, door: Door, until: datetime | None) -> str:
        if until is not None:
            there = until.astimezone(ZoneInfo(self.who.time_zone))
            return gettext("The door is open until %(until)s.", until=wording.at_clock(there))
        return gettext("The door is closed.") if door is Door.CLOSED else gettext("The door is open.")


def _mark_cell(room: Classroom) -> Cell:
    mark = mark_of(room)
    return Cell(mark, "mark", exact=labels.in_words(mark) if mark else None)


def _as_a_list(sent: Mapping[str, str]) -> MultiDict[str, str]:
    """The names of a single child as a list of one line, in columns."""
    cells = (" ".join(sent.get(name, "").split()) for name in ("given_name", "family_name"))
    return MultiDict({"names": "\t".join(cells), "csrf_token": sent.get("csrf_token", "")})


def _called(classroom: Classroom) -> str:
    """What the form of a class holds of it, in words."""
    devices = gettext("shared devices") if classroom.shared_devices else gettext("devices of their own")
    return f"{classroom.name}, {devices}"


def what_was_added(added: Added) -> str:
    """What became of a pasted list: "23 students added. 1 came back. 6 lines were left out."."""
    said = []
    if added.new or not (added.back or added.joined):
        said.append(ngettext("1 student added.", "%(count)s students added.", added.new, count=added.new))
    if added.back:
        said.append(gettext("%(back)s came back.", back=added.back))
    if added.joined:
        said.append(gettext("%(joined)s joined from another class.", joined=added.joined))
    if added.left_out:
        many = len(added.left_out)
        said.append(ngettext("1 line was left out.", "%(count)s lines were left out.", many, count=many))
    return " ".join(said)
