"""The rows of a drill: written as it begins, and scored as it ends."""

from datetime import datetime, timedelta

from sqlalchemy import update

from backoffice.access.transaction import Transaction
from backoffice.storage.public_id import new_public_id
from plugins.notifications.drills.models import Drill, DrillEvent
from plugins.notifications.drills.pace import FASTER, Pace
from plugins.notifications.drills.queries import came_in, drill_of, event_of
from plugins.notifications.drills.score import scored
from plugins.notifications.drills.scripts import Script
from plugins.notifications.models import Incident


def begin(tx: Transaction, incident: Incident, script: Script | None) -> None:
    """Have time run faster from now on, and whatever the script says come in."""
    pace = Pace(incident.opened_at, FASTER)
    tx.add(
        Drill(
            id=tx.take_id(Drill),
            incident_id=incident.id,
            script=script.name if script else None,
            begun_at=pace.begun,
            faster=pace.faster,
        )
    )
    for event in script.events if script else ():
        comes = pace.begun + timedelta(hours=event.after)
        tx.add(
            DrillEvent(
                id=tx.take_id(DrillEvent),
                public_id=new_public_id(),
                incident_id=incident.id,
                name=event.name,
                comes_at=pace.ours(comes),
                late_at=pace.ours(comes + timedelta(hours=event.within)),
            )
        )
    tx.flush()


def unanswered(tx: Transaction, incident: Incident, *, at: datetime) -> list[tuple[str, datetime]]:
    """What has come in by a moment and nobody answered, in its words, the first first, and when it came."""
    drill = drill_of(tx, incident)
    left = [each for each in reversed(came_in(tx, incident, at=at)) if each.answered_at is None]
    asked = [(event_of(drill, each), each.comes_at) for each in left] if drill else []
    return [(str(event.said), came) for event, came in asked if event is not None]


def keep_score(tx: Transaction, incident: Incident, *, at: datetime) -> None:
    """Keep what a drill scored that is closed at this moment."""
    done = scored(tx, incident, at=at, ended=True)
    tx.execute(
        update(Drill)
        .where(Drill.incident_id == incident.id)
        .values(score=done.score, parts=done.kept)
        .execution_options(synchronize_session=False)
    )
