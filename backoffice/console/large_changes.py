"""Changes of many rows that a worker makes: all of one's own, and how far each is."""

from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask import current_app, flash, redirect, render_template, request
from flask_admin import expose
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response

from backoffice import clock
from backoffice.access.lookup import find
from backoffice.access.permissions import CONSOLE_ENTER
from backoffice.console.command import Command
from backoffice.console.grid import Grid, moment
from backoffice.console.grids.large import HERE
from backoffice.console.guard import GuardedView
from backoffice.language.moments import amount
from backoffice.language.texts import gettext, lazy, ngettext
from backoffice.large_changes import queries, services
from backoffice.large_changes.models import UNDER_WAY, ChangeState, LargeChange
from backoffice.problems import Rejected
from backoffice.schools.services.changes import UNDONE_WITHIN
from backoffice.web.identity import done_reading, reading

# So long a page asks for the words of a change that is done.
TOLD_WITHIN = timedelta(seconds=30)
CRUMB = {"title": lazy("Large changes"), "url": HERE}
STATES = {
    ChangeState.WAITING: (lazy("Waiting"), "info"),
    ChangeState.LOOKING: (lazy("Under way"), "info"),
    ChangeState.CHANGING: (lazy("Under way"), "info"),
    ChangeState.DONE: (lazy("Done"), "good"),
    ChangeState.REFUSED: (lazy("Not done"), "warn"),
    ChangeState.STOPPED: (lazy("Stopped"), "mute"),
    ChangeState.FAILED: (lazy("Failed"), "bad"),
}
# What a change goes through, in the words of its page.
STEPS = {
    ChangeState.WAITING: lazy("Waiting for its turn"),
    ChangeState.LOOKING: lazy("Looking again which rows fit, and whether you may still do this"),
    ChangeState.CHANGING: lazy("Changing all of them at once"),
    ChangeState.DONE: lazy("Done"),
}
ENDED = {
    ChangeState.DONE: lazy("It is done."),
    ChangeState.REFUSED: lazy("It could not be done. Nothing was changed."),
    ChangeState.STOPPED: lazy("You stopped it before it began. Nothing was changed."),
    ChangeState.FAILED: lazy("It did not come to an end, and nothing was changed. Try again later."),
}


class LargeChangesPage(GuardedView):
    """Somebody's own large changes of the last month, and the page of each."""

    doors = {"index": CONSOLE_ENTER, "details": CONSOLE_ENTER, "stop": CONSOLE_ENTER}
    title = lazy("Large changes")
    category = lazy("School")
    address = "large-changes"
    icon = "clipboard"
    commands = (Command(lazy("See your large changes"), "index", "large-changes/"),)

    def is_visible(self) -> bool:
        """In the menu of those who may change so many rows."""
        return bool(self.who.led_schools) or self.who.founder

    @expose("/", methods=("GET",))
    def index(self) -> str:
        """All of them, the latest first."""
        shown = [self._shown(each) for each in queries.changes_of(reading())]
        return self.render("console/large_changes.html", changes=shown, crumbs=[{"title": self.title}])

    @expose("/<large_change:public_id>", methods=("GET",))
    def details(self, public_id: str) -> str:
        """How far it is, or what became of it."""
        row = find(reading(), LargeChange, public_id)
        shown = {"change": self._shown(row), "form": FlaskForm()}
        # A page that looks again by itself asks for the part alone.
        if "part" in request.args:
            return render_template("console/parts/large_change.html", **shown)
        return self.render(
            "console/large_change.html", **shown, crumbs=[CRUMB, {"title": shown["change"]["title"]}]
        )

    @expose("/<large_change:public_id>/stop", methods=("POST",))
    def stop(self, public_id: str) -> Response:
        """Have it not made, as long as it waits."""
        done_reading()
        try:
            services.stop_change(principal=self.who, change=public_id)
        except Rejected as rejected:
            flash(rejected.in_words, "info")
        return redirect(f"{HERE}{public_id}", 303)

    def _shown(self, row: LargeChange) -> dict[str, Any]:
        state, (grid, action) = ChangeState(row.state), _names(row)
        zone = ZoneInfo(self.who.time_zone)
        word, tone = STATES[state]
        said = row.said or {}
        steps = list(STEPS)
        here = steps.index(state) if state in steps else len(steps) - 1
        return {
            "url": f"{HERE}{row.public_id}",
            "title": action,
            "list": grid.title if grid else row.grid,
            "list_url": f"{grid.url}/" if grid and grid.opens("index") else None,
            "count": grid.counted(row.count)
            if grid
            else ngettext("%(count)s rows", "%(count)s rows", row.count, count=amount(row.count)),
            "state": word,
            "tone": tone,
            "under_way": state in UNDER_WAY,
            "followed": state in UNDER_WAY or _has_more_to_say(row),
            "waits": state is ChangeState.WAITING,
            "asked": moment(row.asked_at, zone),
            "finished": moment(row.finished_at, zone) if row.finished_at else None,
            "said": said.get("sentence") or ENDED.get(state, STEPS.get(state, "")),
            "undo": {"url": said["url"], "fields": said.get("fields", {})}
            if state is ChangeState.DONE and "url" in said and _is_young(row)
            else None,
            "step": here,
            "steps": [(words, number, here) for number, words in enumerate(STEPS.values())],
            "went": state in STEPS,
        }


def _has_more_to_say(row: LargeChange) -> bool:
    """Done and not yet told: the words and what takes it back come just after the change itself.

    A worker killed between the two leaves them out for good, so nobody is kept waiting for long.
    """
    ended = row.finished_at
    return (
        row.state == ChangeState.DONE
        and not row.said
        and ended is not None
        and ended > clock.now() - TOLD_WITHIN
    )


def _is_young(row: LargeChange) -> bool:
    return row.finished_at is not None and row.finished_at > clock.now() - UNDONE_WITHIN


def _names(row: LargeChange) -> tuple[Grid | None, str]:
    """The list that it was asked for in, and what the action is called there."""
    views = current_app.extensions["admin"][0]._views  # noqa: SLF001 - it has no public list
    for view in views:
        if view.endpoint == row.grid and isinstance(view, Grid):
            titles = {action.name: action.title for action in view.actions}
            return view, titles.get(row.action, gettext("A change of many rows"))
    return None, gettext("A change of many rows")
