"""Incidents in the console: what is known, the clocks that run, what was done. For founders."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any
from uuid import uuid4

from flask import flash, g, redirect, request
from flask_admin import expose
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response

from backoffice import clock
from backoffice.access.lookup import NotFound, find
from backoffice.access.transaction import Transaction
from backoffice.console.command import Command
from backoffice.console.grid import Cell, Column, Grid, Row, moment
from backoffice.console.grids.columns import By
from backoffice.console.grids.filters import EmptyFilter, Few
from backoffice.language.texts import gettext, lazy
from backoffice.printing.document import Paper
from backoffice.problems import Rejected
from backoffice.storage.public_id import is_public_id
from backoffice.web.identity import done_reading, reading
from backoffice.web.resend import shows_what_was_typed
from plugins.notifications import clocks, contracts, queries, said, schools, services
from plugins.notifications.deadlines.facts import Encrypted, Risk, Role
from plugins.notifications.drills import queries as drills
from plugins.notifications.drills.showing import marked
from plugins.notifications.drills.views import events_shown
from plugins.notifications.evidence.bundle import fingerprint
from plugins.notifications.evidence.services import make_bundle
from plugins.notifications.forms import (
    CloseForm,
    ContractForm,
    DecideForm,
    EvidenceForm,
    FactsForm,
    GivenForm,
    NoteForm,
    OpenForm,
    PeopleForm,
    PlaceForm,
    TaskForm,
    ToldForm,
)
from plugins.notifications.models import ConcernedSchool, Counted, Incident
from plugins.notifications.permissions import INCIDENTS_READ, INCIDENTS_RUN
from plugins.notifications.scope import queries as scope_queries
from plugins.notifications.scope import said as scope_shown
from plugins.notifications.scope import services as scopes
from plugins.notifications.scope.forms import FORMS, ScopePlaceForm, WithdrawForm, add_source
from plugins.notifications.scope.models import SourceKind
from plugins.notifications.scope.words import COMPUTED, SAYS
from plugins.notifications.scope.words import KINDS as SOURCES
from plugins.notifications.words import ENCRYPTED, KINDS, RISKS, ROLES

HERE = "/console/incidents/"
CRUMB = {"title": lazy("Incidents"), "url": HERE}
FEW = Few(lazy("the incidents of six years, a few a year"))
_DIGITS = 10
Answer = str | Response | tuple[str, int]


class IncidentsGrid(Grid):
    """All incidents, each one's page, and what is written down on it."""

    entity = Incident
    doors = {
        "index": INCIDENTS_READ,
        "details": INCIDENTS_READ,
        "export": INCIDENTS_READ,
        **dict.fromkeys(
            (
                *("open", "facts", "note", "decide", "task", "done", "close", "evidence"),
                *("concern", "people", "told", "leave_out", "given", "scope", "withdraw", "contract"),
            ),
            INCIDENTS_RUN,
        ),
    }
    # What leaves the house, too, and whose account, session or file it was.
    fresh = Grid.fresh | {"evidence", "scope", "withdraw"}
    icon = "incidents"
    title = lazy("Incidents")
    category = lazy("Operations")
    address = "incidents"
    noun = (lazy("incident"), lazy("incidents"))
    newest_first = True
    columns = (
        Column("title", lazy("Name")),
        Column("opened_at", lazy("Opened"), sort=By(Incident.id, ("pk_incident",), latest_first=True)),
        Column("next", lazy("Next deadline")),
        Column("state", lazy("State")),
    )
    filters = (
        EmptyFilter(
            "state",
            lazy("State"),
            column=Incident.closed_at,
            empty=("open", lazy("Open")),
            filled=("closed", lazy("Closed")),
            carried_by=FEW,
            at_hand=True,
        ),
    )
    commands = (
        Command(lazy("Look at incidents"), "index", "incidents/", also=lazy("breach clocks deadlines")),
        Command(lazy("Open an incident"), "open", "incidents/new", also=lazy("breach something went wrong")),
    )

    def rows(self, tx: Transaction, things: Sequence[Incident]) -> list[Row]:
        """What each is called, what ends next, and whether it is open."""
        standings, now = clocks.standings(tx, things), clock.now()
        return [
            Row(
                each.public_id,
                f"{HERE}{each.public_id}",
                (
                    Cell(each.title),
                    moment(each.opened_at, g.zone),
                    Cell("") if each.closed_at else _next(said.clocks(standings[each.id], now)),
                    _state(each),
                ),
            )
            for each in things
        ]

    def extras(self, tx: Transaction) -> dict[str, Any]:
        """The way to a new one."""
        del tx
        may = self.opens("open")
        return {
            "description": gettext("What went wrong, who has to be told by when, and what was done."),
            "new_url": f"{HERE}new" if may else None,
            "new_title": gettext("Open an incident"),
            "beside": [(gettext("Drills"), f"{HERE}drills")],
            "empty": {
                "title": gettext("No incident"),
                "sentence": gettext(
                    "When something goes wrong, open one here; play a drill now and then, so that it is no"
                    " news then."
                ),
                "url": f"{HERE}new" if may else None,
                "action": gettext("Open an incident"),
                "icon": "incidents",
            },
        }

    @expose("/<incident:public_id>", methods=("GET",))
    def details(self, public_id: str) -> str:
        """One incident: the clocks, the facts, the schools, the tasks and the timeline."""
        tx, now = reading(), clock.now()
        row = marked(find(tx, Incident, public_id, permission=INCIDENTS_READ))
        found = clocks.standing(tx, row)
        concerned = list(found.schools.values())
        unsaid = sum(each.contract_rule is None for each in concerned)
        return self.render(
            "notifications/incident.html",
            incident=row,
            state=_state(row),
            facts=_facts(row),
            clocks=said.clocks(found, now),
            not_owed=said.not_owed(found),
            late_reasons=said.late_reasons(found, *queries.late_reasons(tx, row)),
            contract="" if unsaid == len(concerned) > 0 else said.BOUND[found.deadlines.contract],
            unsaid=unsaid,
            terms={each.id: contracts.said(contracts.terms_of(each)) for each in concerned},
            statute=said.BOUND[found.deadlines.statute],
            unknown=[*found.deadlines.unknown_places, *found.deadlines.incomplete_places],
            today=now.date(),
            schools=concerned,
            no_longer={each.id for each in concerned if schools.is_no_longer_reached(each)},
            names=queries.names_of(tx, concerned),
            tasks=queries.tasks(tx, row),
            timeline=queries.timeline(tx, row),
            most=queries.MOST_ENTRIES,
            **(drill := _drill(tx, row, now)),
            seconds=self.looks_again(tx) if drill["looks"] else None,
            may_run=self.opens("note") and row.closed_at is None,
            may_take=self.opens("evidence"),
            form=FlaskForm(),
            crumbs=[CRUMB, {"title": row.title}],
        )

    @expose("/new", methods=("GET", "POST"))
    @shows_what_was_typed
    def open(self) -> Answer:
        """Open an incident, by hand or from a report."""
        report = request.args.get("report", "")
        form = OpenForm(
            data={
                "form": str(uuid4()),
                "noticed_at": clock.now(),
                "report": report if is_public_id(report) else "",
            }
        )

        def save() -> str:
            assert form.noticed_at.data is not None
            made = services.open_incident(
                principal=self.who,
                opened=services.Opened(
                    title=form.title.data or "",
                    what=form.what.data or "",
                    noticed_at=form.noticed_at.data,
                    form=form.form.data or "",
                    is_drill=bool(form.is_drill.data),
                    report=form.report.data or None,
                ),
            )
            return f"{HERE}{made}"

        return self.form_page(
            form,
            save=save,
            said=gettext("The incident is open. Say which schools it concerns, and what is known."),
            heading=gettext("Open an incident"),
            submit_title=gettext("Open it"),
            cancel_url=HERE,
            crumbs=[CRUMB, {"title": gettext("Open an incident")}],
        )

    @expose("/<incident:public_id>/facts", methods=("GET", "POST"))
    @shows_what_was_typed
    def facts(self, public_id: str) -> Answer:
        """What is known by now, as laws ask for it."""
        row = self._row(public_id)
        form = FactsForm(
            data={
                "seen": row.version,
                "what": row.what,
                "systems": row.systems or "",
                "kinds": row.kinds,
                "encrypted": row.encrypted,
                "role": row.role,
                "risk": row.risk,
                **{name: getattr(row, name) for name in services.MOMENTS},
            }
        )
        before = {name: getattr(row, name) for name in services.MOMENTS}

        def save() -> str:
            moments: dict[str, datetime | None] = {
                name: form[name].same_as(before[name]) for name in services.MOMENTS
            }
            noticed = moments.pop("noticed_at")
            assert noticed is not None
            services.state_facts(
                principal=self.who,
                incident=public_id,
                stated=services.Stated(
                    what=form.what.data or "",
                    systems=form.systems.data or "",
                    role=Role(form.role.data),
                    risk=Risk(form.risk.data),
                    kinds=frozenset(form.kinds.data or ()),
                    encrypted=Encrypted(form.encrypted.data),
                    noticed_at=noticed,
                    **moments,
                ),
                seen=_version(form.seen.data or ""),
            )
            return f"{HERE}{public_id}"

        return self._page(
            row,
            form,
            save,
            heading=gettext("What is known"),
            intro=gettext(
                "All clocks are computed anew from what stands here. Each change is a line of the timeline."
            ),
            done=gettext("It is written down, and the clocks are computed anew."),
            submit=gettext("Save what is known"),
        )

    @expose("/<incident:public_id>/note", methods=("GET", "POST"))
    @shows_what_was_typed
    def note(self, public_id: str) -> Answer:
        """One more line of the timeline."""
        row = self._row(public_id)
        form = NoteForm(data={"happened_at": clock.now()})

        def save() -> str:
            assert form.happened_at.data is not None
            services.note(
                principal=self.who,
                incident=public_id,
                said=form.said.data or "",
                happened_at=form.happened_at.data,
            )
            return f"{HERE}{public_id}#timeline"

        return self._page(
            row,
            form,
            save,
            heading=gettext("Write it down"),
            done=gettext("It stands in the timeline."),
            submit=gettext("Write it down"),
        )

    @expose("/<incident:public_id>/decide", methods=("GET", "POST"))
    @shows_what_was_typed
    def decide(self, public_id: str) -> Answer:
        """A decision with its reason."""
        row, form = self._row(public_id), DecideForm()

        def save() -> str:
            services.decide(
                principal=self.who,
                incident=public_id,
                said=form.said.data or "",
                reason=form.reason.data or "",
            )
            return f"{HERE}{public_id}#timeline"

        return self._page(
            row,
            form,
            save,
            heading=gettext("Write a decision down"),
            done=gettext("It stands in the timeline."),
            submit=gettext("Write it down"),
        )

    @expose("/<incident:public_id>/task", methods=("GET", "POST"))
    @shows_what_was_typed
    def task(self, public_id: str) -> Answer:
        """Something that has to be done."""
        row, form = self._row(public_id), TaskForm()

        def save() -> str:
            services.add_task(
                principal=self.who,
                incident=public_id,
                said=form.said.data or "",
                due_at=form.due_at.data,
            )
            return f"{HERE}{public_id}#tasks"

        return self._page(
            row,
            form,
            save,
            heading=gettext("Set a task"),
            done=gettext("The task is set."),
            submit=gettext("Set it"),
        )

    @expose("/tasks/<incident_task:public_id>/done", methods=("POST",))
    def done(self, public_id: str) -> Response:
        """A task is done."""
        return self._do(
            lambda: services.finish_task(principal=self.who, task=public_id),
            gettext("It is done, and stands in the timeline."),
            "#tasks",
        )

    @expose("/<incident:public_id>/close", methods=("GET", "POST"))
    @shows_what_was_typed
    def close(self, public_id: str) -> Answer:
        """Close an incident, saying how it ended."""
        row, form = self._row(public_id), CloseForm()

        def save() -> str:
            services.close_incident(
                principal=self.who,
                incident=public_id,
                reason=form.reason.data or "",
                although_open=bool(form.although_open.data),
            )
            return HERE

        return self._page(
            row,
            form,
            save,
            heading=gettext("Close this incident"),
            intro=gettext("Nothing can be written to it afterwards. It is kept for six years."),
            done=gettext("The incident is closed."),
            submit=gettext("Close the incident"),
        )

    @expose("/<incident:public_id>/evidence", methods=("GET", "POST"))
    @shows_what_was_typed
    def evidence(self, public_id: str) -> Answer:
        """All of it as a signed file, which is kept by nobody but who asks."""
        row, form = self._row(public_id), EvidenceForm()
        made: list[bytes] = []

        def save() -> str:
            bundle = make_bundle(
                principal=self.who,
                incident=public_id,
                whom=form.whom.data or "",
                sheet=Paper(form.sheet.data),
            )
            made.append(bundle.packed)
            return f"{HERE}{public_id}#timeline"

        page = self._page(
            row,
            form,
            save,
            heading=gettext("Take evidence along"),
            intro=gettext(
                "One signed file with all that stands here, for an authority or your own records. Founders"
                " are letters in it, and mail addresses are left out. Names that somebody wrote into a text"
                " are not: read it before you pass it on. Whoever checks it asks you for the fingerprint of"
                " our key: %(fingerprint)s",
                fingerprint=fingerprint(),
            ),
            done=gettext("The file was made. The timeline says for whom, with its hash.")
            if row.closed_at is None
            else gettext("The file was made. The trail says for whom, with its hash."),
            submit=gettext("Make the file"),
        )
        if not made:
            return page
        return Response(
            made[0],
            mimetype="application/zip",
            headers={"Content-Disposition": f'attachment; filename="incident-{public_id}.zip"'},
        )

    @expose("/<incident:public_id>/schools", methods=("GET", "POST"))
    @shows_what_was_typed
    def concern(self, public_id: str) -> Answer:
        """Which school or district is concerned, too."""
        tx, row, form = reading(), self._row(public_id), PlaceForm()
        form.place.fill(tx, gettext("Choose a school or a district"))

        def save() -> str:
            schools.concern(principal=self.who, incident=public_id, place=form.place.data or "")
            return f"{HERE}{public_id}#schools"

        return self._page(
            row,
            form,
            save,
            heading=gettext("Which schools are concerned?"),
            intro=gettext(
                "All of its students, staff and parents are counted at first. You can correct the numbers."
            ),
            done=gettext("It is written down, and the clocks are computed anew."),
            submit=gettext("Add it"),
        )

    @expose("/<incident:public_id>/scope", methods=("GET", "POST"))
    @shows_what_was_typed
    def scope(self, public_id: str) -> Answer:
        """Whom it is about, and what this follows from. The address says which kind of it is added."""
        row, kind = self._row(public_id), request.args.get("kind", "")
        if kind in FORMS:
            return self._source(row, SourceKind(kind))
        if kind:
            raise NotFound
        if FlaskForm().validate_on_submit():
            done_reading()
            return self._do_scope(row.public_id)
        tx = reading()
        sources = scope_queries.sources_of(tx, row)
        return self.render(
            "notifications/scope.html",
            incident=row,
            kinds=[(each, title, SAYS[each]) for each, title in SOURCES.items()],
            sources=scope_shown.shown(tx, sources),
            may_withdraw=any(each.withdrawn_at is None for each in sources),
            in_all=scope_queries.in_all(tx, row),
            form=FlaskForm(),
            crumbs=[
                CRUMB,
                {"title": row.title, "url": f"{HERE}{public_id}"},
                {"title": gettext("Whom it is about")},
            ],
        )

    def _do_scope(self, public_id: str) -> Response:
        try:
            scopes.compute_again(principal=self.who, incident=public_id)
        except Rejected as rejected:
            flash(rejected.in_words, "warning")
        else:
            flash(COMPUTED, "success")
        return redirect(f"{HERE}{public_id}/scope", 303)

    def _source(self, row: Incident, kind: SourceKind) -> Answer:
        form = FORMS[kind]()
        if isinstance(form, ScopePlaceForm):
            form.place.fill(reading(), gettext("Choose a school or a district"))

        def save() -> str:
            add_source(principal=self.who, incident=row.public_id, form=form)
            return f"{HERE}{row.public_id}/scope"

        return self._page(
            row,
            form,
            save,
            heading=str(SOURCES[kind]),
            intro=str(SAYS[kind]),
            done=str(COMPUTED),
            submit=gettext("Compute it"),
        )

    @expose("/<incident:public_id>/scope/withdraw", methods=("GET", "POST"))
    @shows_what_was_typed
    def withdraw(self, public_id: str) -> Answer:
        """Take back what was named by mistake."""
        tx, row, form = reading(), self._row(public_id), WithdrawForm()
        form.offer(
            [
                (each.public_id, scope_shown.in_a_line(each, g.zone))
                for each in scope_shown.shown(tx, scope_queries.sources_of(tx, row))
                if each.withdrawn_at is None
            ]
        )

        def save() -> str:
            scopes.withdraw(
                principal=self.who,
                incident=public_id,
                source=form.source.data or "",
                reason=form.reason.data or "",
            )
            return f"{HERE}{public_id}/scope"

        return self._page(
            row,
            form,
            save,
            heading=gettext("Withdraw what was named by mistake"),
            intro=gettext(
                "It stays written down, with your reason. Whom it alone has reached is no longer counted, but"
                " for those who were written to already."
            ),
            done=str(COMPUTED),
            submit=gettext("Withdraw it"),
        )

    @expose("/schools/<concerned_school:public_id>/people", methods=("GET", "POST"))
    @shows_what_was_typed
    def people(self, public_id: str) -> Answer:
        """How many people of a school are concerned."""
        concerned, row = self._school(public_id)
        form = PeopleForm(obj=concerned)

        def save() -> str:
            numbers = (form.students.data, form.staff.data, form.parents.data)
            schools.count_people(
                principal=self.who,
                school=public_id,
                people=schools.People(*(each if each is not None else -1 for each in numbers)),
            )
            return f"{HERE}{row.public_id}#schools"

        return self._page(
            row,
            form,
            save,
            heading=gettext("How many people are concerned?"),
            intro=self._called(concerned),
            done=gettext("It is written down, and the clocks are computed anew."),
            submit=gettext("Save the numbers"),
        )

    @expose("/schools/<concerned_school:public_id>/contract", methods=("GET", "POST"))
    @shows_what_was_typed
    def contract(self, public_id: str) -> Answer:
        """What the contract with a school asks, from which its own clock follows."""
        concerned, row = self._school(public_id)
        known = contracts.terms_of(concerned) or contracts.Terms("")
        form = ContractForm(data={"terms": known.rule, "hours": known.hours, "start": known.start})

        def save() -> str:
            schools.state_contract(
                principal=self.who,
                school=public_id,
                terms=contracts.Terms(
                    form.terms.data or "", form.hours.data, Counted(form.start.data or Counted.NOTICED)
                ),
                whole_district=bool(form.whole_district.data),
            )
            return f"{HERE}{row.public_id}#schools"

        return self._page(
            row,
            form,
            save,
            heading=gettext("What does the contract ask?"),
            intro=self._called(concerned),
            done=gettext("It is written down, and the clocks are computed anew."),
            submit=gettext("Save what it asks"),
        )

    @expose("/schools/<concerned_school:public_id>/told", methods=("GET", "POST"))
    @shows_what_was_typed
    def told(self, public_id: str) -> Answer:
        """A school was told, or its people were."""
        concerned, row = self._school(public_id)
        form = ToldForm(data={"at": clock.now(), "who": "people" if concerned.told_at else "school"})

        def save() -> str:
            assert form.at.data is not None
            if form.who.data == "people":
                schools.people_were_told(principal=self.who, school=public_id, at=form.at.data)
            else:
                schools.tell_school(
                    principal=self.who,
                    school=public_id,
                    at=form.at.data,
                    late_reason=form.late_reason.data or "",
                )
            return f"{HERE}{row.public_id}#schools"

        return self._page(
            row,
            form,
            save,
            heading=gettext("Who was told?"),
            intro=self._called(concerned),
            done=gettext("It stands in the timeline."),
            submit=gettext("Write it down"),
        )

    @expose("/schools/<concerned_school:public_id>/leave-out", methods=("POST",))
    def leave_out(self, public_id: str) -> Response:
        """A school is not concerned after all."""
        return self._do(
            lambda: schools.leave_out(principal=self.who, school=public_id),
            gettext("The school is left out, and the clocks are computed anew."),
            "#schools",
        )

    @expose("/<incident:public_id>/given", methods=("GET", "POST"))
    @shows_what_was_typed
    def given(self, public_id: str) -> Answer:
        """That what a rule asks for was done. The address says which rule."""
        row, rule = self._row(public_id), request.args.get("rule", "")
        school = request.args.get("school") or None
        known = next((each for each in clocks.law().rule if each.id == rule), None)
        if known is None and rule:
            raise NotFound
        if known is None:
            # The page of the incident says which notices there are.
            return redirect(f"{HERE}{public_id}#clocks", 303)
        form = GivenForm(data={"at": clock.now()})

        def save() -> str:
            assert form.at.data is not None
            schools.give_notice(
                principal=self.who,
                incident=public_id,
                rule=rule,
                school=school,
                at=form.at.data,
                late_reason=form.late_reason.data or "",
            )
            return f"{HERE}{public_id}#clocks"

        return self._page(
            row,
            form,
            save,
            heading=gettext("This notice went out"),
            intro=f"{said.TELLS[known.tells]}. {known.law} ({known.citation})",
            done=gettext("It stands in the timeline."),
            submit=gettext("Write it down"),
        )

    def _row(self, public_id: str) -> Incident:
        return marked(find(reading(), Incident, public_id, permission=INCIDENTS_RUN))

    def _school(self, public_id: str) -> tuple[ConcernedSchool, Incident]:
        tx = reading()
        concerned = find(tx, ConcernedSchool, public_id, permission=INCIDENTS_RUN)
        return concerned, marked(tx.get_one(Incident, concerned.incident_id))

    def _called(self, concerned: ConcernedSchool) -> str:
        names = queries.names_of(reading(), [concerned])
        return names.get(concerned.school_id or 0) or gettext("A school that is gone")

    def _page(
        self,
        row: Incident,
        form: FlaskForm,
        save: Callable[[], str],
        *,
        heading: str,
        done: str,
        submit: str,
        intro: str = "",
    ) -> Answer:
        back = f"{HERE}{row.public_id}"
        return self.form_page(
            form,
            save=save,
            said=done,
            heading=heading,
            intro=intro,
            submit_title=submit,
            cancel_url=back,
            crumbs=[CRUMB, {"title": row.title, "url": back}, {"title": heading}],
        )

    def _do(self, do: Callable[[], str], done: str, part: str) -> Response:
        """Do what a button says, and lead back to the incident's page."""
        back = HERE
        if FlaskForm().validate_on_submit():
            done_reading()
            try:
                back = f"{HERE}{do()}{part}"
            except Rejected as rejected:
                flash(rejected.in_words, "warning")
            else:
                flash(done, "success")
        return redirect(back, 303)


def _drill(tx: Transaction, row: Incident, now: datetime) -> dict[str, Any]:
    """Whether it is played, and what came in that waits for an answer, for which the page looks again."""
    drill = drills.drill_of(tx, row) if row.is_drill else None
    if drill is None or row.closed_at is not None:
        return {"played": drill is not None, "waits": [], "looks": False}
    shown = events_shown(tx, row, drill, at=now)
    return {"played": True, "waits": [each for each in shown if each["answered_at"] is None], "looks": True}


def _state(row: Incident) -> Cell:
    if row.closed_at:
        return Cell(gettext("Closed drill") if row.is_drill else gettext("Closed"), "badge", tone="mute")
    if row.is_drill:
        return Cell(gettext("Drill"), "badge", tone="info")
    return Cell(gettext("Open"), "badge", tone="bad")


def _version(seen: str) -> int:
    """The version that a form says was looked at; one that never is for what is no number."""
    return int(seen) if seen.isdecimal() and len(seen) < _DIGITS else -1


def _next(found: Sequence[said.Clock]) -> Cell:
    first = next((each for each in found if each.is_open and each.is_ours and each.due), None)
    if first is None or first.due is None:
        return Cell("")
    return moment(first.due, g.zone)


def _facts(row: Incident) -> list[tuple[str, str]]:
    kinds = ", ".join(str(KINDS[kind]) for kind in row.kinds)
    return [
        (gettext("Kinds of data"), kinds or gettext("Nobody has said yet")),
        (gettext("Were the data encrypted?"), str(ENCRYPTED[Encrypted(row.encrypted)])),
        (gettext("Whose data they are"), str(ROLES[Role(row.role)])),
        (gettext("Risk to people"), str(RISKS[Risk(row.risk)])),
    ]
