"""Whether addresses, log files and events are gone in time, by the promise and whatever the policy says."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from backoffice import clock
from backoffice.controls.check import Check, Finding, Looking, falls_short, holds, not_exercised
from backoffice.controls.looking import count, metadatas, some
from backoffice.privacy.holdings import Subject
from backoffice.privacy.holds.extent import is_subject_kept
from backoffice.privacy.inventory import held_in
from backoffice.privacy.retention import kinds, log_files, queries
from backoffice.privacy.retention.kinds import Kind
from backoffice.privacy.retention.period import Period
from backoffice.storage.columns import Class
from plugins.retention import queries as idle_accounts

PROMISED, YEAR = Period(6, "month"), Period(12, "month")
# Runs come four times a day.
GRACE = timedelta(days=1)


def log_retention(look: Looking) -> Finding:
    """No network address in any column and no line of our log files is older than six months and a day."""
    limit = PROMISED.before(clock.now()) - GRACE
    columns, ages, unknown = 0, list[datetime](), []
    for table, name in _addresses(look):
        columns += 1
        oldest = [each for kind in _kinds_of(table) for each in _oldest_of(look, kind, table, name)]
        if not _kinds_of(table):
            unknown.append(f"{table}.{name}")
        ages += oldest
    if unknown:
        return falls_short(f"Nothing says how old an address is in: {some(unknown)}.")
    late = [each for each in ages if each < limit]
    if late:
        return falls_short(f"An address of {min(late):%Y-%m-%d} is left.")
    folder = look.settings.log_dir
    line = log_files.oldest_line(folder) if folder else None
    if line is not None and line < limit:
        return falls_short(f"A log file holds lines of {line:%Y-%m-%d}.")
    logs = f", the oldest log line is of {line:%Y-%m-%d}" if line else ""
    where = count(columns, "column") + " of network addresses"
    if not ages and line is None:
        return not_exercised(f"{where}, all empty; no log file here.")
    address = f"the oldest is of {min(ages):%Y-%m-%d}" if ages else "all empty"
    return holds(f"{where}, {address}{logs}.")


def event_retention(look: Looking) -> Finding:
    """No event of the product that says who did what is older than six months and a day."""
    limit = PROMISED.before(clock.now()) - GRACE
    events = [kind for kind in kinds.installed().values() if kind.events]
    ages = {kind.name: oldest for kind in events if (oldest := queries.oldest(look.tx, kind))}
    late = sorted(name for name, oldest in ages.items() if oldest < limit)
    if late:
        return falls_short(f"Older than six months: {some(late)}, from {min(ages.values()):%Y-%m-%d} on.")
    said = f"{len(events)} kinds of events"
    if not ages:
        return not_exercised(f"{said}, none has happened yet.")
    return holds(f"{said}, the oldest is of {min(ages.values()):%Y-%m-%d}.")


def inactive_teachers(look: Looking) -> Finding:
    """No teacher's account is there a day after its twelve months, and no class a day after it should go."""
    limit = YEAR.before(clock.now()) - GRACE
    idle = idle_accounts.idle(look.tx, since=limit)
    noticed = idle_accounts.under_notice(look.tx, at=clock.now())
    late = [row for row in idle if not row.leads_alone and row.id not in noticed]
    kept = [row for row in late if is_subject_kept(look.tx, Subject.ACCOUNT, row.id)]
    late = [row for row in late if row not in kept]
    if late:
        said = count(len(late), "account")
        return falls_short(f"{said} idle for longer, since {late[0].used_at:%Y-%m-%d}.")
    left = idle_accounts.ownerless_overdue(look.tx, at=clock.now() - GRACE)
    if left:
        return falls_short(f"{count(left, 'class', 'classes')} without a teacher should be gone.")
    alone = [row for row in idle if row.leads_alone]
    if alone:
        said = count(len(alone), "idle account")
        return falls_short(f"{said} stays, since nobody else leads the place: name another leader.")
    oldest = idle_accounts.longest_idle(look.tx)
    if oldest is None:
        return not_exercised("No teacher has an account yet.")
    held = f"; {count(len(kept), 'account')} longer, for a legal hold" if kept else ""
    idle = [row for row in idle if row not in kept]
    told = f"; {count(len(idle), 'account')} was told late, and goes in time" if idle else ""
    return holds(f"The longest idle account was used on {oldest:%Y-%m-%d}{told}{held}.")


def _addresses(look: Looking) -> Iterator[tuple[str, str]]:
    for metadata in metadatas(look):
        for table in metadata.sorted_tables:
            for column in table.columns:
                held = held_in(column)
                if held is not None and held.kind is Class.NETWORK_ADDRESS:
                    yield str(table), column.name


def _kinds_of(table: str) -> list[Kind]:
    return [
        kind
        for kind in kinds.installed().values()
        if any(table == str(each) for rows in kind.rows for each in rows.tables)
    ]


def _oldest_of(look: Looking, kind: Kind, table: str, name: str) -> Iterator[datetime]:
    """From when the oldest address of a column is, by the clock of its kind."""
    for rows in kind.rows:
        if str(rows.model.__table__) != table:
            continue
        there = rows.model.__table__.c[name].is_not(None)
        only = there if rows.only is None else rows.only & there
        oldest = queries.oldest(look.tx, replace(kind, rows=(replace(rows, only=only),)))
        if oldest is not None:
            yield oldest


CHECKS = (
    Check("log-retention", log_retention),
    Check("event-retention", event_retention),
    Check("inactive-teachers", inactive_teachers),
)
