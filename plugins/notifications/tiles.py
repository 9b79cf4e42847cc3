"""The tiles of incidents: how many are open, and what has to be told next."""

from zoneinfo import ZoneInfo

from backoffice import clock
from backoffice.access.transaction import Transaction
from backoffice.language.moments import short_day
from backoffice.language.texts import gettext, lazy
from backoffice.tiles import Number, Tile
from plugins.notifications import clocks, queries, said
from plugins.notifications.permissions import INCIDENTS_READ


def _open(tx: Transaction) -> Number | None:
    """Incidents that are open, with the next deadline of all of them; drills while there is nothing else."""
    both = queries.open_incidents(tx)
    found = [each for each in both if not each.is_drill] or both
    if not found:
        return None
    now = clock.now()
    running = [
        each
        for standing in clocks.standings(tx, found).values()
        for each in said.clocks(standing, now)
        if each.is_open and each.is_ours and each.due is not None
    ]
    first = min(running, key=lambda each: each.due or now, default=None)
    if first is None or first.due is None:
        return Number(len(found), gettext("no deadline runs"), "warn")
    at = first.due.astimezone(ZoneInfo(tx.principal.time_zone))
    when = f"{short_day(at.date())} {at:%H:%M}"
    if found[0].is_drill:
        return Number(len(found), gettext("in a drill: next deadline %(when)s", when=when), first.tone)
    return Number(len(found), gettext("next deadline %(when)s", when=when), first.tone)


TILES: tuple[Tile, ...] = (
    Tile("incidents", lazy("Incidents open"), INCIDENTS_READ, _open, "/console/incidents/?state=open"),
)
