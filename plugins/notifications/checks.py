"""Whether deadlines that laws set are kept, for the incidents that are open."""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import func, or_, select

from backoffice import clock
from backoffice.controls.check import Check, Finding, Looking, falls_short, holds, not_exercised
from backoffice.controls.looking import count
from backoffice.storage.numbers import one_of
from plugins.notifications import clocks, said
from plugins.notifications.drills.queries import played
from plugins.notifications.drills.score import MOST
from plugins.notifications.models import Incident
from plugins.notifications.notices.models import DeliveryState, Notice, NoticeDelivery, NoticeState

# How long a drill counts, and what it has to score.
OLDEST, LEAST = timedelta(days=366), 60


def breach_law(look: Looking) -> Finding:
    """Nobody whom we have to tell by some moment is untold after it.

    A drill that is open counts for nothing; while nothing is open, the newest that was closed does.
    """
    some = select(Incident).where(Incident.closed_at.is_(None), Incident.is_drill.is_(False))
    found = look.tx.scalars(some.order_by(Incident.id)).all()
    if not found:
        return _practised(look)
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
        f" missed, {met:,} met. {_letters(look, found)}"
    )


def _letters(look: Looking, incidents: Sequence[Incident]) -> str:
    """How many letters there are because of these incidents, and how many of them were posted."""
    by_state = (
        select(NoticeDelivery.state, func.count().label("letters"))
        .join(Notice, Notice.id == NoticeDelivery.notice_id)
        .where(one_of(Notice.incident_id, [each.id for each in incidents]))
        .where(NoticeDelivery.state.in_((DeliveryState.TO_POST, DeliveryState.LETTER)))
        # Of one that was stopped nothing more is posted.
        .where(or_(NoticeDelivery.state == DeliveryState.LETTER, Notice.state != NoticeState.ENDED))
        .group_by(NoticeDelivery.state)
    )
    found = {row.state: row.letters for row in look.tx.rows(by_state)}
    posted, left = found.get(DeliveryState.LETTER, 0), found.get(DeliveryState.TO_POST, 0)
    return f"{count(posted + left, 'letter')}, {posted:,} of them posted."


def _practised(look: Looking) -> Finding:
    rules = count(len(clocks.law().rule), "rule")
    known = f"No incident is open. {rules} of {len(places())} places are known."
    # Where no notice was let out, somebody only looked how drills are.
    drills = [each for each in played(look.tx) if "two" in each.scored.parts]
    newest, before = (*drills, None, None)[:2]
    if newest is None:
        return not_exercised(f"{known} No drill was played to its end.")
    age = (clock.now() - newest.closed_at).days
    kept = newest.scored.parts.get("deadlines")
    deadlines = f", {kept} of {MOST['deadlines']} for deadlines" if kept is not None else ""
    than = f" (the one before: {before.score})" if before else ""
    found = f"The newest drill, {count(age, 'day')} ago, scored {newest.score} of 100{deadlines}{than}."
    if age > OLDEST.days:
        return falls_short(f"{found} That is over {OLDEST.days} days ago.")
    if newest.score < LEAST:
        return falls_short(f"{found} Play another until it is {LEAST} at least.")
    return holds(f"{known} {found}")


def places() -> set[str]:
    """The places and contracts of which rules are known."""
    return {rule.jurisdiction for rule in clocks.law().rule}


CHECKS = (Check("breach-law", breach_law),)
