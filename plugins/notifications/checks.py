"""Whether deadlines that laws set are kept, for the incidents that are open."""

from sqlalchemy import select

from backoffice import clock
from backoffice.controls.check import Check, Finding, Looking, falls_short, holds, not_exercised
from backoffice.controls.looking import count
from plugins.notifications import clocks, said
from plugins.notifications.models import Incident


def breach_law(look: Looking) -> Finding:
    """Nobody whom we have to tell by some moment is untold after it. Drills do not count."""
    some = select(Incident).where(Incident.closed_at.is_(None), Incident.is_drill.is_(False))
    found = look.tx.scalars(some.order_by(Incident.id)).all()
    if not found:
        rules = count(len(clocks.law().rule), "rule")
        return not_exercised(f"No incident is open. {rules} of {len(places())} places are known.")
    now = clock.now()
    standings = clocks.standings(look.tx, found)
    shown = [each for standing in standings.values() for each in said.clocks(standing, now) if each.is_ours]
    late = [each for each in shown if each.is_open and each.due is not None and each.due < now]
    incidents = count(len(found), "incident")
    if late:
        return falls_short(f"{count(len(late), 'deadline')} missed in {incidents} that are open.")
    running = sum(each.is_open and each.due is not None for each in shown)
    met = sum(each.done for each in shown)
    overdue = sum(each.late for each in shown)
    if overdue:
        return falls_short(f"{count(overdue, 'notice')} given late in {incidents} that are open.")
    unclear = sum(map(clocks.is_unclear, standings.values()))
    return holds(
        f"{incidents} open, {unclear:,} of them not clear yet: {count(running, 'deadline')} running, none"
        f" missed, {met:,} met."
    )


def places() -> set[str]:
    """The places and contracts of which rules are known."""
    return {rule.jurisdiction for rule in clocks.law().rule}


CHECKS = (Check("breach-law", breach_law),)
