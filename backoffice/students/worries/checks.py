"""Whether anybody, and a child above all, can report something, and whether what was told is looked at."""

from datetime import timedelta
from uuid import uuid4

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from backoffice import clock
from backoffice.access import probe
from backoffice.access.transaction import Transaction
from backoffice.controls import registry
from backoffice.controls.check import Check, Finding, Looking, falls_short, holds
from backoffice.controls.looking import count
from backoffice.outbox.checks import what_hinders_reports
from backoffice.schools.let_in import children_let_in
from backoffice.students.worries.models import GoesTo, Worry, WorryKind
from backoffice.students.worries.services import add

DAY = timedelta(days=1)


def report_suspicious(look: Looking) -> Finding:
    """The public page answers, a child can tell its teachers, and nothing told is open for too long."""
    (longest,) = registry.current().control("report-suspicious").times
    hindered = what_hinders_reports(look) or _what_hinders_children(look)
    if hindered:
        return falls_short(hindered)
    now = clock.now()
    told = look.tx.scalars(select(Worry.told_at).where(Worry.closed_at.is_(None))).all()
    late = sum(now - at > longest for at in told)
    young = sum(now - at <= DAY for at in told)
    by_age = (
        f"{young:,} of the last day, {len(told) - young - late:,} older, {late:,} over {longest.days} days"
    )
    if late:
        return falls_short(f"{count(late, 'report')} of a child open for too long: {by_age}.")
    return holds(f"The page answers and a child can tell; {count(len(told), 'open report')}: {by_age}.")


def _what_hinders_children(look: Looking) -> str | None:
    """Why a child cannot tell its teachers anything, if so. What is tried is undone."""
    # Whoever is not signed in is led to the code, and not to an error.
    answer = look.app.test_client(use_cookies=False).get("/student/tell", base_url=look.settings.base_url)
    if answer.location != "/join":
        return f"/student/tell answers {answer.status_code}."
    row = look.tx.execute(children_let_in(clock.now()).limit(1)).first()
    if row is None:
        return None
    with probe.as_student(row.code_index, row.public_id, pin_hash=row.pin_hash) as (connection, child):
        try:
            with Transaction(child.credential, bind=connection) as tx:
                add(tx, kind=WorryKind.OTHER, goes_to=GoesTo.TEACHER, note="", form=str(uuid4()))
        except SQLAlchemyError:
            return "The database takes nothing that a child tells."
    return None


CHECKS = (Check("report-suspicious", report_suspicious),)
