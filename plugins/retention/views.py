"""Retention in the console: what went, what will go in the next 30 days, and what waits for a person."""

from collections.abc import Callable
from typing import Any, ClassVar

from flask import flash, redirect, request
from flask_admin import expose
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response

from backoffice.access.permissions import RETENTION_POLICIES_EDIT, RETENTION_READ, RETENTION_RUN
from backoffice.access.policy import can
from backoffice.console.charts import Mark, columns
from backoffice.console.command import Command
from backoffice.console.guard import GuardedView
from backoffice.language.moments import short_day, spoken_day, weekday
from backoffice.language.texts import gettext, lazy
from backoffice.privacy.retention import deciding, decisions, in_force, services, words
from backoffice.privacy.retention.standing import LATELY, Standing, ahead, standings
from backoffice.problems import Rejected
from backoffice.web.identity import done_reading, reading, settings


class RetentionPage(GuardedView):
    """What goes by age, for those who answer for it. Numbers of the whole service, and nobody's name."""

    doors: ClassVar = {
        "index": RETENTION_READ,
        "go_on": RETENTION_RUN,
        "propose": RETENTION_POLICIES_EDIT,
        "confirm": RETENTION_POLICIES_EDIT,
        "withdraw": RETENTION_POLICIES_EDIT,
    }
    # What goes is gone; and what is decided holds for every school.
    fresh = frozenset({"go_on", "propose", "confirm", "withdraw"})
    title = lazy("Retention")
    category = lazy("School")
    address = "retention"
    icon = "clock"
    commands = (
        Command(
            lazy("See what goes by age"), "index", "retention/", also=lazy("retention erase old data policy")
        ),
    )

    @expose("/", methods=("GET",))
    def index(self) -> str:
        """Every kind of data, and the next 30 days as a list and as a chart."""
        found = standings(reading())
        days = ahead(found)
        marks = [
            Mark(f"{weekday(day)}, {spoken_day(day)}", short_day(day), number) for day, number in days.items()
        ]
        return self.render(
            "retention/retention.html",
            standings=found,
            words=words,
            days=LATELY.days,
            ahead=[mark for mark in marks if mark.up],
            total=sum(days.values()),
            chart=columns(marks, most_titles=8) if any(days.values()) else None,
            waiting=[_waiting(each) for each in found if each.waiting],
            share=settings().retention.most_share,
            may_go_on=can(self.who, RETENTION_RUN),
            undecided=decisions.undecided(reading()),
            changes=words.told_changes(in_force.changes(in_force.versions())),
            form=FlaskForm(),
        )

    @expose("/go-on", methods=("POST",))
    def go_on(self) -> Response:
        """Let a run that waits take what it found."""
        if FlaskForm().validate_on_submit():
            done_reading()
            try:
                services.let_go_on(
                    principal=self.who,
                    kind=request.form.get("kind", ""),
                    due=request.form.get("due", 0, int),
                )
            except Rejected as rejected:
                flash(rejected.in_words, "warning")
            else:
                flash(gettext("It goes on as soon as a worker is free."), "success")
        return redirect("/console/retention/", 303)

    @expose("/propose", methods=("POST",))
    def propose(self) -> Response:
        """Propose to go by what the file says."""
        return self._decide(deciding.propose_policy, gettext("It is proposed. A second founder confirms it."))

    @expose("/confirm", methods=("POST",))
    def confirm(self) -> Response:
        """Confirm what another founder proposed."""
        return self._decide(deciding.confirm_policy, gettext("It is decided, and schools are being told."))

    @expose("/withdraw", methods=("POST",))
    def withdraw(self) -> Response:
        """Take back what waits to be confirmed."""
        return self._decide(deciding.withdraw_policy, gettext("It is withdrawn."))

    def _decide(self, decide: Callable[..., None], done: str) -> Response:
        if FlaskForm().validate_on_submit():
            done_reading()
            try:
                decide(principal=self.who, digest=request.form.get("digest", ""))
            except Rejected as rejected:
                flash(rejected.in_words, "warning")
            else:
                flash(done, "success")
        return redirect("/console/retention/", 303)


def _waiting(standing: Standing) -> dict[str, Any]:
    run = standing.waiting
    assert run is not None
    return {
        "kind": run.kind,
        "title": standing.kind.entry.title,
        "due": run.due or 0,
        "total": run.total or 0,
        "since": run.began_at,
    }
