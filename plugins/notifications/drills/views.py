"""Drills in the console: which scripts there are, what comes in while one is played, and what it scored."""

from datetime import datetime
from typing import Any, ClassVar
from uuid import uuid4

from flask import flash, redirect
from flask_admin import expose
from werkzeug.wrappers import Response

from backoffice import clock
from backoffice.access.lookup import NotFound, find
from backoffice.access.transaction import Transaction
from backoffice.console.command import Command
from backoffice.language.texts import gettext, lazy
from backoffice.problems import Rejected
from backoffice.web.identity import done_reading, reading
from backoffice.web.resend import shows_what_was_typed
from plugins.notifications.beside import BesidePage
from plugins.notifications.drills import queries, services
from plugins.notifications.drills.forms import AnswerForm, PlayForm
from plugins.notifications.drills.models import Drill, DrillEvent
from plugins.notifications.drills.pace import Pace
from plugins.notifications.drills.score import MOST, TITLES, Scored, scored
from plugins.notifications.drills.scripts import SCRIPTS
from plugins.notifications.drills.showing import marked
from plugins.notifications.models import Incident
from plugins.notifications.permissions import INCIDENTS_READ, INCIDENTS_RUN

HERE = "/console/incidents/"
INCIDENTS = {"title": lazy("Incidents"), "url": HERE}
CRUMB = {"title": lazy("Drills"), "url": f"{HERE}drills"}
GONE = lazy("Something that no script knows any more.")
Answer = str | Response | tuple[str, int]


class DrillsPage(BesidePage):
    """Playing an incident after a script. All else of it happens on the incident's own pages."""

    doors: ClassVar = {
        "index": INCIDENTS_READ,
        "play": INCIDENTS_RUN,
        "drill": INCIDENTS_READ,
        "answer": INCIDENTS_RUN,
    }
    title = lazy("Drills")
    address = "incidents"
    known_as, begins = "drills", "drill"
    commands = (
        Command(
            lazy("Look at drills"), "index", "incidents/drills", also=lazy("practise exercise breach score")
        ),
    )

    @expose("/drills", methods=("GET",))
    def index(self) -> str:
        """The scripts, and the drills that were played."""
        tx = reading()
        return self.render(
            "notifications/drills.html",
            # Each has a one-time identifier of its own: going back and playing another begins another.
            scripts=[(each, PlayForm(data={"form": str(uuid4()), "script": each.name})) for each in SCRIPTS]
            if self.opens("play")
            else [],
            drills=queries.played(tx),
            crumbs=[INCIDENTS, {"title": self.title}],
        )

    @expose("/drills/play", methods=("POST",))
    def play(self) -> Response:
        """Begin a drill after a script."""
        form, back = PlayForm(), CRUMB["url"]
        if form.validate_on_submit():
            done_reading()
            try:
                made = services.play(
                    principal=self.who,
                    script=form.script.data or "",
                    form=form.form.data or "",
                )
            except Rejected as rejected:
                flash(rejected.in_words, "warning")
            else:
                flash(gettext("The drill has begun. An hour of it is a minute."), "success")
                back = f"{HERE}{made}"
        return redirect(str(back), 303)

    @expose("/<incident:public_id>/drill", methods=("GET",))
    def drill(self, public_id: str) -> str | Response:
        """How a drill goes: what came in, and what it scores beside the one before."""
        tx = reading()
        incident = marked(find(tx, Incident, public_id, permission=INCIDENTS_READ))
        drill = queries.drill_of(tx, incident)
        if drill is None:
            return redirect(f"{HERE}{public_id}", 303)
        at = incident.closed_at or clock.now()
        before = next(iter(queries.played(tx, before=at, most=1)), None)
        now = Scored.of(drill.parts) if drill.parts is not None else scored(tx, incident, at=at)
        return self.render(
            "notifications/drill.html",
            incident=incident,
            script=queries.title_of(drill),
            hours=services.hours(Pace(drill.begun_at, drill.faster).played(at) - drill.begun_at),
            events=events_shown(tx, incident, drill, at=at),
            more=incident.closed_at is None and queries.is_more_to_come(tx, incident, at=at),
            score=drill.score if drill.score is not None else now.score,
            before=before,
            parts=_compared(now, before.scored if before else None),
            may_answer=self.opens("answer") and incident.closed_at is None,
            seconds=self.looks_again(tx) if incident.closed_at is None else None,
            crumbs=[
                INCIDENTS,
                {"title": incident.title, "url": f"{HERE}{public_id}"},
                {"title": gettext("The drill")},
            ],
        )

    @expose("/drills/events/<drill_event:public_id>", methods=("GET", "POST"))
    @shows_what_was_typed
    def answer(self, public_id: str) -> Answer:
        """Say what is done about something that came in."""
        tx = reading()
        row = find(tx, DrillEvent, public_id, permission=INCIDENTS_RUN)
        incident = marked(tx.get_one(Incident, row.incident_id))
        drill = queries.drill_of(tx, incident)
        if drill is None or row.comes_at > clock.now():
            raise NotFound
        asked = queries.event_of(drill, row)
        back = f"{HERE}{incident.public_id}/drill"
        form = AnswerForm()

        def save() -> str:
            services.answer_event(principal=self.who, event=public_id, answer=form.answer.data or "")
            return back

        return self.form_page(
            form,
            save=save,
            said=gettext("It stands in the timeline."),
            heading=gettext("This came in"),
            intro=str(asked.said if asked else GONE),
            submit_title=gettext("Write it down"),
            cancel_url=back,
            crumbs=[
                INCIDENTS,
                {"title": incident.title, "url": f"{HERE}{incident.public_id}"},
                {"title": gettext("The drill"), "url": back},
                {"title": gettext("This came in")},
            ],
        )


def events_shown(tx: Transaction, incident: Incident, drill: Drill, *, at: datetime) -> list[dict[str, Any]]:
    """What has come in by a moment, as a page shows it."""
    return [
        {
            "public_id": row.public_id,
            "said": (event.said if (event := queries.event_of(drill, row)) else GONE),
            "comes_at": row.comes_at,
            "late_at": row.late_at,
            "answered_at": row.answered_at,
            "answer": row.answer,
            **_standing(row, at),
        }
        for row in queries.came_in(tx, incident, at=at)
    ]


def _standing(row: DrillEvent, at: datetime) -> dict[str, str]:
    if row.answered_at is None:
        late = row.late_at <= at
        return {"state": gettext("Late") if late else gettext("Open"), "tone": "bad" if late else "warn"}
    if row.answered_at > row.late_at:
        return {"state": gettext("Answered late"), "tone": "warn"}
    return {"state": gettext("Answered"), "tone": "good"}


def _compared(now: Scored, before: Scored | None) -> list[dict[str, Any]]:
    """Each part that there was anything of, with what it came to in the drill before."""
    return [
        {
            "title": title,
            "points": now.parts.get(name),
            "most": MOST[name],
            "before": before.parts.get(name) if before else None,
        }
        for name, title in TITLES.items()
    ]
