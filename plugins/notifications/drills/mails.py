"""What becomes of the mails of a drill, none of which leaves: as the events say that came in.

A mail that came back or was refused in a drill is one that people have to answer, as after a real incident:
it is due as a letter.
"""

from datetime import datetime

from sqlalchemy import ColumnElement, and_, exists, false, func, select, tuple_, update

from backoffice import clock
from backoffice.access.principal import Purpose
from backoffice.access.transaction import Transaction, transaction
from plugins.notifications.drills.models import Drill, DrillEvent
from plugins.notifications.drills.scripts import BY_MAILS, Mails
from plugins.notifications.models import Incident
from plugins.notifications.notices.models import Audience, DeliveryState, Notice, NoticeDelivery

# One in so many comes back, beginning with the first, so that there is always one.
ONE_IN = 4
_FIRST = (
    select(NoticeDelivery.notice_id, func.min(NoticeDelivery.id).label("number"))
    .join(Notice, Notice.id == NoticeDelivery.notice_id)
    .join(Incident, Incident.id == Notice.incident_id)
    .where(Incident.is_drill, Incident.closed_at.is_(None))
    .group_by(NoticeDelivery.notice_id)
    .subquery("first_of_notice")
)


def play_mails(who: Purpose) -> int:
    """Have mails of open drills come back or be refused by what came in; how many."""
    with transaction(who) as tx:
        return became(tx, at=clock.now())


def became(tx: Transaction, *, at: datetime, notice: Notice | None = None) -> int:
    """Have mails of drills, or of a notice of one, come back or be refused by a moment; how many.

    Said twice it is done once: a mail that has become a letter is none any more. As the system.
    """
    played = and_(
        NoticeDelivery.state == DeliveryState.PLAYED,
        NoticeDelivery.letter_batch_id.is_(None),
        NoticeDelivery.addressed_at <= at,
        *([NoticeDelivery.notice_id == notice.id] if notice is not None else []),
    )
    return _become(tx, DeliveryState.FAILED, played, _refused(at)) + _become(
        tx, DeliveryState.BOUNCED, played, _comes_back(at)
    )


def _become(
    tx: Transaction, state: DeliveryState, played: ColumnElement[bool], such: ColumnElement[bool]
) -> int:
    numbers = (
        select(NoticeDelivery.id)
        .join(Notice, Notice.id == NoticeDelivery.notice_id)
        .join(Incident, Incident.id == Notice.incident_id)
        .join(Drill, Drill.incident_id == Incident.id)
        .join(_FIRST, _FIRST.c.notice_id == Notice.id)
        .where(Incident.is_drill, Incident.closed_at.is_(None), played, such)
    )
    changed = update(NoticeDelivery).where(NoticeDelivery.id.in_(numbers)).values(state=state)
    done = changed.returning(NoticeDelivery.id).execution_options(synchronize_session=False)
    return len(tx.scalars(done).all())


def _comes_back(at: datetime) -> ColumnElement[bool]:
    """Of mails to parents, each fourth of its notice: the same ones whenever it is asked."""
    came = _event(Mails.COME_BACK, DrillEvent.comes_at <= at)
    # Numbers are taken in a row.
    counted = func.mod(NoticeDelivery.id - _FIRST.c.number, ONE_IN)
    return and_(came, Notice.audience == Audience.PARENTS, counted == 0)


def _refused(at: datetime) -> ColumnElement[bool]:
    """All that was written after mails were refused, and before they were taken again."""
    written = NoticeDelivery.addressed_at
    return and_(
        _event(Mails.REFUSED, and_(DrillEvent.comes_at <= at, DrillEvent.comes_at <= written)),
        ~_event(Mails.TAKEN, DrillEvent.comes_at <= written),
    )


def _event(kind: Mails, such: ColumnElement[bool]) -> ColumnElement[bool]:
    known = BY_MAILS[kind]
    these = tuple_(Drill.script, DrillEvent.name).in_(known) if known else false()
    some = exists().where(DrillEvent.incident_id == Notice.incident_id, such, these)
    return some.correlate(Notice, NoticeDelivery, Drill)
