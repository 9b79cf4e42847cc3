"""Making the days ahead of logs that are kept by the day, so that dropping one is enough to forget it."""

from collections.abc import Iterable
from datetime import date, timedelta
from functools import partial

from sqlalchemy import Table

from backoffice import clock
from backoffice.access.principal import Purpose
from backoffice.access.transaction import transaction
from backoffice.jobs.job import Counts, JobRun
from backoffice.language.texts import lazy
from backoffice.runtime import Runtime
from backoffice.storage import functions
from backoffice.storage.partitions import AHEAD, is_kept_by_day, patiently


def make_days(run: JobRun) -> Counts:
    """Make the days ahead that are not there yet, and those of rows that came without one.

    Two at once are as one: the second finds what the first has made, or tries again.
    """
    runtime: Runtime = run.app.extensions["backoffice"]
    made = make_missing(run.who, (table for each in runtime.metadatas for table in each.sorted_tables))
    return {lazy("days made"): len(made), lazy("rows moved to their day"): sum(made)}


def make_missing(who: Purpose, tables: Iterable[Table]) -> list[int]:
    """Make what days these logs have not; of each how many rows were waiting for it."""
    today = clock.now().date()
    last = today + timedelta(days=AHEAD)
    moved: list[int] = []
    for log in (str(table) for table in tables if is_kept_by_day(table)):
        with transaction(who) as tx:
            missing = functions.days_to_make(tx, log=log, first=today, last=last)
        found = [patiently(partial(_make, who, log, day)) for day in missing]
        moved += [rows for rows in found if rows is not None]
    return moved


def _make(who: Purpose, log: str, day: date) -> int | None:
    with transaction(who) as tx:
        return functions.make_day(tx, log=log, day=day)
