"""Incidents in the console, for whoever answers for a school that was told: leaders and privacy officers."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from flask import g
from flask_admin import expose

from backoffice import clock
from backoffice.access.lookup import find
from backoffice.access.transaction import Transaction
from backoffice.console.command import Command
from backoffice.console.grid import Cell, Column, Grid, Row, moment, number
from backoffice.language.moments import amount
from backoffice.language.spoken import language
from backoffice.language.texts import gettext, lazy
from backoffice.web.identity import reading
from plugins.notifications import clocks, contracts, said
from plugins.notifications.models import ConcernedSchool
from plugins.notifications.notices import wordings
from plugins.notifications.notices.models import Audience
from plugins.notifications.notices.showing import PROGRESS, written
from plugins.notifications.permissions import INCIDENTS_TOLD
from plugins.notifications.queries import names_of
from plugins.notifications.schools import is_no_longer_reached
from plugins.notifications.told import queries
from plugins.notifications.words import KINDS

HERE = "/console/school-incidents/"
CRUMB = {"title": lazy("Incidents"), "url": HERE}
AUDIENCES = {
    Audience.SCHOOLS: lazy("Notice by mail"),
    Audience.LETTERS: lazy("Notice by letter"),
}
_TONES = {"sent": "good", "letter": "good", "bounced": "bad", "failed": "bad"}


class ToldGrid(Grid):
    """Each school that was told of an incident, with the incident's page as the school sees it."""

    entity = ConcernedSchool
    doors = {"index": INCIDENTS_TOLD, "details": INCIDENTS_TOLD, "export": INCIDENTS_TOLD}
    icon = "incidents"
    title = lazy("Incidents")
    category = lazy("School")
    address = "school-incidents"
    noun = (lazy("school that was told"), lazy("schools that were told"))
    newest_first = True
    columns = (
        Column("what", lazy("What it is about")),
        Column("school", lazy("School"), optional=True),
        Column("noticed", lazy("Noticed"), optional=True),
        Column("told", lazy("School told"), optional=True),
        Column("students", lazy("Students"), numeric=True, optional=True),
        Column("staff", lazy("Staff"), numeric=True, optional=True),
        Column("parents", lazy("Parents"), numeric=True, optional=True),
        Column("state", lazy("State"), optional=True),
    )
    commands = (
        Command(
            lazy("Look at incidents that schools were told of"),
            "index",
            "school-incidents/",
            also=lazy("breach notice clocks"),
        ),
    )

    def rows(self, tx: Transaction, things: Sequence[ConcernedSchool]) -> list[Row]:
        """What each is about, which school, when it was noticed and told, and how many people."""
        names, facts = names_of(tx, things), queries.facts_of(tx, things)
        headings = _headings(queries.notices_of(tx, things))
        return [
            Row(
                each.public_id,
                f"{HERE}{each.public_id}",
                (
                    Cell(headings.get(each.id) or _untold()),
                    Cell(_name(names, each)),
                    moment(facts[each.incident_id].noticed_at, g.zone),
                    moment(each.shown_at, g.zone) if each.shown_at else Cell(""),
                    *(number(count) for count in (each.students, each.staff, each.parents)),
                    _state(facts[each.incident_id]),
                ),
            )
            for each in things
        ]

    def extras(self, tx: Transaction) -> dict[str, Any]:
        """What the list is for."""
        del tx
        return {
            "description": gettext("What went wrong with data of your schools, as they were told of it."),
            "empty": {
                "title": gettext("No incident"),
                "sentence": gettext(
                    "Nothing that your schools were told of. If something goes wrong with their data, it"
                    " stands here as soon as they are told. See to it that each school says whom to tell."
                ),
                "url": "/console/schools/",
                "action": gettext("Look at the schools"),
                "icon": "incidents",
            },
        }

    @expose("/<concerned_school:public_id>", methods=("GET",))
    def details(self, public_id: str) -> str:
        """One incident as its schools see it: the facts, the schools of the reader, clocks and notices."""
        tx, now = reading(), clock.now()
        found = find(tx, ConcernedSchool, public_id, permission=INCIDENTS_TOLD)
        schools = queries.of_same_incident(tx, found)
        facts = queries.facts_of(tx, schools)[found.incident_id]
        notices, ways = queries.notices_of(tx, schools), queries.ways_of(tx, schools)
        names = names_of(tx, schools)
        standing = clocks.standing_of(facts, schools, queries.given_of(tx, schools))
        heading = next((_heading(each) for each in notices), None) or _untold()
        return self.render(
            "notifications/told.html",
            heading=heading,
            state=_state(facts),
            kinds=", ".join(str(KINDS[kind]) for kind in facts.kinds),
            facts=facts,
            # Why a clock stands still is between the company and the police.
            clocks=[replace(each, note="") for each in said.clocks(standing, now)],
            # What founders gave as a reason they wrote for themselves.
            late={},
            today=now.date(),
            schools=[
                {
                    "name": _name(names, each),
                    "row": each,
                    "contract": contracts.said(contracts.terms_of(each)),
                    "no_longer": is_no_longer_reached(each),
                    "ways": _ways(ways, each),
                }
                for each in schools
            ],
            notices=_notices(notices, names, schools),
            crumbs=[CRUMB, {"title": heading}],
        )


def _untold() -> str:
    return gettext("An incident, told otherwise than by a notice")


def _name(names: Mapping[int, str], school: ConcernedSchool) -> str:
    return names.get(school.school_id or 0) or gettext("A school that is gone")


def _state(facts: Any) -> Cell:
    if facts.closed_at:
        return Cell(gettext("Closed"), "badge", tone="mute")
    return Cell(gettext("Open"), "badge", tone="bad")


def _heading(notice: Any) -> str:
    heading: str = notice.said[wordings.written_in(notice.said, language())].get("heading", "")
    return heading


def _headings(notices: Sequence[Any]) -> dict[int, str]:
    """What the newest notice to each school is called."""
    found: dict[int, str] = {}
    for each in notices:
        found.setdefault(each.concerned_school_id, _heading(each))
    return found


def _ways(ways: Sequence[Any], school: ConcernedSchool) -> list[tuple[str, str, Any]]:
    """What became of notices to a school: in words with a number, the tone of it, and when."""
    mine = (each for each in ways if each.concerned_school_id == school.id)
    return [
        (
            gettext("%(state)s: %(number)s", state=PROGRESS[each.state], number=amount(each.people)),
            _TONES.get(each.state, "mute"),
            each.at,
        )
        for each in mine
    ]


def _notices(
    notices: Sequence[Any], names: Mapping[int, str], schools: Sequence[ConcernedSchool]
) -> list[dict[str, Any]]:
    """Each notice once, in all languages in which it is written, that of the reader first."""
    called = {each.id: _name(names, each) for each in schools}
    found: dict[int, dict[str, Any]] = {}
    for each in notices:
        if each.notice_id not in found:
            template = wordings.template_of(each.template, each.template_version)
            spoken = sorted(written(each.said), key=lambda one: one != language())
            found[each.notice_id] = {
                "title": AUDIENCES[Audience(each.audience)],
                "approved_at": each.approved_at,
                "to": [],
                "parts": [
                    {
                        "language": one,
                        "called": wordings.LANGUAGES[one],
                        "heading": each.said[one].get("heading", ""),
                        "fields": [
                            (field.title, each.said[one].get(field.name, ""))
                            for field in template.fields
                            if field.name != "heading" and each.said[one].get(field.name)
                        ],
                    }
                    for one in spoken
                ],
            }
        found[each.notice_id]["to"].append(called[each.concerned_school_id])
    return list(found.values())
