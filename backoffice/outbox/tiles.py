"""The tiles of mails: those that wait, those that were given up, and how many left by hour."""

from collections.abc import Collection
from zoneinfo import ZoneInfo

from sqlalchemy import func, select

from backoffice.access.permissions import MAIL_READ
from backoffice.access.policy import visible
from backoffice.access.transaction import Transaction
from backoffice.language.moments import amount
from backoffice.language.texts import gettext, lazy
from backoffice.outbox.models import MailState, OutgoingMail
from backoffice.tiles import MOST_COUNTED, Chart, Number, Tile, hourly, hours_up_to_now

# Longer than so the queue stands when nobody fetches from it.
LONG, HOURS = 100, 24


def _waiting(tx: Transaction) -> Number:
    count = _count(tx, (MailState.QUEUED, MailState.SENDING))
    return Number(min(count, MOST_COUNTED), "", "warn" if count > LONG else "", count > MOST_COUNTED)


def _given_up(tx: Transaction) -> Number:
    count = _count(tx, (MailState.FAILED,))
    return Number(min(count, MOST_COUNTED), "", "bad" if count else "good", count > MOST_COUNTED)


def _by_hour(tx: Transaction) -> Chart | None:
    """How many mails left in each of the last hours; those that were given up beside them in words."""
    hours = hours_up_to_now(HOURS)
    ended = visible(
        tx.principal,
        select(OutgoingMail.finished_at, OutgoingMail.state).where(OutgoingMail.finished_at >= hours[0]),
    ).subquery()
    hour = func.date_trunc("hour", ended.c.finished_at, "UTC")
    gone = func.count().filter(ended.c.state == MailState.SENT)
    given_up = func.count().filter(ended.c.state == MailState.FAILED)
    found = tx.execute(select(hour, gone, given_up).group_by(hour)).all()
    if not found:
        return None
    sent, failed = (sum(row[number] for row in found) for number in (1, 2))
    said = {"sent": amount(sent), "failed": amount(failed), "hours": HOURS}
    return Chart(
        hourly(hours, {row[0]: row[1] for row in found}, ZoneInfo(tx.principal.time_zone)),
        of=gettext("Mails"),
        by=gettext("Hour from"),
        over_time=True,
        # That none left at all is worse than that some did not.
        even_empty=bool(failed),
        note=gettext("%(sent)s sent, %(failed)s given up in %(hours)s hours", **said)
        if failed
        else gettext("%(sent)s sent in %(hours)s hours", **said),
    )


def _count(tx: Transaction, states: Collection[MailState]) -> int:
    """How many mails are so far; no further than one beyond what is told."""
    some = visible(tx.principal, select(OutgoingMail.id).where(OutgoingMail.state.in_(states)))
    return tx.scalar(select(func.count()).select_from(some.limit(MOST_COUNTED + 1).subquery())) or 0


TILES: tuple[Tile, ...] = (
    Tile("mails-waiting", lazy("Mails waiting"), MAIL_READ, _waiting, "/console/outbox/?state=queued"),
    Tile("mails-given-up", lazy("Mails given up"), MAIL_READ, _given_up, "/console/outbox/?state=failed"),
    Tile("mails-by-hour", lazy("Mails sent by hour"), MAIL_READ, _by_hour, "/console/outbox/"),
)
