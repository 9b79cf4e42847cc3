"""The tiles of the work in the background: what is late or failed, what waits, and failures by day."""

from backoffice import clock
from backoffice.access.permissions import JOBS_READ
from backoffice.access.transaction import Transaction
from backoffice.jobs import history, registry
from backoffice.jobs.health import LATE_AFTER, Health, conditions, count
from backoffice.language.moments import amount
from backoffice.language.texts import gettext, lazy
from backoffice.tiles import MOST_COUNTED, Chart, Number, Tile, daily
from backoffice.web.times import span

DAYS = 14
JOBS = "/console/jobs/"


def _late_or_failed(tx: Transaction) -> Number:
    """How many jobs are long overdue, or failed when they last ran. One that rests is neither."""
    counts = count(conditions(tx, registry.installed(), most=1))
    late, failed = counts[Health.LATE], counts[Health.FAILED]
    if late or failed:
        note = gettext("%(late)s late, %(failed)s failed at their last run", late=late, failed=failed)
    else:
        note = gettext("None late, none failed at its last run")
    return Number(late + failed, note, "bad" if late or failed else "good")


def _waiting(tx: Transaction) -> Number:
    """How many runs wait for a worker, and how long the oldest has. What is switched off may wait."""
    running = {name for name, entry in registry.installed().items() if entry.is_on(tx)}
    found = history.waiting(tx, jobs=running, most=MOST_COUNTED)
    since = clock.now() - found.oldest if found.oldest else None
    return Number(
        min(found.count, MOST_COUNTED),
        gettext("the oldest for %(span)s", span=span(since)) if since else "",
        "warn" if since and since > LATE_AFTER else "",
        found.count > MOST_COUNTED,
    )


def _failures(tx: Transaction) -> Chart:
    """How many runs went wrong, day by day."""
    days = history.failures(tx, days=DAYS)
    return Chart(
        daily(days),
        of=gettext("Failed runs"),
        by=gettext("Day"),
        over_time=True,
        tone="bad",
        at_least=4,
        note=gettext("%(count)s in %(days)s days", count=amount(sum(days.values())), days=DAYS),
    )


TILES: tuple[Tile, ...] = (
    Tile("jobs", lazy("Jobs late or failed"), JOBS_READ, _late_or_failed, JOBS),
    Tile("jobs-waiting", lazy("Work waiting"), JOBS_READ, _waiting, JOBS),
    Tile("jobs-failed", lazy("Failed runs of jobs by day"), JOBS_READ, _failures, JOBS),
)
