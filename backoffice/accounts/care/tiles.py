"""The tile of security events."""

from collections import Counter
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import func, select

from backoffice.access.permissions import SECURITY_READ
from backoffice.access.policy import visible
from backoffice.access.transaction import Transaction
from backoffice.accounts.care.models import SecurityEvent
from backoffice.language.moments import amount
from backoffice.language.texts import gettext, lazy
from backoffice.tiles import MOST_COUNTED, Chart, Number, Tile, hourly, hours_up_to_now

HOURS = 24
SECURITY = "/console/security/"


def _by_hour(tx: Transaction) -> Chart | None:
    """How many were noticed in each of the last 24 hours, of the newest thousand."""
    hours = hours_up_to_now(HOURS)
    newest = visible(tx.principal, select(SecurityEvent.opened_at).order_by(SecurityEvent.id.desc()))
    moments: list[datetime] = [at for at in tx.scalars(newest.limit(MOST_COUNTED)) if at >= hours[0]]
    if not moments:
        return None
    count = Counter(at.astimezone(UTC).replace(minute=0, second=0, microsecond=0) for at in moments)
    return Chart(
        hourly(hours, count, ZoneInfo(tx.principal.time_zone)),
        of=gettext("Events"),
        by=gettext("Hour from"),
        over_time=True,
        note=_in_words(len(moments)),
    )


def _in_words(count: int) -> str:
    said = {"count": amount(count), "hours": HOURS}
    if count == MOST_COUNTED:
        return gettext("more than %(count)s in %(hours)s hours", **said)
    return gettext("%(count)s in %(hours)s hours", **said)


def _open(tx: Transaction) -> Number:
    some = visible(tx.principal, select(SecurityEvent.id).where(SecurityEvent.closed_at.is_(None)))
    count = tx.scalar(select(func.count()).select_from(some.limit(MOST_COUNTED + 1).subquery())) or 0
    return Number(min(count, MOST_COUNTED), "", "warn" if count else "good", count > MOST_COUNTED)


TILES: tuple[Tile, ...] = (
    Tile("events-open", lazy("Security events open"), SECURITY_READ, _open, f"{SECURITY}?state=open"),
    Tile("events-by-hour", lazy("Security events by hour"), SECURITY_READ, _by_hour, SECURITY),
)
