"""The first page of the console: what there is, and what to do next."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask_admin import expose
from sqlalchemy import func, select

from backoffice import clock
from backoffice.access.permissions import CONSOLE_ENTER, SCHOOLS_COUNT
from backoffice.access.policy import can, visible
from backoffice.access.transaction import Transaction
from backoffice.console.guard import GuardedView
from backoffice.schools import queries
from backoffice.schools.models import Classroom, Enrollment, PointEntry
from backoffice.web.identity import reading

NOON, EVENING = 12, 17


class Dashboard(GuardedView):
    """Numbers that somebody acts on, by role."""

    doors = {"index": CONSOLE_ENTER}
    icon = "home"

    @expose("/", methods=("GET",))
    def index(self) -> str:
        """The dashboard of who is signed in."""
        tx = reading()
        numbers = _totals(tx) if can(self.who, SCHOOLS_COUNT) else _own(tx)
        return self.render(
            "console/dashboard.html",
            greeting=f"{_greeting(clock.now().astimezone(ZoneInfo(self.who.time_zone)))}, {self.who.name}",
            tiles=numbers,
            steps=[] if can(self.who, SCHOOLS_COUNT) else _first_steps(tx),
        )


def _greeting(at: datetime) -> str:
    if at.hour < NOON:
        return "Good morning"
    return "Good afternoon" if at.hour < EVENING else "Good evening"


def _totals(tx: Transaction) -> list[dict[str, Any]]:
    counts = queries.counts_by_school(tx).values()
    leads = bool(tx.principal.led_schools)
    return [
        _tile("Schools", len(counts), "/console/schools/"),
        _tile("Classes", sum(c.classrooms for c in counts), "/console/classrooms/" if leads else None),
        _tile("Students", sum(c.students for c in counts), "/console/students/" if leads else None),
        _tile("Staff", sum(c.staff for c in counts), "/console/teachers/" if leads else None),
    ]


def _own(tx: Transaction) -> list[dict[str, Any]]:
    who = tx.principal
    classes = tx.scalar(visible(who, select(func.count(Classroom.id)))) or 0
    if not classes:
        return []
    students = (
        tx.scalar(
            visible(
                who,
                select(func.count(Enrollment.student_id.distinct())).where(Enrollment.ended_at.is_(None)),
            )
        )
        or 0
    )
    week = clock.now().astimezone(ZoneInfo(who.time_zone)).replace(hour=0, minute=0, second=0, microsecond=0)
    monday = week.fromordinal(week.toordinal() - week.weekday()).replace(tzinfo=week.tzinfo)
    points = (
        tx.scalar(
            visible(
                who,
                select(func.coalesce(func.sum(PointEntry.value), 0)).where(PointEntry.awarded_at >= monday),
            )
        )
        or 0
    )
    return [
        _tile("Classes", classes, "/console/classrooms/"),
        _tile("Students", students, "/console/students/"),
        _tile("Points this week", points, None),
    ]


def _first_steps(tx: Transaction) -> list[dict[str, Any]]:
    who = tx.principal
    first = tx.scalar(visible(who, select(Classroom).order_by(Classroom.id).limit(1)))
    enrolled = first is not None and bool(queries.pupils_of(tx, first))
    steps = [
        {"done": first is not None, "title": "Make a class", "url": "/console/classrooms/new"},
        {
            "done": enrolled,
            "title": "Paste the names of its students",
            "url": f"/console/classrooms/{first.public_id}/paste" if first else "/console/classrooms/",
        },
        {
            "done": False,
            "title": "Show the class its code",
            "url": f"/console/classrooms/{first.public_id}" if first else "/console/classrooms/",
        },
    ]
    return [] if enrolled else steps


def _tile(title: str, value: int, url: str | None) -> dict[str, Any]:
    return {"title": title, "value": f"{value:,}", "hint": None, "url": url}
