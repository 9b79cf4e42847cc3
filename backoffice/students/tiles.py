"""The tile of how often children signed in, day by day, for whoever leads schools.

Each day of each school is counted by itself, by an index, and no further than `MOST`: so it is there for up
to five schools, and costs the same however long sessions are kept.
"""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import ARRAY, DateTime, cast, func, select, true

from backoffice.access.permissions import STUDENTS_READ
from backoffice.access.policy import visible
from backoffice.access.transaction import Transaction
from backoffice.language.moments import amount
from backoffice.language.texts import gettext, lazy
from backoffice.schools.models import School
from backoffice.schools.tiles import STUDENTS
from backoffice.storage.numbers import one_of
from backoffice.students.models import StudentSession
from backoffice.tiles import Chart, Tile, daily, days_up_to_today

MOST_SCHOOLS, DAYS, MOST = 5, 14, 2000


def _sign_ins(tx: Transaction) -> Chart | None:
    """How many sessions of children began on each day in the schools that are led."""
    who = tx.principal
    if not 0 < len(who.led_schools) <= MOST_SCHOOLS:
        return None
    zone = ZoneInfo(who.time_zone)
    days = days_up_to_today(DAYS, zone)
    begins = [
        datetime.combine(each, time(), zone).astimezone(UTC) for each in (*days, days[-1] + timedelta(days=1))
    ]
    moments = ARRAY(DateTime(timezone=True))
    spans = (
        func.unnest(cast(begins[:-1], moments), cast(begins[1:], moments))
        .table_valued("first", "until")
        .render_derived()
    )
    some = (
        select(StudentSession.id)
        .where(
            StudentSession.school_id == School.id,
            StudentSession.started_at >= spans.c.first,
            StudentSession.started_at < spans.c.until,
        )
        .limit(MOST)
        .correlate(School, spans)
        .subquery()
        .lateral()
    )
    count = select(func.count()).select_from(some).scalar_subquery()
    schools = visible(who, select(School.id).where(one_of(School.id, who.led_schools)), STUDENTS_READ)
    found = tx.execute(
        schools.join_from(School, spans, true()).add_columns(spans.c.first, count.label("begun"))
    ).all()
    counts = dict.fromkeys(days, 0)
    full = False
    for row in found:
        counts[row.first.astimezone(zone).date()] += row.begun
        full = full or row.begun == MOST
    said = {"count": amount(sum(counts.values())), "days": DAYS}
    together = (
        gettext("more than %(count)s in %(days)s days", **said)
        if full
        else gettext("%(count)s in %(days)s days", **said)
    )
    return Chart(daily(counts), of=gettext("Sign-ins"), by=gettext("Day"), over_time=True, note=together)


TILES: tuple[Tile, ...] = (
    Tile(
        "sign-ins",
        lazy("Sign-ins of students by day"),
        STUDENTS_READ,
        _sign_ins,
        f"{STUDENTS}?active=last-7-days",
    ),
)
