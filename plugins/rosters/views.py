"""Rosters in the console: uploading one, watching it come in, and what came of it."""

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from flask import Response, flash, g, redirect, request
from flask_admin import expose
from flask_wtf import FlaskForm
from flask_wtf.file import FileField, FileRequired
from werkzeug.wrappers import Response as BaseResponse
from wtforms import BooleanField
from wtforms.validators import DataRequired

from backoffice.access.lookup import find
from backoffice.access.transaction import Transaction
from backoffice.console.command import Command
from backoffice.console.grid import Cell, Column, Grid, Row, moment, number
from backoffice.console.grids.columns import By
from backoffice.console.grids.filters import Choice, ChoiceFilter, DateFilter, Few, NumberFilter
from backoffice.console.guard import SECONDS_AT_WORK
from backoffice.console.picker.fields import PickField, PickingForm
from backoffice.imports.plan import RowState
from backoffice.language.texts import gettext, lazy
from backoffice.problems import Rejected
from backoffice.spreadsheets.csv_files import QUOTED, safe
from backoffice.web.identity import done_reading, reading
from backoffice.web.rejections import show_rejection
from plugins.rosters import queries, said, services
from plugins.rosters.importing.outcome import Outcome
from plugins.rosters.left_alone import left_alone
from plugins.rosters.models import ImportState, RosterImport
from plugins.rosters.permissions import ROSTERS_IMPORT
from plugins.rosters.picking import PLACE
from plugins.rosters.reading.oneroster import read_set
from plugins.rosters.reading.package import PACKAGE, UPLOADED, PackageRefused, open_package
from plugins.rosters.reading.reduced import reduce_set
from plugins.rosters.reading.report import Report, Severity
from plugins.rosters.settings import current

STATES: Mapping[str, tuple[str, str]] = {
    ImportState.WAITING: (lazy("Waiting"), "info"),
    ImportState.CHECKING: (lazy("Being checked"), "info"),
    ImportState.LOOKED: (lazy("To look at"), "warn"),
    ImportState.IMPORTING: (lazy("Coming in"), "info"),
    ImportState.DONE: (lazy("Done"), "good"),
    ImportState.REFUSED: (lazy("Refused"), "bad"),
    ImportState.FAILED: (lazy("Failed"), "bad"),
}


class UploadForm(PickingForm):
    """A roster file, and where it goes."""

    place = PickField(lazy("Into"), [DataRequired(lazy("Choose a school or a district."))], relation=PLACE)
    file = FileField(
        lazy("Roster file"),
        [FileRequired(lazy("Choose the zip file."))],
        description=lazy("A OneRoster 1.1 set as one zip, as your student information system exports it."),
    )
    look_first = BooleanField(
        lazy("Look at it first"),
        default=True,
        description=lazy(
            "You see how many classes, people and places in classes are new, changed and the same."
            " Nothing is changed before you bring it in."
        ),
    )


COMING_IN = lazy("The roster is being brought in. You get a mail when it is done.")
LOOKING = lazy("The roster is being looked at. You get a mail when you can bring it in.")
# Of each kind, what is counted as new, changed and gone.
KINDS = {
    "classes": lazy("Classes"),
    "students": lazy("Students"),
    "teachers": lazy("Teachers"),
    "enrollments": lazy("Enrollments"),
}
SEVERITIES: Mapping[str, str] = {Severity.ERROR: lazy("error"), Severity.WARNING: lazy("warning")}
FEW = Few("the imports of the schools that somebody leads, a few a week")


class RosterGrid(Grid):
    """The imports that somebody may see, each one's page, and the way to a new one."""

    entity = RosterImport
    doors = {
        "index": ROSTERS_IMPORT,
        "export": ROSTERS_IMPORT,
        "upload": ROSTERS_IMPORT,
        "details": ROSTERS_IMPORT,
        "problems": ROSTERS_IMPORT,
        "bring_in": ROSTERS_IMPORT,
    }
    fresh = Grid.fresh | {"upload", "bring_in"}
    uploads: ClassVar[Mapping[str, int]] = {"upload": services.LARGEST_UPLOAD}
    commands = (
        Command(lazy("Bring in a roster"), "upload", "rosters/new", also=lazy("oneroster import upload zip")),
    )
    title = lazy("Rosters")
    category = lazy("School")
    address = "rosters"
    icon = "rosters"
    noun = (lazy("import"), lazy("imports"))
    newest_first = True
    columns = (
        Column("place", lazy("Into")),
        Column("when", lazy("When"), sort=By(RosterImport.id, ("pk_roster_import",), latest_first=True)),
        Column("state", lazy("How it stands"), optional=True),
        Column("lines", lazy("Lines read"), numeric=True, optional=True),
    )
    filters = (
        ChoiceFilter(
            "state",
            lazy("How it stands"),
            choices=tuple(
                Choice(state, words, RosterImport.state == state) for state, (words, _tone) in STATES.items()
            ),
            several=True,
            carried_by=FEW,
        ),
        DateFilter("when", lazy("When"), column=RosterImport.created_at, moments=True, carried_by=FEW),
        NumberFilter("lines", lazy("Lines read"), column=RosterImport.done, carried_by=FEW),
    )

    def rows(self, tx: Transaction, things: Sequence[RosterImport]) -> list[Row]:
        """When, where, and how far."""
        names = queries.names_of_places(tx, things)
        return [
            Row(
                each.public_id,
                f"/console/rosters/{each.public_id}",
                (
                    Cell(names[each.id]),
                    moment(each.created_at, g.zone),
                    Cell(STATES[each.state][0], "badge", tone=STATES[each.state][1]),
                    number(each.done),
                ),
            )
            for each in things
        ]

    def extras(self, tx: Transaction) -> dict[str, Any]:
        """The way to a new import."""
        del tx
        return {
            "description": gettext(
                "A roster brings classes, teachers and students in, and keeps them up to date."
                " Nobody is ever erased by one."
            ),
            "new_url": "/console/rosters/new",
            "new_title": gettext("Bring in a roster"),
            "empty": {
                "title": gettext("No roster yet"),
                "sentence": gettext(
                    "Export a OneRoster set from the system that your school keeps, and bring it in."
                ),
                "url": "/console/rosters/new",
                "action": gettext("Bring in a roster"),
                "icon": "rosters",
            },
        }

    @expose("/new", methods=("GET", "POST"))
    def upload(self) -> str | BaseResponse | tuple[str, int]:
        """Take a roster in. What is not to be kept is dropped here, in memory, before anything is stored."""
        tx, form = reading(), UploadForm()
        form.place.data = form.place.data or form.place.only_one(tx)
        form.place.fill(tx, gettext("Choose a school or a district"))
        problem, report = None, Report()
        if form.validate_on_submit():
            target = queries.target(tx, form.place.data)
            done_reading()
            content, total = _reduced(form.file.data.read(), report)
            if not report.stops:
                try:
                    made = services.queue_upload(
                        principal=self.who,
                        target=target,
                        content=[content],
                        report=report,
                        total=total,
                        look_first=form.look_first.data,
                    )
                except Rejected as rejected:
                    problem = show_rejection(form, rejected)
                else:
                    flash(LOOKING if form.look_first.data else COMING_IN, "success")
                    return redirect(f"/console/rosters/{made}", 303)
        page = self.render(
            "rosters/upload.html",
            form=form,
            problem=problem,
            found=said.report(Outcome(report).public()) if report.stops else None,
            most=services.LARGEST_UPLOAD >> 20,
            crumbs=[
                {"title": self.title, "url": "/console/rosters/"},
                {"title": gettext("Bring in a roster")},
            ],
        )
        return (page, 422) if form.errors or problem or report.stops else page

    @expose("/<import:public_id>", methods=("GET",))
    def details(self, public_id: str) -> str:
        """One import: how far it is, then what came of it."""
        tx = reading()
        row = find(tx, RosterImport, public_id, permission=ROSTERS_IMPORT)
        words, tone = STATES[row.state]
        place = queries.names_of_places(tx, [row])[row.id]
        found = None if row.report is None else said.report(row.report)
        return self.render(
            "rosters/import.html",
            row=row,
            place=place,
            seconds=self.looks_again(tx, every=SECONDS_AT_WORK),
            state={"words": words, "tone": tone, "over": ImportState(row.state).is_over},
            found=found,
            word=gettext,
            form=FlaskForm(),
            kinds=planned(row.report) if row.state == ImportState.LOOKED and row.report else [],
            seen=services.digest_of(row),
            bring_in_url=f"/console/rosters/{public_id}/bring-in",
            kept=current(tx).upload_hours,
            names=row.names or {},
            alone=left_alone(tx, row.names),
            stops=[each for each in (found or {}).get("problems", ()) if each["severity"] == Severity.ERROR],
            named_for=current(tx).names_days,
            problems_url=f"/console/rosters/{public_id}/problems.csv",
            crumbs=[{"title": self.title, "url": "/console/rosters/"}, {"title": place}],
        )

    @expose("/<import:public_id>/bring-in", methods=("POST",))
    def bring_in(self, public_id: str) -> BaseResponse:
        """Let a roster come in that was looked at."""
        done_reading()
        try:
            services.bring_in(principal=self.who, roster=public_id, seen=request.form.get("seen", ""))
        except Rejected as rejected:
            flash(rejected.in_words, "info")
        else:
            flash(COMING_IN, "success")
        return redirect(f"/console/rosters/{public_id}", 303)

    @expose("/<import:public_id>/problems.csv", methods=("GET",))
    def problems(self, public_id: str) -> Response:
        """What was found in the files, as a list to work through."""
        row = find(reading(), RosterImport, public_id, permission=ROSTERS_IMPORT)
        text = io.StringIO()
        writer = csv.writer(text, quoting=QUOTED)
        writer.writerow(
            [
                gettext("Severity"),
                gettext("File"),
                gettext("Line"),
                gettext("Column"),
                gettext("What"),
                gettext("What to do"),
            ]
        )
        for each in said.report(row.report).get("problems", ()) if row.report else ():
            cells: list[Any] = [SEVERITIES[each["severity"]]]
            cells += [each[key] for key in ("file", "line", "column", "sentence", "remedy")]
            writer.writerow(["" if cell is None else safe(str(cell)) for cell in cells])
        return Response(
            text.getvalue(),
            mimetype="text/csv",
            headers={"Content-Disposition": 'attachment; filename="roster-problems.csv"'},
        )


def planned(report: Mapping[str, Any]) -> list[tuple[str, Mapping[str, int], int]]:
    """Of each kind how many rows are new, changed and the same, and how many places end."""
    counts, read = report["counts"], report.get("read", {})
    found: list[tuple[str, Mapping[str, int], int]] = []
    for kind, title in KINDS.items():
        new = counts.get(f"{kind} new", 0)
        changed = counts.get(f"{kind} changed", 0) + counts.get(f"{kind} resumed", 0)
        same = max(read.get(kind, 0) - new - changed, 0)
        of_kind: Mapping[str, int] = {RowState.NEW: new, RowState.CHANGED: changed, RowState.SAME: same}
        found.append((title, of_kind, counts.get(f"{kind} ended", 0)))
    return found


def _reduced(content: bytes, report: Report) -> tuple[bytes, int]:
    """The set without what is not taken. The report says what stops it, and what was dropped."""
    try:
        with open_package(content, report, limits=UPLOADED) as package:
            return reduce_set(read_set(package, report))
    except PackageRefused as refused:
        report.error(PACKAGE, refused.sentence, refused.remedy)
        return b"", 0
