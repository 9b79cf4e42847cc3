"""What a bundle tells of an incident: what an authority needs, and nobody's name or address.

Founders are letters, the same one for the same account all through a bundle: an authority has to see that two
people decided, and not who they are. Nothing in it depends on who reads, but the words that stand for a
teacher's own school, which are in the reader's language.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select

from backoffice.access.transaction import Transaction
from plugins.notifications import clocks, queries
from plugins.notifications.clocks import Standing
from plugins.notifications.deadlines.engine import Row
from plugins.notifications.drills import queries as drills
from plugins.notifications.drills.score import Scored
from plugins.notifications.hooks.queries import calls_of
from plugins.notifications.models import ConcernedSchool, GivenNotice, Incident, IncidentTask, TimelineEntry
from plugins.notifications.notices.models import Notice
from plugins.notifications.notices.queries import notices_of, progress_of, steps_of

FORMAT = 1
# What is written by hand may hold an address although it should not. Names nobody can tell by their form:
# whoever makes a bundle has to read it.
_ADDRESS = re.compile(r"[^\s@<>()\[\],;:\"']+@[^\s@<>()\[\],;:\"']+")
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


class Founders:
    """Letters for accounts, in the order in which they are first met."""

    def __init__(self) -> None:
        self._met: dict[int, str] = {}

    def called(self, account: int | None) -> str | None:
        """Founder A, founder B; None for somebody who has left."""
        if account is None:
            return None
        number = len(self._met)
        letter = _LETTERS[number] if number < len(_LETTERS) else str(number + 1)
        return self._met.setdefault(account, f"founder {letter}")


def content_of(tx: Transaction, incident: Incident, *, now: datetime) -> dict[str, Any]:
    """The whole incident as it is known now, ready to be written as JSON."""
    found, who = clocks.standing(tx, incident), Founders()
    return {
        "format": FORMAT,
        "made_at": _moment(now),
        "incident": incident.public_id,
        "drill": incident.is_drill,
        "played": _played(tx, incident, who, now),
        "facts": _facts(incident),
        "timeline": _timeline(tx, incident, who),
        "tasks": _tasks(tx, incident, who),
        "schools": _schools(tx, incident),
        "clocks": _clocks(found, now),
        "unknown_places": sorted({*found.deadlines.unknown_places, *found.deadlines.incomplete_places}),
        "given": _given(tx, incident, who),
        "notices": _notices(tx, incident, who),
    }


def _played(tx: Transaction, incident: Incident, who: Founders, now: datetime) -> dict[str, Any] | None:
    drill = drills.drill_of(tx, incident) if incident.is_drill else None
    if drill is None:
        return None
    return {
        "script": drill.script,
        "begun_at": _moment(drill.begun_at),
        "faster": drill.faster,
        "score": drill.score,
        "parts": dict(Scored.of(drill.parts).parts) if drill.parts is not None else None,
        "came_in": [
            {
                "name": each.name,
                "said": str(event.said) if (event := drills.event_of(drill, each)) else None,
                "comes_at": _moment(each.comes_at),
                "late_at": _moment(each.late_at),
                "answered_at": _moment(each.answered_at),
                "answer": without_addresses(each.answer),
                "by": who.called(each.answered_by),
            }
            for each in reversed(drills.came_in(tx, incident, at=incident.closed_at or now))
        ],
    }


def without_addresses(text: str | None) -> str | None:
    """What was written, with each address of mail left out."""
    return None if text is None else _ADDRESS.sub("[address left out]", text)


def _facts(row: Incident) -> dict[str, Any]:
    moments = ("noticed_at", "determined_at", "confirmed_at", "held_since", "held_until")
    return {
        "title": without_addresses(row.title),
        "what": without_addresses(row.what),
        "systems": without_addresses(row.systems),
        "kinds": sorted(row.kinds),
        "role": row.role,
        "risk": row.risk,
        "encrypted": row.encrypted,
        **{name: _moment(getattr(row, name)) for name in (*moments, "opened_at", "closed_at")},
    }


def _timeline(tx: Transaction, incident: Incident, who: Founders) -> list[dict[str, Any]]:
    some = select(TimelineEntry).where(TimelineEntry.incident_id == incident.id)
    return [
        {
            "kind": each.kind,
            "said": without_addresses(each.said),
            "reason": without_addresses(each.reason),
            "happened_at": _moment(each.happened_at),
            "written_at": _moment(each.written_at),
            "by": who.called(each.written_by),
        }
        for each in tx.scalars(some.order_by(TimelineEntry.id))
    ]


def _tasks(tx: Transaction, incident: Incident, who: Founders) -> list[dict[str, Any]]:
    some = select(IncidentTask).where(IncidentTask.incident_id == incident.id)
    return [
        {
            "said": without_addresses(each.said),
            "added_at": _moment(each.added_at),
            "due_at": _moment(each.due_at),
            "done_at": _moment(each.done_at),
            "done_by": who.called(each.done_by),
        }
        for each in tx.scalars(some.order_by(IncidentTask.id))
    ]


def _schools(tx: Transaction, incident: Incident) -> list[dict[str, Any]]:
    some = select(ConcernedSchool).where(ConcernedSchool.incident_id == incident.id)
    found = tx.scalars(some.order_by(ConcernedSchool.id)).all()
    names = queries.names_of(tx, found)
    return [
        {
            "id": each.public_id,
            "name": names.get(each.school_id) if each.school_id is not None else None,
            "place": each.place,
            "students": each.students,
            "staff": each.staff,
            "parents": each.parents,
            "told_at": _moment(each.told_at),
            "individuals_told_at": _moment(each.individuals_told_at),
            "left_out_at": _moment(each.left_out_at),
            "late_reason": without_addresses(each.late_reason),
            "contract": {
                "rule": each.contract_rule,
                "hours": each.contract_hours,
                "counted_from": each.contract_start,
            },
        }
        for each in found
    ]


def _clocks(found: Standing, now: datetime) -> list[dict[str, Any]]:
    return [_clock(found, row, now) for row in found.deadlines.rows]


def _clock(found: Standing, row: Row, now: datetime) -> dict[str, Any]:
    told = (
        found.schools[row.school].told_at if row.school is not None and clocks.is_told(found, row) else None
    )
    return {
        "rule": row.rule.id,
        "law": row.rule.law,
        "citation": row.rule.citation,
        "source": row.rule.url,
        "tells": row.rule.tells,
        "school": row.school,
        "ours": row.is_ours,
        "status": row.status,
        "not_required_because": row.reason,
        "waits_for": row.waits_for,
        "due": _moment(row.due),
        "due_if_doubtful_data_count": _moment(row.due_if),
        "done_at": _moment(row.given_at or told),
        "late": row.is_late or clocks.told_late(found, row),
        "verify_first": row.rule.is_doubted(now.date()),
    }


def _given(tx: Transaction, incident: Incident, who: Founders) -> list[dict[str, Any]]:
    some = select(GivenNotice, ConcernedSchool.public_id).outerjoin(
        ConcernedSchool, ConcernedSchool.id == GivenNotice.concerned_school_id
    )
    rows = tx.execute(some.where(GivenNotice.incident_id == incident.id).order_by(GivenNotice.id))
    return [
        {
            "rule": each.rule,
            "school": school,
            "at": _moment(each.at),
            "late_reason": without_addresses(each.late_reason),
            "by": who.called(each.given_by),
        }
        for each, school in rows
    ]


def _notices(tx: Transaction, incident: Incident, who: Founders) -> list[dict[str, Any]]:
    found: Sequence[Notice] = sorted(notices_of(tx, incident), key=lambda each: each.id)
    counts, calls = progress_of(tx, found), calls_of(tx, found)
    return [
        {
            "audience": each.audience,
            "rule": each.rule,
            "facts": each.facts,
            "late_reason": without_addresses(each.late_reason),
            "template": each.template,
            "template_version": each.template_version,
            "state": each.state,
            "wording": _wording(each.said),
            "written_at": _moment(each.written_at),
            "sent_at": _moment(each.sent_at),
            "review_due_at": _moment(each.review_due_at),
            "steps": [
                {
                    "kind": step.kind,
                    "reason": without_addresses(step.reason),
                    "done_at": _moment(step.done_at),
                    "by": who.called(step.done_by),
                }
                for step in steps_of(tx, each)
            ],
            "deliveries": dict(counts[each.id]),
            "district_systems": dict(calls[each.id]),
        }
        for each in found
    ]


def _wording(said: Mapping[str, Mapping[str, str]]) -> dict[str, dict[str, str | None]]:
    # The address at which people are to ask is left out, too: it may be somebody's own.
    return {
        language: {name: without_addresses(text) for name, text in fields.items()}
        for language, fields in said.items()
    }


def _moment(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).isoformat(timespec="seconds")
