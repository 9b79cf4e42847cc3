"""The tile of one's own exports: those that are being made, and those that can be fetched."""

from datetime import datetime
from zoneinfo import ZoneInfo

from backoffice import clock
from backoffice.access.permissions import CONSOLE_ENTER
from backoffice.access.transaction import Transaction
from backoffice.language.moments import amount, weekday
from backoffice.language.texts import gettext, lazy
from backoffice.tiles import Number, Tile
from plugins.exports import queries, settings
from plugins.exports.models import ExportState
from plugins.exports.offers import OWN


def _own(tx: Transaction) -> Number | None:
    """How many there are, and until when the first of those that are ready can be fetched."""
    found = queries.own_standing(tx)
    under_way = sum(ExportState(each.state).is_under_way for each in found)
    ends: list[datetime] = []
    if under_way < len(found):
        limits, now = settings.current(tx), clock.now()
        ends = [end for each in found if (end := each.fetched_until(limits)) and end > now]
    if not (under_way or ends):
        return None
    parts = []
    if ends:
        at = min(ends).astimezone(ZoneInfo(tx.principal.time_zone))
        when = f"{weekday(at)} {at:%H:%M}"
        parts.append(gettext("%(count)s to fetch until %(time)s", count=amount(len(ends)), time=when))
    if under_way:
        parts.append(gettext("%(count)s under way", count=amount(under_way)))
    return Number(under_way + len(ends), ", ".join(parts), "good" if ends else "")


TILES: tuple[Tile, ...] = (Tile("exports", lazy("My exports"), CONSOLE_ENTER, _own, OWN),)
