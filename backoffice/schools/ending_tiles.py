"""The tiles about what comes to an end: contracts, and classes that nobody teaches any more."""

from zoneinfo import ZoneInfo

from backoffice.access.permissions import SCHOOLS_COUNT, TEACHERS_LIST
from backoffice.access.transaction import Transaction
from backoffice.language.moments import day_of_year
from backoffice.language.texts import gettext, lazy
from backoffice.schools.ending_queries import endings, ownerless
from backoffice.schools.tiles import CLASSES, MOST_LISTED
from backoffice.tiles import Entry, List, Tile


def _contracts(tx: Transaction) -> List | None:
    """Whose contract ends, and when everything is erased."""
    zone, found = ZoneInfo(tx.principal.time_zone), endings(tx, most=MOST_LISTED + 1)
    if not found:
        return None
    return List(
        [
            Entry(
                each.place,
                [
                    gettext("until %(day)s", day=day_of_year(each.last_day)),
                    gettext("erased on %(day)s", day=day_of_year(each.due_at.astimezone(zone).date())),
                ],
                f"/console/schools/{each.school}/contract" if each.school else None,
                badge=gettext("District") if each.of_district else "",
            )
            for each in found[:MOST_LISTED]
        ],
        note=_more(len(found)),
    )


def _ownerless(tx: Transaction) -> List | None:
    """Classes without a teacher, where to give them one, and when they go."""
    zone, found = ZoneInfo(tx.principal.time_zone), ownerless(tx, most=MOST_LISTED + 1)
    if not found:
        return None
    return List(
        [
            Entry(
                row.name,
                [gettext("erased on %(day)s", day=day_of_year(row.due_at.astimezone(zone).date()))]
                if row.due_at
                else [],
                f"{CLASSES}{row.public_id}/teachers",
            )
            for row in found[:MOST_LISTED]
        ],
        note=_more(len(found)),
    )


def _more(found: int) -> str:
    return gettext("the first %(most)s", most=MOST_LISTED) if found > MOST_LISTED else ""


TILES: tuple[Tile, ...] = (
    Tile("contracts-ending", lazy("Contracts that end"), SCHOOLS_COUNT, _contracts),
    Tile("ownerless-classes", lazy("Classes without a teacher"), TEACHERS_LIST, _ownerless),
)
