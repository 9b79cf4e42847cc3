"""Two founders, as tests of notices have them, and drills that they have begun."""

from datetime import timedelta
from uuid import uuid4

from sqlalchemy import select, update

from backoffice.access.principal import Principal
from backoffice.access.transaction import transaction
from backoffice.schools.models import School
from plugins.notifications import schools
from plugins.notifications.drills import services
from plugins.notifications.drills.models import Drill, DrillEvent
from plugins.notifications.models import ConcernedSchool, Incident
from plugins.notifications.notices.models import Notice
from tests.factories.world import SYSTEM, World
from tests.plugins.notifications.notices.conftest import backup, founders, incident

__all__ = ["backup", "founders", "incident"]


def play(by: Principal, script: str = "guessed-password") -> str:
    return services.play(principal=by, script=script, form=str(uuid4()))


def concern_home(world: World, by: Principal, incident: str, place: str = "US-NY") -> str:
    """The home school, as if it were in some place; what the incident calls it."""
    with transaction(SYSTEM) as tx:
        school = tx.get_one(School, world.home.id).public_id
    schools.concern(principal=by, incident=incident, place=school)
    with transaction(SYSTEM) as tx:
        number = tx.scalars(select(Incident.id).where(Incident.public_id == incident)).one()
        mine = ConcernedSchool.incident_id == number
        tx.execute(update(ConcernedSchool).where(mine).values(place=place, time_zone="America/New_York"))
        return tx.scalars(select(ConcernedSchool.public_id).where(mine)).one()


def go_on(incident: str, span: timedelta) -> None:
    """So much of our time has passed since it began."""
    with transaction(SYSTEM) as tx:
        number = tx.scalars(select(Incident.id).where(Incident.public_id == incident)).one()
        for model, key, names in (
            (Incident, Incident.id, ("noticed_at", "opened_at")),
            (Drill, Drill.incident_id, ("begun_at",)),
            (DrillEvent, DrillEvent.incident_id, ("comes_at", "late_at", "answered_at")),
            (Notice, Notice.incident_id, ("approved_at", "proposed_at", "sent_at")),
        ):
            back = {name: getattr(model, name) - span for name in names}
            tx.execute(update(model).where(key == number).values(back))


def drill_of(incident: str) -> Drill:
    with transaction(SYSTEM) as tx:
        of_it = select(Drill).join(Incident, Incident.id == Drill.incident_id)
        return tx.scalars(of_it.where(Incident.public_id == incident)).one()


def events_of(incident: str) -> list[DrillEvent]:
    """What comes in, the first first."""
    with transaction(SYSTEM) as tx:
        of_it = select(DrillEvent).join(Incident, Incident.id == DrillEvent.incident_id)
        mine = of_it.where(Incident.public_id == incident)
        return list(tx.scalars(mine.order_by(DrillEvent.comes_at)))
