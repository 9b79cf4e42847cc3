"""The first page of the console: what there is, and what to do next."""

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask_admin import expose

from backoffice import clock
from backoffice.access.permissions import (
    CLASSROOMS_CREATE,
    CONSOLE_ENTER,
    GUARDIANS_APPROVE,
    SCHOOLS_COUNT,
    WORRIES_ANSWER,
)
from backoffice.access.policy import can
from backoffice.access.transaction import Transaction
from backoffice.console import doors
from backoffice.console.grids.views import pinned_numbers
from backoffice.console.guard import GuardedView
from backoffice.console.schools import classes_of, shown_name
from backoffice.families.requests import queries as requests
from backoffice.schools import codes, queries
from backoffice.schools.doors import states_of
from backoffice.schools.models import Classroom
from backoffice.students.worries import queries as worries
from backoffice.web.identity import reading

NOON, EVENING = 12, 17
MOST_LISTED = 12


class Dashboard(GuardedView):
    """Numbers and doors that somebody acts on, by role."""

    doors = {"index": CONSOLE_ENTER}
    title = "Start"
    address = "console"
    icon = "home"

    @expose("/", methods=("GET",))
    def index(self) -> str:
        """The dashboard of who is signed in."""
        tx = reading()
        now = clock.now().astimezone(ZoneInfo(self.who.time_zone))
        shown = _of_schools(tx) if can(self.who, SCHOOLS_COUNT) else _of_classes(tx, now)
        return self.render(
            "console/dashboard.html",
            greeting=f"{_greeting(now)}, {self.who.name}",
            pinned_views=pinned_numbers(tx),
            **shown,
        )


def _greeting(now: datetime) -> str:
    if now.hour < NOON:
        return "Good morning"
    return "Good afternoon" if now.hour < EVENING else "Good evening"


def _of_schools(tx: Transaction) -> dict[str, Any]:
    leads = bool(tx.principal.led_schools)
    schools = queries.schools_for(tx, SCHOOLS_COUNT, most=MOST_LISTED)
    counts = queries.counts_by_school(tx, schools)
    total = queries.school_totals(tx)
    return {
        "tiles": [
            _tile("Schools", total.schools, "/console/schools/"),
            _tile("Classes", total.classrooms, "/console/classrooms/" if leads else None),
            _tile("Students", total.students, "/console/students/" if leads else None),
            _tile("Staff", total.staff, "/console/teachers/" if leads else None),
            *_inbox(tx),
        ],
        "cards": {
            "title": "Schools",
            "all_url": "/console/schools/" if total.schools > len(schools) else None,
            "rows": [
                {
                    "title": shown_name(tx.principal, school),
                    "url": classes_of(tx.principal, school),
                    "facts": [
                        _counted(counts[school.id].classrooms, "class", "classes"),
                        _counted(counts[school.id].students, "student", "students"),
                    ],
                }
                for school in schools
                if school.id in counts
            ],
        },
        "steps": [],
    }


def _of_classes(tx: Transaction, now: datetime) -> dict[str, Any]:
    classrooms = queries.classrooms_for(tx)
    sizes = queries.class_sizes(tx, classrooms)
    if not any(sizes.values()):
        return {"tiles": [], "cards": None, "steps": _first_steps(tx, classrooms)}
    live = queries.live_codes(tx, classrooms[:MOST_LISTED])
    stand = states_of(tx, classrooms[:MOST_LISTED], now)
    monday = datetime.combine(now.date() - timedelta(days=now.weekday()), time(), now.tzinfo)
    return {
        "tiles": [
            _tile("Classes", len(classrooms), "/console/classrooms/"),
            _tile("Students", sum(sizes.values()), "/console/students/"),
            _tile("Points this week", queries.points_since(tx, classrooms, monday), None),
            *_inbox(tx),
        ],
        "cards": {
            "title": "Your classes",
            "all_url": "/console/classrooms/" if len(classrooms) > MOST_LISTED else None,
            "rows": [
                {
                    "title": classroom.name,
                    "url": f"/console/classrooms/{classroom.public_id}",
                    "facts": [_counted(sizes.get(classroom.id, 0), "student", "students")],
                    "code": codes.spaced(live[classroom.id]) if classroom.id in live else None,
                    "door": doors.cell(stand.get(classroom.id)),
                }
                for classroom in classrooms[:MOST_LISTED]
            ],
        },
        "steps": [],
    }


def _first_steps(tx: Transaction, classrooms: Sequence[Classroom]) -> list[dict[str, Any]]:
    if not can(tx.principal, CLASSROOMS_CREATE):
        return []
    first = classrooms[0] if classrooms else None
    own = f"/console/classrooms/{first.public_id}" if first else "/console/classrooms/new"
    return [
        {"done": bool(first), "title": "Make a class", "url": "/console/classrooms/new"},
        {"done": False, "title": "Paste the names of its students", "url": f"{own}/paste" if first else own},
        {"done": False, "title": "Show the class its code", "url": own},
    ]


def _inbox(tx: Transaction) -> list[dict[str, Any]]:
    """How much waits for an answer, for whoever is to give one and only if something does."""
    if not can(tx.principal, WORRIES_ANSWER):
        return []
    waiting = worries.count_waiting(tx) + requests.count_waiting(tx)
    if can(tx.principal, GUARDIANS_APPROVE):
        waiting += requests.count_parents_waiting(tx)
    return [_tile("To answer", waiting, "/console/inbox/")] if waiting else []


def _tile(title: str, value: int, url: str | None) -> dict[str, Any]:
    return {"title": title, "value": f"{value:,}", "url": url}


def _counted(count: int, one: str, many: str) -> str:
    return f"{count:,} {one if count == 1 else many}"
