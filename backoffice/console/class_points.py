"""Points of a class: awarding, taking back, history, totals, the board, groups, goals."""

from collections.abc import Mapping
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

from flask import flash, redirect, render_template, request
from flask_admin import expose
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response

from backoffice.access.lookup import find
from backoffice.access.permissions import (
    ACTIONS_EDIT,
    GOALS_EDIT,
    POINTS_AWARD,
    POINTS_REPORT,
    POINTS_UNDO,
    STUDENTS_READ,
)
from backoffice.access.policy import can
from backoffice.console.charts import Mark, columns
from backoffice.console.class_page import CRUMB
from backoffice.console.class_points_actions import ActionPages
from backoffice.console.class_points_report import ReportPages
from backoffice.console.command import Command
from backoffice.console.points_forms import AwardForm
from backoffice.language.moments import amount, day_of_year, short_day
from backoffice.language.texts import gettext, lazy
from backoffice.problems import Rejected
from backoffice.schools import points_queries, queries
from backoffice.schools.award_models import Whom
from backoffice.schools.groups import deal
from backoffice.schools.models import Classroom
from backoffice.schools.points_queries import Given, Week
from backoffice.schools.services import goals as goal_services
from backoffice.schools.services import points as services
from backoffice.schools.services.actions import SUGGESTED
from backoffice.web.identity import done_reading, reading
from backoffice.web.rejections import show_rejection
from backoffice.web.resend import shows_what_was_typed

PERIODS = {4: lazy("4 weeks"), 12: lazy("12 weeks"), 52: lazy("A year")}
USUAL_PERIOD = 12
SIZES = range(2, 9)
DIGITS = 5


class ClassPoints(ActionPages, ReportPages):
    """Everything about the points of one class."""

    doors = {
        "award": POINTS_AWARD,
        "undo": POINTS_AWARD,
        "history": STUDENTS_READ,
        "totals": STUDENTS_READ,
        "board": STUDENTS_READ,
        "groups": STUDENTS_READ,
        "goals": GOALS_EDIT,
        "actions": ACTIONS_EDIT,
        "start": ACTIONS_EDIT,
        "edit_action": ACTIONS_EDIT,
        "retire": ACTIONS_EDIT,
        "bring_back": ACTIONS_EDIT,
        "report": POINTS_REPORT,
        "reports": POINTS_REPORT,
    }
    title = lazy("Points")
    tail = "points"
    commands = (
        Command(lazy("Award the whole class {name}"), "award", "points"),
        Command(lazy("Show the board of {name}"), "board", "points/board"),
        Command(lazy("Add an Action to {name}"), "actions", "points/actions"),
        Command(lazy("Set goals in {name}"), "goals", "points/goals"),
        Command(lazy("Make groups of {name}"), "groups", "points/groups", also=lazy("pairs")),
        Command(lazy("See the totals of {name}"), "totals", "points/totals"),
        # Where they are asked for: parents see who opened what is kept of their child.
        Command(
            lazy("Print progress reports of {name}"), "reports", "points/totals#by-student", page="totals"
        ),
        Command(lazy("Take points back in {name}"), "undo", "points/history", page="history"),
    )
    page = "award"

    @expose("/<classroom:public_id>/points", methods=("GET", "POST"))
    @shows_what_was_typed
    def award(self, public_id: str) -> str | Response | tuple[str, int]:
        """Award points: children on one side, Actions on the other."""
        row = find(reading(), Classroom, public_id, permission=POINTS_AWARD)
        form = AwardForm()
        problem = None
        if form.validate_on_submit():
            done_reading()
            try:
                made = services.award_points(
                    principal=self.who,
                    classroom=public_id,
                    action=_action_asked(),
                    whom=_whom_asked(),
                    students=request.form.getlist("student"),
                    comment=form.comment.data or "",
                    form=request.form.get("form", ""),
                )
            except Rejected as rejected:
                problem = show_rejection(form, rejected)
            else:
                return redirect(f"{_base(public_id)}?given={made}", 303)
        tx = reading()
        actions = points_queries.actions_of(tx, row)
        given = [] if form.is_submitted() else points_queries.given(tx, row, award=request.args.get("given"))
        page = self.points_page(
            "console/points/award.html",
            row,
            form=form,
            problem=problem,
            # A new one for each page that is shown: what a page sends, it sends once.
            once=str(uuid4()),
            undo_form=FlaskForm(),
            actions=actions,
            pupils=points_queries.pupils(tx, row),
            chosen=set(request.form.getlist("student")),
            whom=_whom_asked(),
            given=given[0] if given and "given" in request.args else None,
            suggested=SUGGESTED,
            may={"edit": can(self.who, ACTIONS_EDIT, row), "undo": self._may_undo(row)},
        )
        return (page, 422) if form.errors or problem else page

    @expose("/<classroom:public_id>/points/undo", methods=("POST",))
    def undo(self, public_id: str) -> Response:
        """Take an award back."""
        done_reading()
        try:
            services.undo_award(principal=self.who, classroom=public_id, award=request.form.get("award", ""))
        except Rejected as rejected:
            flash(str(rejected), "warning")
        else:
            flash(gettext("The points are taken back."), "success")
        back = "/history" if request.form.get("back") == "history" else ""
        return redirect(f"{_base(public_id)}{back}", 303)

    @expose("/<classroom:public_id>/points/history", methods=("GET",))
    def history(self, public_id: str) -> str:
        """What was awarded, the newest first, and what was taken back."""
        tx = reading()
        row = find(tx, Classroom, public_id)
        given = points_queries.given(tx, row, before=request.args.get("before"))
        people = {number for each in given for number in (each.by, each.undone_by) if number is not None}
        return self.points_page(
            "console/points/history.html",
            row,
            given=given,
            people=queries.names_of(tx, people),
            undo_form=FlaskForm(),
            may_undo=self._may_undo(row),
            older=given[-1].public_id if len(given) == points_queries.AWARDS_A_PAGE else None,
            newest="before" not in request.args,
        )

    @expose("/<classroom:public_id>/points/totals", methods=("GET",))
    def totals(self, public_id: str) -> str:
        """Points by student, by Action and by week."""
        tx = reading()
        row = find(tx, Classroom, public_id)
        asked = request.args.get("weeks", "")
        weeks = int(asked) if asked in {str(each) for each in PERIODS} else USUAL_PERIOD
        found = points_queries.totals(tx, row, ZoneInfo(self.who.time_zone), weeks=weeks)
        actions = [
            *points_queries.actions_of(tx, row),
            *points_queries.actions_of(tx, row, retired=True),
        ]
        return self.points_page(
            "console/points/totals.html",
            row,
            pupils=points_queries.pupils(tx, row),
            of_student=found.students,
            actions=[each for each in actions if each.id in found.actions],
            of_action=found.actions,
            chart=columns([_mark(week) for week in found.weeks]),
            periods=[
                {
                    "title": title,
                    "url": f"{_base(public_id)}/totals?weeks={each}",
                    "current": each == weeks,
                }
                for each, title in PERIODS.items()
            ],
            may={"report": can(self.who, POINTS_REPORT, row)},
        )

    @expose("/<classroom:public_id>/points/board", methods=("GET",))
    def board(self, public_id: str) -> str:
        """First names, pictures and points, large, for everybody in the room."""
        tx = reading()
        row = find(tx, Classroom, public_id)
        return render_template(
            "console/points/board.html",
            name=row.name,
            back=_base(public_id),
            pupils=points_queries.pupils(tx, row),
            seconds=self.looks_again(tx),
        )

    @expose("/<classroom:public_id>/points/groups", methods=("GET",))
    def groups(self, public_id: str) -> str:
        """The class in random pairs or groups."""
        tx = reading()
        row = find(tx, Classroom, public_id)
        asked = request.args.get("size", "")
        size = int(asked) if asked in {str(each) for each in SIZES} else SIZES[0]
        return self.points_page(
            "console/points/groups.html",
            row,
            groups=deal(points_queries.pupils(tx, row), size),
            size=size,
            sizes=SIZES,
        )

    @expose("/<classroom:public_id>/points/goals", methods=("GET", "POST"))
    @shows_what_was_typed
    def goals(self, public_id: str) -> str | Response | tuple[str, int]:
        """How many points each student is to reach."""
        tx = reading()
        row = find(tx, Classroom, public_id, permission=GOALS_EDIT)
        pupils = points_queries.pupils(tx, row)
        form = FlaskForm()
        problems: dict[str, str] = {}
        typed = {pupil.public_id: str(pupil.goal or "") for pupil in pupils}
        same = request.form.get("same", "")
        if form.is_submitted():
            typed = {pupil: request.form.get(f"goal-{pupil}", said) for pupil, said in typed.items()}
        if form.validate_on_submit():
            done_reading()
            own = {f"goal-{pupil}": said for pupil, said in typed.items()}
            try:
                goals = _goals({"same": same} if "everybody" in request.form else own)
                goal_services.set_goals(
                    principal=self.who,
                    classroom=public_id,
                    goals={pupil: goals.get("same", goals.get(f"goal-{pupil}")) for pupil in typed},
                )
            except Rejected as rejected:
                problems = dict(rejected.fields)
            else:
                flash(gettext("The goals are saved."), "success")
                return redirect(f"{_base(public_id)}/goals", 303)
        page = self.points_page(
            "console/points/goals.html",
            row,
            form=form,
            problem=problems.get(""),
            problems=problems,
            lines=[
                {"id": name, "title": title, "sentence": problems[name]}
                for name, title in (
                    ("same", gettext("The same for everybody")),
                    *((f"goal-{pupil.public_id}", pupil.label) for pupil in pupils),
                )
                if name in problems
            ],
            pupils=pupils,
            typed=typed,
            same=same,
            highest=goal_services.HIGHEST_GOAL,
        )
        return (page, 422) if form.errors or problems else page

    def points_page(self, template: str, row: Classroom, **context: Any) -> str:
        """A page about the points of a class, with the row of these pages."""
        own, base = f"/console/classrooms/{row.public_id}", _base(row.public_id)
        ways = [
            ("award", gettext("Award"), base),
            ("history", gettext("History"), f"{base}/history"),
            ("totals", gettext("Totals"), f"{base}/totals"),
            ("groups", gettext("Groups"), f"{base}/groups"),
            ("actions", gettext("Actions"), f"{base}/actions"),
            ("goals", gettext("Goals"), f"{base}/goals"),
        ]
        crumbs = [CRUMB, {"title": row.name, "url": own}, {"title": self.title, "url": base}]
        here = next((title for name, title, _ in ways if request.endpoint == f"{self.endpoint}.{name}"), "")
        if here != ways[0][1]:
            crumbs.append({"title": context.pop("crumb", here)})
        return self.class_page(
            template,
            row,
            **{
                "base": base,
                "ways": [
                    {"title": title, "url": url, "current": title == here}
                    for name, title, url in ways
                    if can(self.who, self.doors[name], row)
                ],
                "crumbs": crumbs,
                **context,
            },
        )

    def _may_undo(self, row: Classroom) -> Any:
        """Whether one may take back an award: anybody's, or the own alone."""
        anybodys, me = can(self.who, POINTS_UNDO, row), self.who.account_id

        def may(each: Given) -> bool:
            return each.undone_at is None and (anybodys or each.by == me)

        return may


def _base(public_id: str) -> str:
    return f"/console/classrooms/{public_id}/points"


def _action_asked() -> str:
    chosen = request.form.get("for", "")
    if not chosen:
        raise Rejected.whole(gettext("Choose what the points are for."))
    return chosen


def _whom_asked() -> Whom:
    asked = request.form.get("whom", "")
    return Whom(asked) if asked in set(Whom) else Whom.CHOSEN


def _goals(said: Mapping[str, str]) -> dict[str, int | None]:
    """The goals that were written, by the names of their fields. Raises `Rejected`."""
    written = {name: text.strip() for name, text in said.items()}
    wrong = [name for name, text in written.items() if text and not _is_goal(text)]
    if wrong:
        sentence = gettext(
            "A goal is a whole number from 1 to %(most)s.",
            most=amount(goal_services.HIGHEST_GOAL),
        )
        raise Rejected(**dict.fromkeys(wrong, sentence))
    return {name: int(text) if text else None for name, text in written.items()}


def _is_goal(text: str) -> bool:
    # The length first: a very long number takes long to read.
    digits = len(text) <= DIGITS and text.isascii() and text.isdigit()
    return digits and 1 <= int(text) <= goal_services.HIGHEST_GOAL


def _mark(week: Week) -> Mark:
    return Mark(day_of_year(week.monday), short_day(week.monday), week.points.given, week.points.taken)
