"""Playing a drill: beginning it after a script, and answering what comes in.

All else of it is done as in an incident, which it is: with the same pages and the same services.
"""

from datetime import timedelta

from sqlalchemy import update

from backoffice import clock
from backoffice.access.lookup import find
from backoffice.access.principal import Principal
from backoffice.access.transaction import transaction
from backoffice.audit.trail import record
from backoffice.language.texts import gettext, lazy
from backoffice.problems import Rejected
from backoffice.storage.public_id import PublicId
from plugins.notifications import services
from plugins.notifications.drills.models import DrillEvent
from plugins.notifications.drills.queries import drill_of, event_of
from plugins.notifications.drills.scripts import BY_NAME
from plugins.notifications.models import EntryKind
from plugins.notifications.permissions import INCIDENTS_RUN

NO_SCRIPT = lazy("Choose one of the scripts.")
NOT_YET = lazy("This has not come in yet.")
ANSWERED = lazy("This is answered already. What was answered stands in the timeline.")


def play(*, principal: Principal, script: str, form: str) -> PublicId:
    """Begin a drill after a script, as an incident that has just been noticed.

    Raises `Rejected`, `Denied`.
    """
    known = BY_NAME.get(script)
    if known is None:
        raise Rejected.whole(NO_SCRIPT)
    opened = services.Opened(
        title=gettext("Drill: %(title)s", title=known.title),
        what=str(known.what),
        # As a form writes moments, in whole minutes: what is done in the same minute comes after it.
        noticed_at=clock.now().replace(second=0, microsecond=0),
        form=form,
        is_drill=True,
        script=known,
    )
    return services.open_incident(principal=principal, opened=opened)


def answer_event(*, principal: Principal, event: str, answer: str) -> PublicId:
    """Say what is done about something that came in; once. Answers of which incident it is.

    Raises `Rejected`, `NotFound`.
    """
    answer, now = services.lines(answer), clock.now()
    services.check_words("answer", answer, services.WRITE_IT)
    with transaction(principal) as tx:
        row = find(tx, DrillEvent, event, permission=INCIDENTS_RUN)
        incident = services.lock_open(tx, row.incident_id)
        tx.refresh(row)
        if row.comes_at > now:
            raise Rejected.whole(NOT_YET)
        if row.answered_at is not None:
            raise Rejected.whole(ANSWERED)
        tx.execute(
            update(DrillEvent)
            .where(DrillEvent.id == row.id)
            .values(answered_at=now, answered_by=tx.principal.account_id, answer=answer)
            .execution_options(synchronize_session=False)
        )
        drill = drill_of(tx, incident)
        asked = event_of(drill, row) if drill else None
        if asked is not None:
            came_in = gettext("Came in: %(what)s", what=asked.said)
            services.write(tx, incident, EntryKind.NOTE, came_in, at=row.comes_at)
        services.write(tx, incident, EntryKind.NOTE, gettext("Done about it: %(what)s", what=answer))
        record(tx, "incidents.answer-event", incident=incident.id, event=row.id)
        return PublicId(incident.public_id)


def hours(span: timedelta) -> int:
    """Whole hours."""
    return int(span / timedelta(hours=1))
