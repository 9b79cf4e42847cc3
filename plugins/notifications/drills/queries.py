"""What is read of drills."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from backoffice.access.policy import visible
from backoffice.access.transaction import Transaction
from backoffice.language.texts import gettext
from plugins.notifications.drills.models import Drill, DrillEvent
from plugins.notifications.drills.score import Scored
from plugins.notifications.drills.scripts import BY_NAME, Event
from plugins.notifications.models import Incident

# A few a year; who wants older ones looks among the incidents.
MOST_SHOWN = 20


@dataclass(frozen=True)
class Played:
    """A drill that was closed, with what it scored."""

    incident: Incident
    title: str
    scored: Scored
    score: int
    closed_at: datetime


def drill_of(tx: Transaction, incident: Incident) -> Drill | None:
    """How an incident is played; None of a real one, and of a drill before there were scores."""
    return tx.scalars(visible(tx.principal, select(Drill).where(Drill.incident_id == incident.id))).first()


def came_in(tx: Transaction, incident: Incident, *, at: datetime) -> Sequence[DrillEvent]:
    """What has come in by a moment, the newest first. What is still to come is told to nobody."""
    some = select(DrillEvent).where(DrillEvent.incident_id == incident.id, DrillEvent.comes_at <= at)
    return tx.scalars(visible(tx.principal, some).order_by(DrillEvent.comes_at.desc())).all()


def is_more_to_come(tx: Transaction, incident: Incident, *, at: datetime) -> bool:
    """Whether the script has anything left."""
    some = select(DrillEvent).where(DrillEvent.incident_id == incident.id, DrillEvent.comes_at > at)
    return tx.scalar(select(visible(tx.principal, some).exists())) or False


def event_of(drill: Drill, row: DrillEvent) -> Event | None:
    """What the script says of something that came in; None if no script knows it any more."""
    script = BY_NAME.get(drill.script or "")
    return script.event(row.name) if script else None


def title_of(drill: Drill) -> str:
    """What the script of a drill is called."""
    script = BY_NAME.get(drill.script or "")
    return str(script.title) if script else gettext("Without a script")


def played(tx: Transaction, *, before: datetime | None = None, most: int = MOST_SHOWN) -> list[Played]:
    """The drills that were closed and scored, the newest first; those closed before a moment."""
    some = (
        select(Incident, Drill)
        .join(Drill, Drill.incident_id == Incident.id)
        .where(Incident.closed_at.is_not(None), Drill.score.is_not(None))
    )
    if before is not None:
        some = some.where(Incident.closed_at < before)
    newest = visible(tx.principal, some).order_by(Incident.closed_at.desc(), Incident.id.desc())
    return [
        Played(incident, title_of(drill), Scored.of(drill.parts or []), drill.score or 0, incident.closed_at)
        for incident, drill in tx.execute(newest.limit(most))
        if incident.closed_at is not None
    ]
