"""The tile of what a school or district has subscribed to: how it stands, and when it goes on or ends."""

from collections.abc import Iterator
from zoneinfo import ZoneInfo

from backoffice.access.lookup import rows_of
from backoffice.access.transaction import Transaction
from backoffice.language.moments import day_of_year
from backoffice.language.texts import gettext, lazy, ngettext
from backoffice.tiles import Entry, List, Tile
from plugins.billing import queries
from plugins.billing.models import OVER, PlanName, Status, Subscription
from plugins.billing.payers import HERE, Payer, way_to
from plugins.billing.permissions import BILLING_READ
from plugins.billing.plans import current
from plugins.billing.words import PLANS, STATUS

MOST = 5


def _subscribed(tx: Transaction) -> List | None:
    """What is not over, the newest first; nothing of whoever has not subscribed to anything."""
    running = (
        rows_of(tx.principal, Subscription, BILLING_READ)
        .where(Subscription.status.not_in(OVER))
        .order_by(Subscription.begun_at.desc(), Subscription.id.desc())
        .limit(MOST + 1)
    )
    found = tx.scalars(running).all()
    if not found:
        return None
    whose = queries.payers_of(tx, [each.customer_id for each in found])
    zone = ZoneInfo(tx.principal.time_zone)
    entries = [_entry(each, whose[each.customer_id], zone) for each in found if each.customer_id in whose]
    return List(entries[:MOST], all_url=HERE if len(entries) > MOST else None) if entries else None


def _entry(row: Subscription, payer: Payer, zone: ZoneInfo) -> Entry:
    word, tone = STATUS[Status(row.status)]
    return Entry(
        payer.name, list(_facts(row, zone)), url=f"{HERE}{way_to(payer)}", badge=str(word), tone=tone
    )


def _facts(row: Subscription, zone: ZoneInfo) -> Iterator[str]:
    plan = PlanName(row.plan) if row.plan else None
    yield str(PLANS[plan]) if plan else gettext("A plan of your own")
    if plan and current().by_name[plan].per_seat:
        yield ngettext("1 teacher", "%(count)s teachers", row.seats, count=row.seats)
    if row.ends_at:
        yield gettext("Ends %(day)s", day=day_of_year(row.ends_at.astimezone(zone).date()))
    elif row.period_until:
        yield gettext("Goes on %(day)s", day=day_of_year(row.period_until.astimezone(zone).date()))


TILES: tuple[Tile, ...] = (Tile("subscription", lazy("Subscription"), BILLING_READ, _subscribed, HERE),)
