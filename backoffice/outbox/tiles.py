"""The tiles of mails: those that wait, are held, were given up or came back, and how many left by hour."""

from collections.abc import Collection
from datetime import timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, func, select

from backoffice import clock
from backoffice.access.permissions import MAIL_READ
from backoffice.access.policy import visible
from backoffice.access.transaction import Transaction
from backoffice.language.moments import amount
from backoffice.language.texts import gettext, lazy
from backoffice.outbox.models import HANDED_OVER, MailState, OutgoingMail
from backoffice.tiles import MOST_COUNTED, Chart, Number, Tile, hourly, hours_up_to_now

# Longer than so the queue stands when nobody fetches from it.
LONG, HOURS, DAYS = 100, 24, 30


def _waiting(tx: Transaction) -> Number:
    count = _count(tx, (MailState.QUEUED, MailState.SENDING))
    return Number(min(count, MOST_COUNTED), "", "warn" if count > LONG else "", count > MOST_COUNTED)


def _given_up(tx: Transaction) -> Number:
    count = _count(tx, (MailState.FAILED,))
    return Number(min(count, MOST_COUNTED), "", "bad" if count else "good", count > MOST_COUNTED)


def _came_back(tx: Transaction) -> Number | None:
    """Mails of the last days that came back; nothing where none did."""
    recent = OutgoingMail.finished_at >= clock.now() - timedelta(days=DAYS)
    count = _count(tx, (MailState.BOUNCED,), recent)
    note = gettext("of the last %(days)s days", days=DAYS)
    return Number(min(count, MOST_COUNTED), note, "bad", count > MOST_COUNTED) if count else None


def _held(tx: Transaction) -> Number | None:
    """Mails that somebody holds back; nothing where nobody does."""
    count = _count(tx, (MailState.HELD,))
    return Number(min(count, MOST_COUNTED), "", "warn", count > MOST_COUNTED) if count else None


def _by_hour(tx: Transaction) -> Chart | None:
    """How many mails left in each of the last hours; given up and come back stand beside it in words."""
    hours = hours_up_to_now(HOURS)
    ended = visible(
        tx.principal,
        select(OutgoingMail.finished_at, OutgoingMail.state).where(OutgoingMail.finished_at >= hours[0]),
    ).subquery()
    hour = func.date_trunc("hour", ended.c.finished_at, "UTC")
    gone = func.count().filter(ended.c.state.in_(HANDED_OVER))
    given_up = func.count().filter(ended.c.state == MailState.FAILED)
    came_back = func.count().filter(ended.c.state == MailState.BOUNCED)
    found = tx.execute(select(hour, gone, given_up, came_back).group_by(hour)).all()
    if not found:
        return None
    sent, failed, back = (sum(row[number] for row in found) for number in (1, 2, 3))
    return Chart(
        hourly(hours, {row[0]: row[1] for row in found}, ZoneInfo(tx.principal.time_zone)),
        of=gettext("Mails"),
        by=gettext("Hour from"),
        over_time=True,
        # That none left at all is worse than that some did not.
        even_empty=bool(failed),
        note=_in_words(sent, failed, back),
    )


def _in_words(sent: int, failed: int, back: int) -> str:
    said = {"sent": amount(sent), "failed": amount(failed), "back": amount(back), "hours": HOURS}
    if failed and back:
        return gettext(
            "%(sent)s sent, %(back)s of them came back, %(failed)s given up in %(hours)s hours", **said
        )
    if back:
        return gettext("%(sent)s sent, %(back)s of them came back in %(hours)s hours", **said)
    if failed:
        return gettext("%(sent)s sent, %(failed)s given up in %(hours)s hours", **said)
    return gettext("%(sent)s sent in %(hours)s hours", **said)


def _count(tx: Transaction, states: Collection[MailState], *further: ColumnElement[bool]) -> int:
    """How many mails are so far; no further than one beyond what is told."""
    some = visible(tx.principal, select(OutgoingMail.id).where(OutgoingMail.state.in_(states), *further))
    return tx.scalar(select(func.count()).select_from(some.limit(MOST_COUNTED + 1).subquery())) or 0


TILES: tuple[Tile, ...] = (
    Tile("mails-waiting", lazy("Mails waiting"), MAIL_READ, _waiting, "/console/outbox/?state=queued"),
    Tile("mails-given-up", lazy("Mails given up"), MAIL_READ, _given_up, "/console/outbox/?state=failed"),
    Tile(
        "mails-came-back",
        lazy("Mails that came back"),
        MAIL_READ,
        _came_back,
        "/console/outbox/?state=bounced",
    ),
    Tile("mails-held", lazy("Mails held back"), MAIL_READ, _held, "/console/outbox/?state=held"),
    Tile("mails-by-hour", lazy("Mails sent by hour"), MAIL_READ, _by_hour, "/console/outbox/"),
)
