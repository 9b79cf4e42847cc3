"""Whether anybody, and a child above all, can report something, and whether what was told is looked at."""

from datetime import timedelta
from uuid import uuid4

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from backoffice import clock
from backoffice.access import probe
from backoffice.access.principal import Nobody
from backoffice.access.transaction import Transaction
from backoffice.controls import registry
from backoffice.controls.check import Check, Finding, Looking, falls_short, holds
from backoffice.controls.looking import count
from backoffice.outbox.checks import what_hinders_reports
from backoffice.reports.models import Report, ReportKind
from backoffice.reports.services import Reported, add
from backoffice.storage.public_id import new_public_id
from backoffice.students.worries.checks import is_a_child_there, open_since, what_hinders_children

DAY = timedelta(days=1)


def report_suspicious(look: Looking) -> Finding:
    """Anybody can report, a child can tell its teachers, and nothing told is open for too long."""
    (longest,) = registry.current().control("report-suspicious").times
    hindered = what_hinders_reports(look) or _what_hinders_anybody() or what_hinders_children(look)
    if hindered:
        return falls_short(hindered)
    now = clock.now()
    reported = look.tx.scalars(select(Report.reported_at).where(Report.closed_at.is_(None))).all()
    told = [*open_since(look), *reported]
    late = sum(now - at > longest for at in told)
    young = sum(now - at <= DAY for at in told)
    by_age = (
        f"{young:,} of the last day, {len(told) - young - late:,} older, {late:,} over {longest.days} days"
    )
    if late:
        return falls_short(f"{count(late, 'report')} open for too long: {by_age}.")
    child = "a child could tell" if is_a_child_there(look) else "no child is there to try it with"
    return holds(
        f"Tried out and undone: the form takes a report, and {child}; {count(len(told), 'open report')},"
        f" {len(reported):,} of them to us: {by_age}."
    )


def _what_hinders_anybody() -> str | None:
    """Why somebody who is not signed in cannot report anything, if so. What is tried is undone."""
    tried = Reported(kind=ReportKind.OTHER, said="Tried out.", contact="", mail=b"", form=str(uuid4()))
    with probe.as_nobody() as connection:
        try:
            with Transaction(Nobody(), bind=connection) as tx:
                add(tx, new_public_id(), tried)
        except SQLAlchemyError:
            return "The database takes nothing that anybody reports."
    return None


CHECKS = (Check("report-suspicious", report_suspicious),)
