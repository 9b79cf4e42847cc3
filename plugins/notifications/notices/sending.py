"""Writing a notice to everybody whom it is for: each account once, so many in a transaction.

A row for each person and the mail to them are written together, under a lock on the notice: a worker that is
killed leaves what it had committed, and the next one goes on behind it.
"""

from collections.abc import Callable, Sequence

from sqlalchemy import insert, select, update

from backoffice import clock
from backoffice.access.principal import Purpose
from backoffice.access.transaction import Transaction, transaction
from backoffice.audit.trail import record
from backoffice.messages.services import tell_many
from backoffice.outbox import holding
from backoffice.outbox.models import HANDED_OVER, MailState
from backoffice.outbox.services import Letter, post
from plugins.notifications.drills.mails import became
from plugins.notifications.hooks import queries as hooks
from plugins.notifications.models import EntryKind, Incident, TimelineEntry
from plugins.notifications.notices import lateness, mails, messages, queries, services
from plugins.notifications.notices.models import (
    Audience,
    DeliveryState,
    Notice,
    NoticeDelivery,
    NoticeState,
)
from plugins.notifications.notices.queries import Told

AT_ONCE = 500
_BECAME = {
    MailState.SENT: DeliveryState.SENT,
    MailState.BOUNCED: DeliveryState.BOUNCED,
    MailState.CALLED_OFF: DeliveryState.CALLED_OFF,
}


def send_notices(who: Purpose, *, progress: Callable[[int], None], at_once: int = AT_ONCE) -> int:
    """Write the notices that were let out to all whom they are for, schools first; how many."""
    with transaction(who) as tx:
        numbers = queries.at_work(tx)
    told = 0
    for number in numbers:
        while some := _write_some(who, number, at_once):
            told += some
            progress(told)
    return told


def keep_back(who: Purpose) -> None:
    """Hold mails of notices that are paused, and call off those of stopped ones, which came back to wait.

    What a worker had taken when a founder paused is put back by it, if it could not be sent.
    """
    with transaction(who) as tx:
        holding.hold(tx, queries.mails_behind(Notice.state != NoticeState.ENDED))
        holding.call_off(tx, queries.mails_behind(Notice.state == NoticeState.ENDED))


def tell_schools(who: Purpose) -> int:
    """Tell the schools concerned of notices that one founder let out alone; how many were told."""
    told = 0
    # Of a form to an authority nothing went out, and the police may want nobody told.
    alone = select(Notice).where(
        *(Notice.review_due_at.is_not(None), Notice.schools_told_at.is_(None), Notice.paused_at.is_(None)),
        Notice.audience != Audience.AUTHORITY,
    )
    with transaction(who) as tx:
        for notice in tx.scalars(alone.order_by(Notice.id).with_for_update()).all():
            assert notice.approved_at is not None
            assert notice.review_due_at is not None
            notice.schools_told_at = clock.now()
            if not _is_drill(tx, notice):
                how = mails.NoticeAlone(notice.approved_at, notice.review_due_at)
                schools = queries.of_schools(tx, notice)
                for to in schools:
                    post(tx, mails.NOTICE_ALONE, to=to, parameters=how)
                told += len(schools)
            record(tx, "notices.tell-schools", notice=notice.id)
    return told


def settle(who: Purpose, *, at_once: int = AT_ONCE) -> int:
    """Keep of each delivery what became of its mail, which goes sooner than the delivery; how many."""
    settled, last = 0, 0
    while True:
        with transaction(who) as tx:
            rows = queries.to_settle(tx, after=last, most=at_once)
            for row in rows:
                state = _BECAME.get(row.state, DeliveryState.FAILED)
                tx.execute(
                    update(NoticeDelivery)
                    .where(NoticeDelivery.id == row.id)
                    .values(
                        state=state,
                        settled_at=row.finished_at or clock.now(),
                        maybe_twice=row.maybe_twice and row.state in HANDED_OVER,
                    )
                )
        settled += len(rows)
        if len(rows) < at_once:
            with transaction(who) as tx:
                lateness.keep_reasons(tx, queries.note_schools_told(tx))
            return settled
        last = rows[-1].id


def _write_some(who: Purpose, number: int, at_once: int) -> int:
    with transaction(who) as tx:
        notice = queries.locked(tx, number)
        if notice is None:
            return 0
        some = queries.still_to_tell(tx, notice, most=at_once)
        if some:
            _write(tx, notice, some)
        else:
            _all_told(tx, notice)
    return len(some)


def _write(tx: Transaction, notice: Notice, some: Sequence[Told]) -> None:
    drill, now = _is_drill(tx, notice), clock.now()
    mailed = [each for each in some if each.to is not None]
    sent = [None] * len(mailed) if drill else _post(tx, notice, mailed)
    mail_of = dict(zip(mailed, sent, strict=True))
    rows = [
        {
            "id": row_id,
            "notice_id": notice.id,
            "account_id": each.account_id,
            "concerned_school_id": each.concerned_school_id,
            "mail_id": mail_of.get(each),
            "state": _begins(notice, each, drill=drill),
            "maybe_twice": False,
            "addressed_at": now,
            "settled_at": now if drill and each.to is not None else None,
        }
        for row_id, each in zip(tx.take_ids(NoticeDelivery, len(some)), some, strict=True)
    ]
    tx.execute(insert(NoticeDelivery), rows)
    if drill:
        became(tx, at=now, notice=notice)


def _begins(notice: Notice, each: Told, *, drill: bool) -> DeliveryState:
    if each.to is None:
        return DeliveryState.TO_POST if notice.audience == Audience.LETTERS else DeliveryState.FAILED
    return DeliveryState.PLAYED if drill else DeliveryState.QUEUED


def _post(tx: Transaction, notice: Notice, some: Sequence[Told]) -> Sequence[int | None]:
    readers = [each.to for each in some if each.to is not None]
    if not readers:
        return []
    _mail, parameters = mails.BY[notice.template, notice.template_version]
    filled = {
        language: parameters.of(notice.said, audience=notice.audience, language=language)
        for language in {each.language for each in readers}
    }
    letters = [Letter(each, filled[each.language]) for each in readers]
    told = tell_many(
        tx, messages.BY[notice.template, notice.template_version], letters, subject=notice.public_id
    )
    return [each and each.id for each in told]


def _all_told(tx: Transaction, notice: Notice) -> None:
    now = clock.now()
    # Before others may be added to those whom it is for.
    hooks.note_due(tx, at=now, notice=notice)
    notice.state, notice.sent_at = NoticeState.SENT, now
    said = str(services.SENT[Audience(notice.audience)])
    tx.add(
        TimelineEntry(
            id=tx.take_id(TimelineEntry),
            incident_id=notice.incident_id,
            kind=EntryKind.TOLD,
            said=said,
            happened_at=now,
            written_at=now,
        )
    )
    record(tx, "notices.send", notice=notice.id, audience=notice.audience)


def _is_drill(tx: Transaction, notice: Notice) -> bool:
    return tx.scalar(select(Incident.is_drill).where(Incident.id == notice.incident_id)) or False
