"""The tile of whoever leads schools: how many children were in.

It looks at each school by itself, by an index, and is there for up to 20 schools.
"""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import func, select

from backoffice import clock
from backoffice.access.permissions import STUDENTS_READ
from backoffice.access.policy import visible
from backoffice.access.transaction import Transaction
from backoffice.language.moments import amount
from backoffice.language.texts import gettext, lazy, ngettext
from backoffice.schools import names, queries
from backoffice.schools.models import School, Student
from backoffice.schools.tiles import STUDENTS
from backoffice.storage.numbers import one_of
from backoffice.tiles import Amount, Chart, Number, Tile, once

MOST_SCHOOLS = 20
RECENT = 7


def midnight(tx: Transaction, *, days: int) -> datetime:
    """When the day began, that many days ago, for whoever looks."""
    zone = ZoneInfo(tx.principal.time_zone)
    return datetime.combine(clock.now().astimezone(zone).date() - timedelta(days=days), time(), zone)


def _in_lately(tx: Transaction) -> Number | Chart | None:
    """How many students were in, or were added, today and in the six days before, in each school."""
    who = tx.principal
    if not 0 < len(who.led_schools) <= MOST_SCHOOLS:
        return None
    first = midnight(tx, days=RECENT - 1).date()
    lately = (
        select(func.count())
        .select_from(Student)
        .where(Student.school_id == School.id, Student.active_on >= first)
        .correlate(School)
        .scalar_subquery()
    )
    schools = select(School.public_id, School.name).where(one_of(School.id, who.led_schools))
    found = tx.execute(visible(who, schools).add_columns(lately.label("lately"))).all()
    if len(found) == 1:
        # The totals are those of the schools that are led only if there are no others to count.
        all_of_them = who.officer_schools <= who.led_schools
        total = once(tx, queries.school_totals).students
        of = ngettext("of %(count)s student", "of %(count)s students", total, count=amount(total))
        return Number(found[0].lately, of if all_of_them else "")
    ranked = sorted(found, key=lambda each: (-each.lately, names.sort_key(each.name, None)))
    return Chart(
        [
            Amount(each.name, each.lately, f"{STUDENTS}?school={each.public_id}&active=last-7-days")
            for each in ranked
        ],
        of=gettext("Students"),
        by=gettext("School"),
    )


TILES: tuple[Tile, ...] = (
    Tile(
        "in-lately",
        lazy("In or new within %(days)s days", days=RECENT),
        STUDENTS_READ,
        _in_lately,
        f"{STUDENTS}?active=last-7-days",
    ),
)
